public import ApusCore
public import ApusObserve

/// Says how often somebody may do something, counted over all processes that share the cache's server.
///
///     let searches = RateLimit("find-order", 10, per: .seconds(60))
///     let verdict = await searches.count(address)
///     guard verdict.isAllowed else { … }
///
/// Counts live in the cache alone, for two windows: lost with its server, and begun anew. They are kept in fixed windows, and
/// the window before counts by the share of it that the last `window` still covers, so that a burst at the turn of two
/// windows counts as one. Where the server cannot be reached each process counts alone.
///
/// - SeeAlso: IETF draft "RateLimit header fields for HTTP", for what a verdict is good for.
public final class RateLimit: SharableBlock {
    /// `cache`; the engine is chosen by `CACHE_URL`.
    public static var kind: String { "cache" }
    /// Most keys counted in this process where there is no server; further ones are allowed.
    static let keysMax = 100_000
    /// The limit's name within its system.
    public let name: String
    /// How often in a window.
    public let most: Int
    /// How long the window is.
    public let window: Duration

    private struct State {
        var clock: any Clock = SystemClock()
        var server: (any TierServer)?
        var rest = Instant(nanoseconds: .min)
        var failures = 0
        /// The window that `counts` is of.
        var number: Int64 = 0
        var counts: [String: Int] = [:]
        var before: [String: Int] = [:]
    }
    private let state = Lock(State())
    private let refused: Counter

    /// What may be done.
    public struct Verdict: Sendable, Hashable {
        /// Whether this time is within the limit.
        public let isAllowed: Bool
        /// How often more within the present window.
        public let remaining: Int
        /// When the window ends.
        public let resetsAfter: Duration
    }

    /// Declares a limit.
    ///
    /// - Parameters:
    ///   - name: Its name within the system.
    ///   - most: How often in a window, 1 or more.
    ///   - window: How long that is, 1 ms or more.
    ///   - metrics: Where it counts what was refused.
    public init(_ name: String, _ most: Int, per window: Duration, metrics: Metrics = .process) {
        precondition(most >= 1 && window >= .milliseconds(1), "limit \(name): at least 1 in at least 1 ms")
        self.name = name
        self.most = most
        self.window = window
        refused = metrics.counters("apus_limit_refused_total", help: "What was beyond a limit.", labels: ["limit"])
            .series(name)
    }

    /// Takes the site's clock and its URL.
    ///
    /// - Throws: `ConfigurationError` for a URL of another kind.
    public func open(_ site: BlockSite) async throws {
        state.withLock { $0.clock = site.clock }
        if let server = try CacheEngineChoice(url: site.url).server() { share(on: server) }
    }

    /// Counts on a server.
    func share(on server: any TierServer) {
        server.retain()
        state.withLock { $0.server = server }
    }

    /// Counts no more.
    public func close() async {
        let server = state.withLock { state in
            defer { state.server = nil }
            return state.server
        }
        await server?.release()
    }

    /// Always: a limit is for all processes together.
    public var isShared: Bool { true }
    /// None of its own.
    public var stockClient: String? { nil }

    /// Counts one, and says whether it is within the limit; what is beyond counts too.
    public func count(_ key: String) async -> Verdict {
        let (server, clock, isResting) = state.withLock { state in
            (state.server, state.clock, state.clock.now() < state.rest)
        }
        let nanoseconds = clock.wallNanoseconds()
        let length = window.nanoseconds
        let (number, spent) = nanoseconds.quotientAndRemainder(dividingBy: length)
        if let server, !isResting {
            do {
                let name = Array("apus:limit:\(self.name):\(key):".utf8)
                let (now, before) = try await server.count(
                    name + Array("\(number)".utf8),
                    before: name + Array("\(number - 1)".utf8),
                    lifetime: window * 2
                )
                state.withLock { $0.failures = 0 }
                return verdict(now, before, spent)
            } catch {
                // What says nothing of the server is counted here this once.
                if server.isAway(error) {
                    state.withLock { state in
                        state.failures += 1
                        if state.failures >= 2 { state.rest = clock.now() + .seconds(1) }
                    }
                }
            }
        }
        let (now, before) = countHere(key, number)
        return verdict(now, before, spent)
    }

    private func verdict(_ now: Int, _ before: Int, _ spent: Int64) -> Verdict {
        let covered = 1 - Double(spent) / Double(window.nanoseconds)
        let used = now + Int(Double(before) * covered)
        if used > most { refused.increment() }
        return Verdict(
            isAllowed: used <= most,
            remaining: max(0, most - used),
            resetsAfter: .nanoseconds(window.nanoseconds - spent)
        )
    }

    private func countHere(_ key: String, _ number: Int64) -> (now: Int, before: Int) {
        state.withLock { state in
            if state.number != number {
                state.before = state.number == number - 1 ? state.counts : [:]
                state.counts = [:]
                state.number = number
            }
            guard state.counts[key] != nil || state.counts.count < Self.keysMax else { return (0, 0) }
            let now = state.counts[key, default: 0] + 1
            state.counts[key] = now
            return (now, state.before[key] ?? 0)
        }
    }
}
