/// What memcached's clients have with a string beside its value: 16 bytes behind the value's room, in entries that need them.
///
/// An entry gets them when a client of memcached's protocol stores it, or asks for what stands here. Whoever changes the
/// value afterwards, in either protocol, gives it a new version.
struct ItemExtras {
    /// How many bytes they take.
    static let byteCount = 16

    /// Differs after each change, and is never given twice; what `cas` compares.
    var version: UInt64 = 0
    /// The client's own number, which says to it how to read the value.
    var flags: UInt32 = 0
    /// When it was read or stored last, in seconds of the keyspace's time.
    var usedAt: UInt32 = 0
}

/// What is noted about an entry for memcached's clients.
struct ItemMarks: OptionSet {
    let rawValue: UInt8
    /// A client said that the value is old and may be shown until it is stored again.
    static let stale = ItemMarks(rawValue: 1)
    /// A client was told that it is the one to store it again.
    static let winnerTold = ItemMarks(rawValue: 2)
    /// It was asked for.
    static let fetched = ItemMarks(rawValue: 4)
    /// Its key came in base 64, and goes out so.
    static let binaryKey = ItemMarks(rawValue: 8)
}

extension KeyEntry {
    /// Bytes behind a string's room: ``ItemExtras/byteCount`` or none.
    @inline(__always) var extraBytes: Int { Int(base.load(fromByteOffset: 30, as: UInt8.self)) }

    @inline(__always) var marks: ItemMarks {
        get { ItemMarks(rawValue: base.load(fromByteOffset: 31, as: UInt8.self)) }
        nonmutating set { base.storeBytes(of: newValue.rawValue, toByteOffset: 31, as: UInt8.self) }
    }

    /// Whether anything is kept for memcached's clients.
    @inline(__always) var isItem: Bool { base.load(fromByteOffset: 30, as: UInt16.self) != 0 }

    /// Says how many bytes stand behind the room of a fresh string, which has no marks.
    @inline(__always)
    func setExtras(bytes: Int) {
        base.storeBytes(of: UInt16(truncatingIfNeeded: bytes).littleEndian, toByteOffset: 30, as: UInt16.self)
        if bytes != 0 { extras = ItemExtras() }
    }

    /// What stands behind a string's room, if anything does; to be set only where it does.
    var extras: ItemExtras? {
        get {
            guard extraBytes != 0 else { return nil }
            let place = valueStart + room
            return ItemExtras(
                version: place.loadUnaligned(as: UInt64.self),
                flags: place.loadUnaligned(fromByteOffset: 8, as: UInt32.self),
                usedAt: place.loadUnaligned(fromByteOffset: 12, as: UInt32.self)
            )
        }
        nonmutating set {
            guard let newValue, extraBytes != 0 else { return }
            let place = valueStart + room
            place.storeBytes(of: newValue.version, as: UInt64.self)
            place.storeBytes(of: newValue.flags, toByteOffset: 8, as: UInt32.self)
            place.storeBytes(of: newValue.usedAt, toByteOffset: 12, as: UInt32.self)
        }
    }

    /// Another value has taken the place of the one that memcached's clients knew.
    @inline(never)
    func forgetItem() {
        marks = []
        extras?.flags = 0
    }
}
