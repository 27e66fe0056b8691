import ApusCore

/// Which slot a key has and which shard a slot is on.
///
/// Slots move while a store serves: what it says of a slot's shard holds for the moment.
public final class ShardMap: Sendable {
    /// Grows with every change of what lies where.
    public var version: Int { first + Int(truncatingIfNeeded: table.changes) }
    /// The version that the map was read with.
    let first: Int
    /// Whether slots have moved since the map was first written.
    let hasMoved: Bool
    /// Whether rows are on their way between a folder and a server.
    let isRelocated: Bool
    /// On servers, the last resharding that is in the map as it was read.
    let plan: Int64
    /// How keys come to slots.
    public let sharding: Sharding
    /// How many shards there are.
    public var shards: Int { table.shards }
    /// The shard of each slot.
    let table: SlotTable
    /// What ties the shards' files to this map: a random token.
    let identity: String
    private let directory: Directory

    init(
        version: Int,
        sharding: Sharding,
        table: SlotTable,
        identity: String,
        hasMoved: Bool = false,
        isRelocated: Bool = false,
        plan: Int64 = 0
    ) {
        first = version
        self.hasMoved = hasMoved
        self.isRelocated = isRelocated
        self.plan = plan
        self.sharding = sharding
        self.table = table
        self.identity = identity
        self.directory = Directory(sharding)
    }

    /// The first map of a new store: neighbouring slots share a shard, and shards differ by one slot at most.
    ///
    /// - Parameter identity: What ties shards to it; a new one unless said.
    static func first(_ sharding: Sharding, shards: Int, identity: String? = nil) -> ShardMap {
        ShardMap(
            version: 1,
            sharding: sharding,
            table: SlotTable((0..<sharding.slots).map { UInt16($0 * shards / sharding.slots) }, shards: shards),
            identity: identity ?? SecureRandom.token()
        )
    }

    /// The shard of a slot.
    public func shard(ofSlot slot: Int) -> Int { table.shard(ofSlot: slot) }

    /// The slots of a directory's name.
    ///
    /// - Throws: ``StoreError`` with code `notInMap` for a name that has none.
    func slots(ofName name: String) throws -> Range<Int> {
        let slots = directory.slots(of: name)
        guard sharding.kind == .directory, !slots.isEmpty else {
            throw StoreError(.notInMap, "the directory of \(sharding.names.count) names has no such name")
        }
        return slots
    }

    /// The slot of a key.
    ///
    /// - Throws: ``StoreError`` with code `notInMap` where the directory has no slots for the key's name.
    /// - Complexity: O(1); for ranges O(log *n*) in the bounds.
    public func slot(of key: some ShardKey) throws -> Int { try place(key.shardValue, name: key.directoryName).slot }

    // Inlined with what it calls: routing is one call on the way of every read.
    /// The slot of a key, and its hash within the slot.
    @inline(__always)
    func place(_ value: ShardValue, name: String?) throws -> KeyPlace {
        let hash =
            switch value {
            case .integer(let number): XXHash64.hash(number)
            case .text(let text): XXHash64.hash(text)
            }
        switch sharding.kind {
        case .hash: return KeyPlace(slot: Self.spread(hash, over: 0..<sharding.slots), hash: hash)
        case .range: return KeyPlace(slot: rangeSlot(value), hash: hash)
        case .directory:
            guard let name else { return KeyPlace(slot: Self.spread(hash, over: 0..<sharding.slots), hash: hash) }
            let slots = directory.slots(of: name)
            guard !slots.isEmpty else {
                throw StoreError(.notInMap, "the directory of \(sharding.names.count) names has no such name")
            }
            return KeyPlace(slot: Self.spread(hash, over: slots), hash: hash)
        }
    }

    @inline(__always)
    private static func spread(_ hash: UInt64, over slots: Range<Int>) -> Int {
        slots.lowerBound + Int(truncatingIfNeeded: hash % UInt64(truncatingIfNeeded: slots.count))
    }

    /// How many bounds are at or below the value.
    private func rangeSlot(_ value: ShardValue) -> Int {
        var low = 0
        var high = sharding.bounds.count
        while low < high {
            let middle = (low + high) / 2
            if sharding.bounds[middle] <= value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Names and their slots in a table that one look finds.
    private struct Directory: Sendable {
        private var table: [(name: String, slots: Range<Int>)?]
        private let mask: Int
        private let others: Range<Int>

        init(_ sharding: Sharding) {
            var size = 8
            while size < sharding.names.count * 4 { size *= 2 }
            table = Array(repeating: nil, count: size)
            mask = size - 1
            var next = 0
            for share in sharding.names {
                var index = Self.start(share.name) & mask
                while table[index] != nil { index = (index + 1) & mask }
                table[index] = (share.name, next..<next + share.slots)
                next += share.slots
            }
            others = next..<next + sharding.others
        }

        /// Where the search for a name starts: its size and its first, middle and last bytes, mixed.
        ///
        /// The table is this process's own and holds declared names only, so this need be neither strong nor lasting.
        @inline(__always)
        private static func start(_ name: String) -> Int {
            // Looked at in place: a copy to look at would have to be let go of. Every string but a foreign one is in
            // one piece, and Linux has no foreign ones.
            let mixed = name.utf8.withContiguousStorageIfAvailable { bytes -> UInt in
                let count = bytes.count
                if count == 0 { return 0 }
                let ends = UInt(bytes[0]) << 16 | UInt(bytes[count / 2]) << 8 | UInt(bytes[count - 1])
                return (ends ^ UInt(truncatingIfNeeded: count) << 24) &* 0x9E37_79B9_7F4A_7C15
            }
            return Int(truncatingIfNeeded: (mixed ?? 0) >> 40)
        }

        @inline(__always)
        func slots(of name: String) -> Range<Int> {
            var index = Self.start(name) & mask
            while let entry = table[index] {
                if entry.name == name { return entry.slots }
                index = (index + 1) & mask
            }
            return others
        }
    }
}
