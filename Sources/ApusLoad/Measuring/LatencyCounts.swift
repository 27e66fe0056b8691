public import ApusObserve

/// How latencies spread, to 3% of each: the buckets of `HDRHistogram` with counts of one owner's own.
///
/// A loop keeps some, hands them over once a second, and they add up: so they are plain numbers without atomics.
public struct LatencyCounts: Sendable, Hashable {
    private var counts: [UInt64] = []
    /// Sum in nanoseconds.
    public private(set) var sum: UInt64 = 0
    /// How many were recorded.
    public private(set) var count: UInt64 = 0
    /// The largest, in nanoseconds, exactly.
    public private(set) var max: Int64 = 0

    /// None recorded.
    public init() {}

    /// Records nanoseconds; below zero counts as zero.
    @inline(__always)
    public mutating func record(_ nanoseconds: Int64) {
        if counts.isEmpty { counts = [UInt64](repeating: 0, count: HDRHistogram.bucketCount) }
        let value = nanoseconds < 0 ? 0 : UInt64(nanoseconds)
        counts[HDRHistogram.bucket(of: value)] &+= 1
        sum &+= value
        count &+= 1
        if nanoseconds > max { max = nanoseconds }
    }

    /// Counts what `other` has counted.
    public mutating func add(_ other: LatencyCounts) {
        if other.count == 0 { return }
        if counts.isEmpty {
            self = other
            return
        }
        for (index, more) in other.counts.enumerated() where more > 0 { counts[index] &+= more }
        sum &+= other.sum
        count &+= other.count
        if other.max > max { max = other.max }
    }

    /// Nanoseconds that the share `quantile` (0...1) does not exceed; nil where none was recorded.
    public func quantile(_ quantile: Double) -> Double? {
        guard count > 0 else { return nil }
        return snapshot.quantile(quantile).map { min($0, Double(max)) }
    }

    /// The mean in nanoseconds; nil where none was recorded.
    public var mean: Double? { count > 0 ? Double(sum) / Double(count) : nil }

    /// The same as a snapshot of the process's own metrics.
    public var snapshot: HistogramSnapshot {
        HistogramSnapshot(
            bounds: HDRHistogram.bounds,
            counts: counts.isEmpty ? [UInt64](repeating: 0, count: HDRHistogram.bucketCount) : counts,
            sum: sum
        )
    }
}
