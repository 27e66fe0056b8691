public import CLinux

/// A point on a monotonic clock, in nanoseconds since an origin of that clock's own.
///
/// Two instants compare only when they come from the same ``Clock``.
public struct Instant: Sendable, Hashable, Comparable {
    /// Nanoseconds since the clock's origin.
    public var nanoseconds: Int64

    /// An instant at `nanoseconds` after the clock's origin.
    @inlinable
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Later than every instant a clock gives: a deadline that never comes.
    public static let distantFuture = Instant(nanoseconds: .max)

    /// Orders by time.
    @inlinable
    public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The instant `duration` later, or ``distantFuture`` where that would overflow.
    @inlinable
    public static func + (instant: Instant, duration: Duration) -> Instant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return overflow ? .distantFuture : Instant(nanoseconds: sum)
    }

    /// The time from `right` to `left`.
    @inlinable
    public static func - (left: Instant, right: Instant) -> Duration {
        .nanoseconds(left.nanoseconds &- right.nanoseconds)
    }
}

extension Duration {
    /// The whole duration in nanoseconds; saturates at ±292 years.
    @inlinable
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carried) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carried ? (seconds < 0 ? .min : .max) : sum
    }

    /// The whole duration in seconds, as a floating-point number.
    @inlinable
    public var seconds: Double { Double(nanoseconds) / 1e9 }
}

/// Where time comes from; tests put a clock in its place that they turn by hand.
public protocol Clock: Sendable {
    /// Monotonic time.
    func now() -> Instant
    /// Nanoseconds since 1970-01-01 00:00 UTC.
    func wallNanoseconds() -> Int64
}

/// The machine's clocks: `CLOCK_MONOTONIC` and `CLOCK_REALTIME`.
public struct SystemClock: Clock {
    /// The machine's clocks.
    public init() {}
    /// Monotonic time.
    @inlinable
    public func now() -> Instant { Instant(nanoseconds: apus_monotonic()) }
    /// Nanoseconds since 1970.
    @inlinable
    public func wallNanoseconds() -> Int64 { apus_realtime() }
}
