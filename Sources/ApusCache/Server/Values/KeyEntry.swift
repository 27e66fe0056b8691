/// An entry of the keyspace, one block.
///
/// Next, hash, key length, when it expires (8), its number (4), its kind (1), whether it was edited (1), how many bytes
/// memcached's clients have behind the value (1), their marks (1), then for a string the value's length (4) and room (4), for
/// any other kind the value's address (8), and the key. A string's value follows the key; see ``ItemExtras`` for what may
/// stand behind its room.
struct EntryLayout: ChainLayout {
    static var keyOffset: Int { 40 }
}

/// What a key holds.
enum ValueKind: UInt8 {
    case string, list, set, sorted, hash

    /// What `TYPE` says.
    var name: StaticString {
        switch self {
        case .string: "string"
        case .list: "list"
        case .set: "set"
        case .sorted: "zset"
        case .hash: "hash"
        }
    }
}

/// An entry's block.
//
// A bare pointer to a block of the layout above that its keyspace owns; good until the keyspace changes. `value` is asked
// for only where `kind` says that it is there.
struct KeyEntry: Equatable {
    /// The time of an entry that does not expire.
    static let never = Int64.max

    let base: UnsafeMutableRawPointer

    @inline(__always) var hash: UInt32 { ChainTable<EntryLayout>.hash(base) }
    @inline(__always) var key: UnsafeRawBufferPointer { ChainTable<EntryLayout>.key(base) }
    @inline(__always) var keyCount: Int { ChainTable<EntryLayout>.keyCount(base) }

    /// When it goes, in milliseconds of the keyspace's time; ``never`` for not at all.
    @inline(__always) var expiresAt: Int64 {
        get { base.load(fromByteOffset: 16, as: Int64.self) }
        nonmutating set { base.storeBytes(of: newValue, toByteOffset: 16, as: Int64.self) }
    }
    /// Its number, by which the eviction policy knows it.
    @inline(__always) var number: Int {
        get { Int(base.load(fromByteOffset: 24, as: UInt32.self)) }
        nonmutating set { base.storeBytes(of: UInt32(truncatingIfNeeded: newValue), toByteOffset: 24, as: UInt32.self) }
    }
    @inline(__always) var kind: ValueKind {
        get { ValueKind(rawValue: base.load(fromByteOffset: 28, as: UInt8.self)) ?? .string }
        nonmutating set { base.storeBytes(of: newValue.rawValue, toByteOffset: 28, as: UInt8.self) }
    }
    /// The string was appended to or cut, so that Redis would call it raw.
    @inline(__always) var wasEdited: Bool {
        get { base.load(fromByteOffset: 29, as: UInt8.self) != 0 }
        nonmutating set { base.storeBytes(of: newValue ? 1 : 0, toByteOffset: 29, as: UInt8.self) }
    }

    // MARK: Strings

    @inline(__always) var valueCount: Int {
        get { Int(base.load(fromByteOffset: 32, as: UInt32.self)) }
        nonmutating set { base.storeBytes(of: UInt32(truncatingIfNeeded: newValue), toByteOffset: 32, as: UInt32.self) }
    }
    @inline(__always) var room: Int {
        get { Int(base.load(fromByteOffset: 36, as: UInt32.self)) }
        nonmutating set { base.storeBytes(of: UInt32(truncatingIfNeeded: newValue), toByteOffset: 36, as: UInt32.self) }
    }
    @inline(__always) var valueStart: UnsafeMutableRawPointer { base + EntryLayout.keyOffset + keyCount }
    @inline(__always) var string: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: valueStart, count: valueCount)
    }

    // MARK: Other kinds

    @inline(__always)
    private func value<Value: ~Copyable>(_ type: Value.Type) -> UnsafeMutablePointer<Value> {
        base.load(fromByteOffset: 32, as: UnsafeMutableRawPointer.self).assumingMemoryBound(to: type)
    }
    @inline(__always) var list: UnsafeMutablePointer<ListValue> { value(ListValue.self) }
    @inline(__always) var set: UnsafeMutablePointer<SetValue> { value(SetValue.self) }
    @inline(__always) var sorted: UnsafeMutablePointer<SortedValue> { value(SortedValue.self) }
    @inline(__always) var hashValue: UnsafeMutablePointer<HashValue> { value(HashValue.self) }

    /// The value's address, for a kind other than string.
    @inline(__always) var valueAddress: UnsafeMutableRawPointer {
        get { base.load(fromByteOffset: 32, as: UnsafeMutableRawPointer.self) }
        nonmutating set { base.storeBytes(of: newValue, toByteOffset: 32, as: UnsafeMutableRawPointer.self) }
    }

    /// Elements of a value other than a string.
    var elementCount: Int {
        switch kind {
        case .string: 1
        case .list: list.pointee.count
        case .set: set.pointee.count
        case .sorted: sorted.pointee.count
        case .hash: hashValue.pointee.count
        }
    }

    /// What the entry takes with its value, in bytes.
    @inline(__always) var weight: Int {
        kind == .string
            ? BlockMemory.weight(EntryLayout.keyOffset &+ keyCount &+ room &+ extraBytes)
            : BlockMemory.weight(EntryLayout.keyOffset &+ keyCount) &+ valueWeight
    }

    private var valueWeight: Int {
        switch kind {
        case .string: 0
        case .list: list.pointee.weight
        case .set: set.pointee.weight
        case .sorted: sorted.pointee.weight
        case .hash: hashValue.pointee.weight
        }
    }
}
