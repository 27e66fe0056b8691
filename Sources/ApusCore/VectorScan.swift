/// Finds the first byte of a kind, sixteen at a time, with the comparisons of CLinux's `ByteVectors.h`.
public enum VectorScan {
    /// Looks from `offset` on for the first byte that `vector` marks.
    ///
    /// The last bytes are looked at together with those before them, so that only memory of less than sixteen bytes is
    /// looked at byte by byte. Reads nothing outside `base[0 ..< end]`.
    ///
    /// - Parameters:
    ///   - base: Where the memory begins.
    ///   - offset: Where the search begins; at most `end`.
    ///   - end: Where the memory ends.
    ///   - vector: Bit *n* of its result is set where byte *n* of the sixteen is one.
    ///   - isOne: The same of one byte.
    /// - Returns: The offset, or `end` where there is none.
    @inlinable
    @inline(__always)
    public static func first(
        _ base: UnsafeRawPointer,
        _ offset: Int,
        _ end: Int,
        _ vector: (UnsafeRawPointer) -> UInt32,
        _ isOne: (UInt8) -> Bool
    ) -> Int {
        var offset = offset
        while offset &+ 16 <= end {
            let found = vector(base + offset)
            if found != 0 { return offset &+ found.trailingZeroBitCount }
            offset &+= 16
        }
        if end >= 16 {
            if offset >= end { return offset }
            let found = vector(base + (end &- 16)) &>> UInt32(truncatingIfNeeded: offset &+ 16 &- end)
            return found == 0 ? end : offset &+ found.trailingZeroBitCount
        }
        while offset < end, !isOne(base.load(fromByteOffset: offset, as: UInt8.self)) { offset &+= 1 }
        return offset
    }
}
