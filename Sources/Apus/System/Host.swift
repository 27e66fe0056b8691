import ApusCore
public import ApusObserve
public import ApusRuntime

/// Where one loop's instance of a part lives: its loop, its way to the services, its log.
public final class Host: Sendable {
    /// The part's name, or the system's in a process that runs all of them.
    public let role: String
    /// The replica's number, from 0.
    public let replica: Int
    /// The loop that everything made with this host runs on.
    public let loop: EventLoop
    /// All loops of this process.
    public let loops: [EventLoop]
    /// The services of this loop.
    public let actors: ApusActorSystem
    /// Threads for work that blocks.
    public let blocking: BlockingPool
    /// The system's data folder, mode 0700.
    public let dataFolder: String
    /// What the system was configured with, and where each value is from.
    public let configuration: Configuration
    /// The part's log.
    public let log: Log
    /// Who records the spans of the process.
    public let tracer: Tracer
    /// The instruments of the process.
    public let metrics: Metrics
    /// What has to hold for the process to be given work.
    public let readiness: Readiness

    init(site: ProcessSite, loop: EventLoop, actors: ApusActorSystem) {
        role = site.role
        replica = site.replica
        self.loop = loop
        loops = site.group.loops
        self.actors = actors
        blocking = site.blocking
        dataFolder = site.dataFolder
        configuration = site.configuration
        log = Log(site.role)
        tracer = .process
        metrics = .process
        readiness = site.readiness
    }

    /// A service: the instance on this loop if the process has the service, else a stub that calls it.
    ///
    /// Ask once, when the part is made, and keep the handle.
    ///
    /// - Throws: What making the instance throws.
    public func service<Handle>(_ contract: ServiceContract<Handle>) throws -> Handle {
        try actors.service(contract)
    }
}

/// Whether a process should be given work: what it says on `/readyz`.
///
/// It is ready once its parts serve, while every check holds, and until it drains.
public final class Readiness: Sendable {
    /// What a check found.
    public struct Finding: Sendable, Hashable {
        /// The check's name, such as `store shop`.
        public let name: String
        /// What is wrong, or `nil`.
        public let problem: String?
    }

    private struct State {
        var checks: [(name: String, check: @Sendable () -> String?)] = []
        var isServing = false
        var isDraining = false
    }
    private let state = Lock(State())

    init() {}

    /// Adds a check.
    ///
    /// - Parameters:
    ///   - name: What is checked.
    ///   - check: Says what is wrong, or `nil`. Called for each `/readyz`, so it looks at what is known and waits for nothing.
    public func require(_ name: String, _ check: @escaping @Sendable () -> String?) {
        state.withLock { $0.checks.append((name, check)) }
    }

    /// Whether all holds.
    public var isReady: Bool { findings.allSatisfy { $0.problem == nil } }

    /// What each check says now; the process itself comes first.
    public var findings: [Finding] {
        let (checks, isServing, isDraining) = state.withLock { ($0.checks, $0.isServing, $0.isDraining) }
        let own = isDraining ? "it is draining" : isServing ? nil : "it is starting"
        return [Finding(name: "process", problem: own)] + checks.map { Finding(name: $0.name, problem: $0.check()) }
    }

    func serves() { state.withLock { $0.isServing = true } }
    func drains() { state.withLock { $0.isDraining = true } }
}
