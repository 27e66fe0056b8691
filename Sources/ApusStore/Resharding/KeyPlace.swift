/// Where a key is among all keys: its slot, and its hash within the slot.
///
/// Keys of a slot move in the order of their hash.
@usableFromInline
struct KeyPlace: Sendable, Hashable, Comparable {
    /// What a key says of its place.
    struct Source: Sendable, Hashable {
        let value: ShardValue
        let name: String?
    }

    /// The slot, below 65,536.
    @usableFromInline let number: UInt32
    /// XXH64 of the key's value: part of the data format.
    @usableFromInline let hash: UInt64

    @inlinable var slot: Int { Int(number) }

    /// No key's: of a handle that was reached without one.
    @inlinable static var none: KeyPlace { KeyPlace(number: .max, hash: 0) }
    /// Whether it is a key's.
    @inlinable var isKnown: Bool { number != .max }

    @inlinable
    init(number: UInt32, hash: UInt64) {
        self.number = number
        self.hash = hash
    }

    init(slot: Int, hash: UInt64) {
        self.init(number: UInt32(truncatingIfNeeded: slot), hash: hash)
    }

    @usableFromInline
    static func < (left: KeyPlace, right: KeyPlace) -> Bool {
        left.slot == right.slot ? left.hash < right.hash : left.slot < right.slot
    }
}
