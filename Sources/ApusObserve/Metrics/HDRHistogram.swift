public import ApusCore

/// A histogram with a bucket for every 3% of value, for quantiles one can trust: p50, p99, p99.9.
///
/// Values below 32 have a bucket each; above, every power of two is cut into 32 equal buckets, so a quantile is off by at
/// most 1/32 of itself. Values from 2^42 on (73 minutes, in nanoseconds) count in the last bucket. It needs 9.5 KiB a
/// thread that records; use ``Histogram`` where Prometheus does the arithmetic.
///
/// - SeeAlso: Gil Tene, HdrHistogram; the layout is its own with 5 significant bits.
public struct HDRHistogram: Sendable {
    @usableFromInline let cell: Cell

    init(cell: Cell) { self.cell = cell }

    /// Records `value`, in the unit the histogram was made with; below zero counts as zero.
    @inlinable
    public func record(_ value: Int64) {
        let value = UInt64(max(0, value))
        let slot = ThreadSlot.current()
        cell.add(1, offset: 1 &+ Self.bucket(of: value), slot: slot)
        cell.add(value, offset: 0, slot: slot)
    }

    /// Records a length of time, in a histogram that was made for nanoseconds.
    @inlinable
    public func record(_ duration: Duration) { record(duration.nanoseconds) }

    /// What was recorded so far.
    public func snapshot() -> HistogramSnapshot {
        let counts = (0..<Self.bucketCount).map { cell.sum(offset: 1 + $0) }
        return HistogramSnapshot(bounds: Self.bounds, counts: counts, sum: cell.sum())
    }

    /// How many buckets there are.
    package static let bucketCount = 32 + 37 * 32
    /// The largest value of each bucket but the last.
    package static let bounds: [UInt64] = (0..<bucketCount - 1).map { lowest($0 + 1) - 1 }

    /// The bucket that `value` counts in; for those who keep the counts themselves.
    @inlinable
    package static func bucket(of value: UInt64) -> Int {
        if value < 32 { return Int(value) }
        let exponent = 63 &- value.leadingZeroBitCount
        if exponent > 41 { return 32 &+ 37 &* 32 &- 1 }
        return (exponent &- 4) &* 32 &+ Int((value &>> UInt64(exponent &- 5)) & 31)
    }

    static func lowest(_ bucket: Int) -> UInt64 {
        if bucket < 32 { return UInt64(bucket) }
        return (32 + UInt64(bucket % 32)) << UInt64(bucket / 32 - 1)
    }
}
