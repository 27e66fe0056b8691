import ApusCore

/// How long to wait before a replica is started again: 100 ms, doubling to 10 s, from the beginning after 30 s of health.
struct RestartPause: Sendable, Equatable {
    static let first: Duration = .milliseconds(100)
    static let longest: Duration = .seconds(10)
    /// A process that served for so long was well.
    static let healthy: Duration = .seconds(30)

    private var next = first

    /// The pause after a process that served for `served`; zero for one that never did.
    mutating func after(served: Duration) -> Duration {
        if served >= Self.healthy { next = Self.first }
        defer { next = min(next * 2, Self.longest) }
        return next
    }
}
