/// Hashes keys, with seeds of its own: keys that collide in one cache are apart in the next, and nobody can find any.
///
/// Integers and strings are folded by multiplication, 16 bytes a step, which is several times as fast as `Hasher`.
/// Keys of other types go through `Hasher`.
@usableFromInline
struct KeyHash: Sendable {
    @usableFromInline let seed: UInt64
    // Odd, so that no bit of a key is lost.
    @usableFromInline let factor: UInt64

    init(seed: UInt64, factor: UInt64) {
        self.seed = seed
        self.factor = factor | 1
    }

    /// The hash of a key; equal keys have equal ones.
    @inlinable
    @inline(__always)
    func callAsFunction<Key: Hashable>(_ key: Key) -> UInt64 {
        // Decided by the compiler wherever the type is known.
        if Key.self == Int.self, let key = key as? Int { return fold(UInt64(bitPattern: Int64(key)) ^ seed) }
        if Key.self == String.self, let key = key as? String { return hash(key) }
        return UInt64(bitPattern: Int64(key._rawHashValue(seed: Int(truncatingIfNeeded: seed))))
    }

    @inlinable
    @inline(__always)
    func fold(_ word: UInt64) -> UInt64 { fold(word, factor) }

    @inlinable
    @inline(__always)
    func fold(_ word: UInt64, _ other: UInt64) -> UInt64 {
        let (high, low) = word.multipliedFullWidth(by: other)
        return high ^ low
    }

    @inlinable
    func hash(_ text: String) -> UInt64 {
        // Strings are equal where they mean the same characters: only of ASCII do equal ones have equal bytes.
        let known: UInt64?? = text.utf8.withContiguousStorageIfAvailable { bytes in
            hash(UnsafeRawBufferPointer(bytes))
        }
        return (known ?? nil) ?? hashSlowly(text)
    }

    /// The hash of bytes that are all ASCII; else `nil`.
    ///
    /// The last step takes the last 16 bytes, some of them perhaps again, or all that there are.
    ///
    /// - SeeAlso: Wang Yi, wyhash, whose steps these are.
    @inlinable
    func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        let count = bytes.count
        var hash = seed ^ UInt64(truncatingIfNeeded: count)
        var seen: UInt64 = 0
        var first: UInt64 = 0
        var second: UInt64 = 0
        if count >= 8 {
            var offset = 0
            while offset &+ 16 < count {
                first = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                second = bytes.loadUnaligned(fromByteOffset: offset &+ 8, as: UInt64.self)
                seen |= first | second
                hash = fold(first ^ factor, second ^ hash)
                offset &+= 16
            }
            first = bytes.loadUnaligned(fromByteOffset: max(0, count &- 16), as: UInt64.self)
            second = bytes.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
        } else {
            var offset = 0
            while offset < count {
                first = first << 8 | UInt64(bytes[offset])
                offset &+= 1
            }
        }
        seen |= first | second
        hash = fold(first ^ factor, second ^ hash)
        return seen & 0x8080_8080_8080_8080 == 0 ? fold(hash ^ factor) : nil
    }

    /// The hash of a string that is not in one piece, or not all ASCII.
    @usableFromInline
    func hashSlowly(_ text: String) -> UInt64 {
        // Three characters beyond ASCII mean the same as one of ASCII: Greek question mark, oxia's grave, Kelvin.
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\u{37E}": bytes.append(UInt8(ascii: ";"))
            case "\u{1FEF}": bytes.append(UInt8(ascii: "`"))
            case "\u{212A}": bytes.append(UInt8(ascii: "K"))
            case _ where scalar.isASCII: bytes.append(UInt8(truncatingIfNeeded: scalar.value))
            default: return UInt64(bitPattern: Int64(text._rawHashValue(seed: Int(truncatingIfNeeded: seed))))
            }
        }
        return bytes.withUnsafeBytes { hash($0) } ?? 0
    }
}
