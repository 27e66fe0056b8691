import CLinux

/// SplitMix64: a small, fast, seeded generator.
///
/// Not for secrets.
///
/// The same seed gives the same numbers on every machine, which is what makes a failing run repeatable.
///
/// - SeeAlso: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    @usableFromInline var state: UInt64

    /// A generator that repeats itself for the same `seed`.
    public init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    @inlinable
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Unpredictable bytes for tokens and identifiers, from the kernel.
public enum SecureRandom {
    /// `count` random bytes from `getrandom(2)`.
    public static func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var offset = 0
            while offset < count {
                let got = unsafe apus_random(buffer.baseAddress.map { $0 + offset }, count - offset)
                if got > 0 { offset += got }
            }
            filled = count
        }
    }

    /// A 64-bit random number.
    public static func number() -> UInt64 {
        bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// `bits` random bits as lower-case hexadecimal; 128 unless said.
    public static func token(bits: Int = 128) -> String { Hex.encode(bytes(bits / 8)) }
}
