public import ApusHTTP
public import ApusRuntime

/// A load that a system declares: what its visitors do, and in which mixture.
///
/// ```swift
/// Scenario("shopping", "people look around and some buy", rate: 50) { site in
///     let products = Feed(try await site.products())
///     return Mix([
///         Journey("browse", weight: 80) { visitor in
///             try await visitor.get(Pages.home)
///             try await visitor.think(mean: .seconds(1))
///             try await visitor.get(Pages.product, products.next(for: visitor))
///         },
///         Journey("buy", weight: 20) { visitor in … },
///     ])
/// }
/// ```
/// Requests are named by the app's own routes, so that a path that changes does not compile on.
public struct Scenario: Sendable {
    /// What the command line calls it.
    public let name: String
    /// What it is, in a line.
    public let summary: String
    /// Arrivals a second unless said otherwise.
    public let rate: Double
    /// How long unless said otherwise.
    public let duration: Duration
    /// Whether it needs the system's own blocks open, and so the system's data folder on this machine.
    public let needsBlocks: Bool
    let prepare: @Sendable (LoadSite) async throws -> Mix

    /// A load.
    ///
    /// - Parameters:
    ///   - name: What the command line calls it.
    ///   - summary: What it is, in a line.
    ///   - rate: Arrivals a second unless the command line says otherwise.
    ///   - duration: How long unless the command line says otherwise.
    ///   - needsBlocks: Whether the system's blocks are opened for it, so that it can look into the store.
    ///   - prepare: Gets what the journeys need and puts the mixture together; before the run, outside its measurements.
    public init(
        _ name: String,
        _ summary: String = "",
        rate: Double = 10,
        duration: Duration = .seconds(30),
        needsBlocks: Bool = false,
        prepare: @escaping @Sendable (LoadSite) async throws -> Mix
    ) {
        precondition(rate > 0 && duration > .zero, "a scenario has a rate and takes time")
        self.name = name
        self.summary = summary
        self.rate = rate
        self.duration = duration
        self.needsBlocks = needsBlocks
        self.prepare = prepare
    }

    /// The same request again and again, ready-made: what costs the generator least.
    public static func request(_ request: ClientRequest, named name: String? = nil) -> Scenario {
        Scenario("request", "\(request.method.spelling) \(request.target)") { _ in
            Mix(fixed: request, named: name ?? "\(request.method.spelling) \(request.target)")
        }
    }
}

/// Where a scenario is prepared, and where its books are checked.
public struct LoadSite: Sendable {
    /// What is loaded.
    public let target: LoadTarget
    /// Asks it outside the measurements.
    public let client: Client
    /// The loop that the client belongs to, and that preparing runs on.
    public let loop: EventLoop
    /// Threads for work that blocks, such as reading files.
    public let blocking: BlockingPool
    /// How long the run will take.
    public let duration: Duration
    /// Decides what chance decides.
    public let seed: UInt64
    /// Says on standard error, or wherever the run is watched, what takes its time.
    public let say: @Sendable (String) -> Void

    /// A site.
    public init(
        target: LoadTarget,
        client: Client,
        loop: EventLoop,
        blocking: BlockingPool,
        duration: Duration,
        seed: UInt64,
        say: @escaping @Sendable (String) -> Void
    ) {
        self.target = target
        self.client = client
        self.loop = loop
        self.blocking = blocking
        self.duration = duration
        self.seed = seed
        self.say = say
    }
}

/// Journeys and how often each is taken.
public struct Mix: Sendable {
    /// What a run does when it is over, such as balancing the books.
    public typealias Audit = @Sendable (LoadSite) async throws -> [Finding]

    enum Content: Sendable {
        case journeys([Journey])
        case fixed(ClientRequest, name: String)
    }
    let content: Content
    /// When visitors come, where that was recorded; scaled to the run's duration.
    let recorded: [Duration]?
    let audit: Audit?

    /// A mixture.
    ///
    /// - Parameters:
    ///   - journeys: At least one; each is taken in proportion to its weight.
    ///   - recorded: When visitors come, ascending, where that was recorded; it is scaled to the run's duration, and takes
    ///     the place of rate and shape.
    ///   - audit: Runs once all visitors have left, and says what it found; a finding that is wrong fails the run.
    public init(_ journeys: [Journey], recorded: [Duration]? = nil, audit: Audit? = nil) {
        precondition(journeys.contains { $0.weight > 0 }, "a mix has a journey with a weight")
        content = .journeys(journeys)
        self.recorded = recorded
        self.audit = audit
    }

    init(fixed request: ClientRequest, named name: String) {
        content = .fixed(request, name: name)
        recorded = nil
        audit = nil
    }

    /// Something that was looked at after a run.
    public struct Finding: Sendable, Hashable, Codable {
        /// What was looked at, such as "orders acknowledged are in the store".
        public var what: String
        /// Whether it is as it should be.
        public var holds: Bool
        /// The figures.
        public var detail: String

        /// A finding.
        public init(_ what: String, holds: Bool, _ detail: String) {
            self.what = what
            self.holds = holds
            self.detail = detail
        }
    }

    /// Which journey a draw between 0 and 1 chooses.
    func journey(at share: Double) -> Journey? {
        guard case .journeys(let journeys) = content else { return nil }
        var left = share * journeys.reduce(0) { $0 + $1.weight }
        for journey in journeys where journey.weight > 0 {
            left -= journey.weight
            if left < 0 { return journey }
        }
        return journeys.last { $0.weight > 0 }
    }
}

/// What one visitor does, from coming to leaving.
public struct Journey: Sendable {
    /// What it is called in reports.
    public let name: String
    /// How often it is taken, beside the others' weights.
    public let weight: Double
    let body: @Sendable (Visitor) async throws -> Void

    /// A journey.
    ///
    /// - Parameters:
    ///   - name: What it is called.
    ///   - weight: How often it is taken, beside the others' weights; 0 or more.
    ///   - body: What the visitor does; where it throws, the visitor has given up.
    public init(_ name: String, weight: Double = 1, _ body: @escaping @Sendable (Visitor) async throws -> Void) {
        precondition(weight >= 0 && weight.isFinite, "a weight is 0 or more")
        self.name = name
        self.weight = weight
        self.body = body
    }
}
