/// How long nobody tries again to connect, after it failed.
///
/// Each pause is twice as long as the one before, up to a bound, and by chance up to a half longer, so that many who lost the
/// same server do not come back at the same time.
public struct ReconnectPause<Failure: Error>: Sendable {
    private let first: Duration
    private let longest: Duration
    private var length: Duration
    private var until = Instant(nanoseconds: .min)
    private var last: Failure?

    /// No pause yet.
    ///
    /// - Parameters:
    ///   - first: The first one.
    ///   - longest: The longest, but for what chance adds.
    public init(first: Duration, longest: Duration) {
        self.first = first
        self.longest = max(first, longest)
        length = first
    }

    /// Why one need not try now; `nil` where one should.
    public func error(at now: Instant) -> Failure? { now < until ? last : nil }

    /// Begins the next pause.
    ///
    /// - Parameters:
    ///   - error: Why it is.
    ///   - now: When it begins.
    ///   - chance: A random number.
    /// - Returns: When one may try again.
    @discardableResult
    public mutating func failed(_ error: Failure, at now: Instant, chance: UInt64) -> Instant {
        last = error
        until = now + length + length * (Double(chance % 512) / 1024)
        length = min(length * 2, longest)
        return until
    }

    /// The next pause is a first one.
    public mutating func succeeded() { self = ReconnectPause(first: first, longest: longest) }
}
