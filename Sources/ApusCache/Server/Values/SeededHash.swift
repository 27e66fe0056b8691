import ApusCore

/// A hash of bytes that differs from process to process, so that nobody outside can choose keys that collide.
///
/// Each step multiplies two words to 128 bits and folds the halves; a key of up to 16 bytes takes two steps.
///
/// - SeeAlso: Wang Yi, "wyhash", for the idea of folding a full multiplication.
struct SeededHash: Sendable {
    private let seed: UInt64
    private let salt: UInt64

    /// With a seed from the kernel.
    init() { self.init(seed: SecureRandom.number()) }

    /// With a known seed, so that a test repeats itself.
    init(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        self.seed = random.next()
        salt = random.next() | 1
    }

    /// The upper half of the hash of the `count` bytes at `start`.
    @inline(__always)
    func hash(_ start: UnsafeRawPointer, _ count: Int) -> UInt32 {
        var state = seed ^ UInt64(truncatingIfNeeded: count)
        var left = count
        var place = start
        while left > 16 {
            state = Self.fold(Self.word(place) ^ salt, Self.word(place + 8) ^ state)
            place += 16
            left &-= 16
        }
        let (low, high): (UInt64, UInt64)
        if left >= 8 {
            (low, high) = (Self.word(place), Self.word(place + (left &- 8)))
        } else if left >= 4 {
            (low, high) = (Self.half(place), Self.half(place + (left &- 4)))
        } else if left > 0 {
            low =
                UInt64(place.load(as: UInt8.self)) << 8 | UInt64(place.load(fromByteOffset: left &>> 1, as: UInt8.self))
            high = UInt64(place.load(fromByteOffset: left &- 1, as: UInt8.self))
        } else {
            (low, high) = (0, 0)
        }
        state = Self.fold(low ^ salt, high ^ state)
        return UInt32(truncatingIfNeeded: Self.fold(state ^ salt, 0x9E37_79B9_7F4A_7C15) &>> 32)
    }

    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    @inline(__always)
    private static func word(_ place: UnsafeRawPointer) -> UInt64 { place.loadUnaligned(as: UInt64.self) }

    @inline(__always)
    private static func half(_ place: UnsafeRawPointer) -> UInt64 { UInt64(place.loadUnaligned(as: UInt32.self)) }
}
