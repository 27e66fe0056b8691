import ApusCore
import CLinux

/// Scans bytes sixteen at a time, or eight in a word: which is the first of a kind, without a branch for each byte.
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
        VectorScan.first(base, offset, end, apus_control16) { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }
    }

    /// Offset of the first byte from `offset` on that is not a visible ASCII character, or is `#` or `?`; or `end`.
    @inline(__always)
    static func targetEnd(_ base: UnsafeRawPointer, _ offset: Int, _ end: Int) -> Int {
        VectorScan.first(base, offset, end, apus_target_end16) {
            $0 < 0x21 || $0 >= 0x7F || $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: "?")
        }
    }

    /// Offset of the first `wanted` from `offset` on, or `end`.
    @inline(__always)
    static func find(_ wanted: UInt8, _ base: UnsafeRawPointer, _ offset: Int, _ end: Int) -> Int {
        VectorScan.first(base, offset, end, { apus_equal16($0, wanted) }, { $0 == wanted })
    }

    /// Offset of the first byte from `offset` on that is no token character, or `end`.
    @inline(__always)
    static func tokenEnd(_ base: UnsafeRawPointer, _ offset: Int, _ end: Int) -> Int {
        var offset = offset
        while offset < end, ASCII.isToken(byte(base, offset)) { offset &+= 1 }
        return offset
    }
}
