/// Scans bytes eight at a time: which of eight bytes is the first of a kind, without a branch for each.
enum ByteScan {
    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let tops: UInt64 = 0x8080_8080_8080_8080

    /// The top bit of each byte below `bound` (at most 0x80); exact up to the first byte found.
    @inline(__always)
    static func below(_ word: UInt64, _ bound: UInt8) -> UInt64 {
        (word &- ones &* UInt64(bound)) & ~word & tops
    }

    /// The top bit of each byte equal to `byte`; exact up to the first byte found.
    @inline(__always)
    static func equal(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        below(word ^ (ones &* UInt64(byte)), 1)
    }

    @inline(__always)
    static func load(_ base: UnsafeRawPointer, _ offset: Int) -> UInt64 {
        UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    @inline(__always)
    static func byte(_ base: UnsafeRawPointer, _ offset: Int) -> UInt8 {
        base.load(fromByteOffset: offset, as: UInt8.self)
    }

    /// Offset of the first control character (below 0x20, or 0x7f) from `offset` on other than HTAB, or `end`.
    @inline(__always)
    static func control(_ base: UnsafeRawPointer, _ offset: Int, _ end: Int) -> Int {
        var offset = offset
        while offset < end {
            if offset &+ 8 <= end {
                let word = load(base, offset)
                let found = below(word, 0x20) | equal(word, 0x7F)
                if found == 0 {
                    offset &+= 8
                    continue
                }
                offset &+= found.trailingZeroBitCount &>> 3
            }
            let value = byte(base, offset)
            if (value < 0x20 && value != 0x09) || value == 0x7F { return offset }
            offset &+= 1
        }
        return end
    }

    /// Offset of the first byte from `offset` on that is not a visible ASCII character, or is `#` or `?`; or `end`.
    @inline(__always)
    static func targetEnd(_ base: UnsafeRawPointer, _ offset: Int, _ end: Int) -> Int {
        var offset = offset
        while offset &+ 8 <= end {
            let word = load(base, offset)
            let found =
                below(word, 0x21) | (word & tops) | equal(word, 0x7F) | equal(word, UInt8(ascii: "#"))
                | equal(word, UInt8(ascii: "?"))
            if found != 0 { return offset &+ (found.trailingZeroBitCount &>> 3) }
            offset &+= 8
        }
        while offset < end {
            let value = byte(base, offset)
            if value < 0x21 || value >= 0x7F || value == UInt8(ascii: "#") || value == UInt8(ascii: "?") { break }
            offset &+= 1
        }
        return offset
    }

    /// Offset of the first `wanted` from `offset` on, or `end`.
    @inline(__always)
    static func find(_ wanted: UInt8, _ base: UnsafeRawPointer, _ offset: Int, _ end: Int) -> Int {
        var offset = offset
        while offset &+ 8 <= end {
            let found = equal(load(base, offset), wanted)
            if found != 0 { return offset &+ (found.trailingZeroBitCount &>> 3) }
            offset &+= 8
        }
        while offset < end, byte(base, offset) != wanted { offset &+= 1 }
        return offset
    }

    /// Offset of the first byte from `offset` on that is no token character, or `end`.
    @inline(__always)
    static func tokenEnd(_ base: UnsafeRawPointer, _ offset: Int, _ end: Int) -> Int {
        var offset = offset
        while offset < end, ASCII.isToken(byte(base, offset)) { offset &+= 1 }
        return offset
    }
}
