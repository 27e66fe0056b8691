public import ApusCore

/// How often values fell below each of a few fixed bounds: the histogram that Prometheus knows.
///
/// Recording takes no lock, allocates nothing and looks at one or two bounds, whatever their number: a table over the
/// leading bits of the value says where to start. Like ``Counter`` it is a trivial value.
public struct Histogram: Sendable {
    @usableFromInline let cell: Cell
    @usableFromInline let shape: HistogramShape

    init(cell: Cell, shape: HistogramShape) {
        self.cell = cell
        self.shape = shape
    }

    /// Records `value`, in the unit the histogram was made with; below zero counts as zero.
    @inlinable
    public func record(_ value: Int64) {
        let value = UInt64(max(0, value))
        let slot = ThreadSlot.current()
        cell.add(1, offset: 1 &+ shape.bucket(of: value), slot: slot)
        cell.add(value, offset: 0, slot: slot)
    }

    /// Records a length of time, in a histogram that was made for nanoseconds.
    @inlinable
    public func record(_ duration: Duration) { record(duration.nanoseconds) }

    /// What was recorded so far.
    public func snapshot() -> HistogramSnapshot {
        HistogramSnapshot(
            bounds: shape.bounds,
            counts: (0...shape.boundsCount).map { cell.sum(offset: 1 + $0) },
            sum: cell.sum()
        )
    }
}

/// What a histogram held at one moment.
public struct HistogramSnapshot: Sendable, Hashable {
    /// Upper bounds, each inclusive, ascending, in the unit of the histogram.
    public let bounds: [UInt64]
    /// How many values fell into each bucket, not summed up; one more than there are bounds.
    public let counts: [UInt64]
    /// The sum of all values.
    public let sum: UInt64

    /// A snapshot from its parts: one count more than there are bounds.
    package init(bounds: [UInt64], counts: [UInt64], sum: UInt64) {
        precondition(counts.count == bounds.count + 1, "a histogram has a bucket more than bounds")
        self.bounds = bounds
        self.counts = counts
        self.sum = sum
    }

    /// How many values were recorded.
    public var count: UInt64 { counts.reduce(0, &+) }

    /// A value that the share `quantile` (0...1) of all values does not exceed, interpolated within its bucket.
    ///
    /// Values beyond the last bound count as the last bound. `nil` where nothing was recorded.
    public func quantile(_ quantile: Double) -> Double? {
        let total = count
        guard total > 0, let last = bounds.last else { return nil }
        let rank = max(1, (quantile * Double(total)).rounded(.up))
        var seen: UInt64 = 0
        for (index, count) in counts.enumerated() where count > 0 {
            seen += count
            guard Double(seen) >= rank else { continue }
            guard index < bounds.count else { break }
            let low = index == 0 ? 0 : Double(bounds[index - 1])
            let share = (rank - Double(seen - count)) / Double(count)
            return low + (Double(bounds[index]) - low) * share
        }
        return Double(last)
    }

    /// What was recorded since `earlier`, a snapshot of the same histogram.
    public func since(_ earlier: HistogramSnapshot) -> HistogramSnapshot {
        precondition(bounds == earlier.bounds, "snapshots of different histograms")
        return HistogramSnapshot(
            bounds: bounds,
            counts: zip(counts, earlier.counts).map { $0 &- $1 },
            sum: sum &- earlier.sum
        )
    }
}

/// The bounds of a histogram, with a table that finds a value's bucket.
//
// `@unchecked Sendable` is sound because the memory is filled before the shape is shared, never written after, and
// never freed: histograms live as long as the process.
@usableFromInline
struct HistogramShape: @unchecked Sendable {
    @usableFromInline let boundsCount: Int
    @usableFromInline let limits: UnsafePointer<UInt64>
    @usableFromInline let starts: UnsafePointer<UInt8>

    init(bounds: [UInt64]) {
        precondition(!bounds.isEmpty && bounds.count < 255, "a histogram has 1 to 254 bounds")
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "bounds of a histogram ascend")
        boundsCount = bounds.count
        let limits = UnsafeMutablePointer<UInt64>.allocate(capacity: bounds.count + 1)
        for (index, bound) in bounds.enumerated() { limits[index] = bound }
        limits[bounds.count] = .max
        // 64 exponents, 8 steps each: a start says which is the first bound that a value of that step may be under.
        let starts = UnsafeMutablePointer<UInt8>.allocate(capacity: 512)
        for step in 0..<512 {
            let low = Self.lowest(step)
            starts[step] = UInt8(bounds.firstIndex { $0 >= low } ?? bounds.count)
        }
        self.limits = UnsafePointer(limits)
        self.starts = UnsafePointer(starts)
    }

    var bounds: [UInt64] { (0..<boundsCount).map { limits[$0] } }

    /// Which eighth of which power of two a value lies in.
    @inlinable
    static func step(_ value: UInt64) -> Int {
        if value < 8 { return Int(value) }
        let exponent = 63 &- value.leadingZeroBitCount
        return (exponent &- 2) &* 8 &+ Int((value &>> UInt64(exponent &- 3)) & 7)
    }

    /// The smallest value of a step.
    static func lowest(_ step: Int) -> UInt64 {
        if step < 8 { return UInt64(step) }
        let exponent = step / 8 + 2
        if exponent > 63 { return .max }
        return (8 + UInt64(step % 8)) << UInt64(exponent - 3)
    }

    @inlinable
    func bucket(of value: UInt64) -> Int {
        var index = Int(starts[Self.step(value)])
        while value > limits[index] { index &+= 1 }
        return index
    }
}
