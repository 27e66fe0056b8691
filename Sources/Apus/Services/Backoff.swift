import ApusCore

/// How long an endpoint that failed is left alone: doubling, with jitter, so that callers do not return together.
enum Backoff {
    static let first: Double = 0.05
    static let most: Double = 5

    /// The pause after `failures` failures in a row, at least one: between half and all of 50 ms, 100 ms, … 5 s.
    static func pause(after failures: Int, using random: inout SeededRandom) -> Duration {
        let whole = min(most, first * Double(1 << min(max(failures, 1) - 1, 10)))
        return .nanoseconds(Int64(whole * Double.random(in: 0.5...1, using: &random) * 1e9))
    }
}
