/// How a cache is cut into parts, each with a lock and a policy of its own.
@usableFromInline
enum CacheParts {
    /// What each part may hold.
    ///
    /// Small caches stay whole: a policy sees more in one part than in many. What weighs as its author says is taken for
    /// bytes, of entries so large that 16 MiB are a small cache.
    static func capacities(_ capacity: Int, isWeighed: Bool) -> [Int] {
        let count = min(16, max(1, capacity / (isWeighed ? 16 << 20 : 1024)))
        let (share, extra) = capacity.quotientAndRemainder(dividingBy: count)
        return (0..<count).map { share + ($0 < extra ? 1 : 0) }
    }

    /// The part a hash belongs to.
    @inlinable
    @inline(__always)
    static func number(_ hash: UInt64, of count: Int) -> Int {
        Int(truncatingIfNeeded: ((hash >> 32) &* UInt64(truncatingIfNeeded: count)) >> 32)
    }
}
