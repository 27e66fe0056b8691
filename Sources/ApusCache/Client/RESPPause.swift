import ApusCore

/// How long nobody tries again to connect, after it failed.
struct RESPPause {
    private let first: Duration
    private let longest: Duration
    private var length: Duration
    private var until = Instant(nanoseconds: .min)
    private var last: RESPClientError?

    init(_ configuration: RESPClientConfiguration) {
        first = configuration.pauseFirst
        longest = max(configuration.pauseFirst, configuration.pauseLongest)
        length = first
    }

    /// Why one need not try now; `nil` where one should.
    func error(at now: Instant) -> RESPClientError? { now < until ? last : nil }

    /// The next pause is twice as long; by chance up to a half longer, so that many do not come at the same time.
    ///
    /// - Returns: When one may try again.
    @discardableResult
    mutating func failed(_ error: RESPClientError, at now: Instant, chance: UInt64) -> Instant {
        last = error
        until = now + length + length * (Double(chance % 512) / 1024)
        length = min(length * 2, longest)
        return until
    }

    mutating func succeeded() {
        length = first
        until = Instant(nanoseconds: .min)
        last = nil
    }
}
