public import ApusCore

/// A clock that stands still until a test turns it.
public final class ManualClock: Clock {
    private let monotonic: Lock<Int64>
    private let wallOffset: Int64

    /// A clock that shows `start` nanoseconds, and a wall clock that is `wallOffset` ahead of it: 2026-01-01 unless given.
    public init(start: Int64 = 1_000_000_000, wallOffset: Int64 = 1_767_225_600_000_000_000) {
        monotonic = Lock(start)
        self.wallOffset = wallOffset
    }

    /// Lets time pass.
    public func advance(by duration: Duration) { monotonic.withLock { $0 += duration.nanoseconds } }

    /// The time it was turned to.
    public func now() -> Instant { Instant(nanoseconds: monotonic.withLock { $0 }) }

    /// The same time as nanoseconds since 1970.
    public func wallNanoseconds() -> Int64 { now().nanoseconds + wallOffset }
}
