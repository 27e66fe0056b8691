import Glibc

/// Entries and their values: made, overwritten, given back.
extension Keyspace {
    /// A value with more elements than this is given back bit by bit.
    static let releasedAtOnce = 256

    // MARK: Strings

    /// Makes a string's block, not yet in the table, with `extraBytes` behind its room.
    func makeString(
        _ key: UnsafeRawBufferPointer,
        _ hash: UInt32,
        valueCount: Int,
        expiresAt: Int64,
        extraBytes: Int = 0
    ) -> KeyEntry {
        let bytes = BlockMemory.usable(EntryLayout.keyOffset &+ key.count &+ valueCount &+ extraBytes)
        let entry = KeyEntry(base: BlockMemory.allocate(bytes))
        ChainTable<EntryLayout>.prepare(entry.base, key.start, key.count, hash)
        entry.kind = .string
        entry.wasEdited = false
        entry.expiresAt = expiresAt
        entry.room = bytes &- EntryLayout.keyOffset &- key.count &- extraBytes
        entry.valueCount = valueCount
        entry.setExtras(bytes: extraBytes)
        return entry
    }

    /// Keeps a string, in the place of whatever the key held.
    @inline(__always)
    mutating func setString(
        _ key: UnsafeRawBufferPointer,
        _ slot: Slot,
        _ value: UnsafeRawBufferPointer,
        expiresAt: Int64
    ) {
        if let entry = slot.entry {
            // Overwritten in place where it fits and does not waste half of much.
            if entry.kind == .string, value.count <= entry.room, entry.room <= 64 || value.count >= entry.room / 2 {
                memcpy(entry.valueStart, value.start, value.count)
                entry.valueCount = value.count
                entry.wasEdited = false
                if entry.expiresAt != expiresAt { setExpiry(entry, expiresAt) }
                if entry.isItem { entry.forgetItem() }
                return changed(entry, from: entry.weight)
            }
            _ = overwrite(key, slot, entry, value, expiresAt)
            return
        }
        let entry = makeString(key, slot.hash, valueCount: value.count, expiresAt: expiresAt)
        memcpy(entry.valueStart, value.start, value.count)
        insert(entry)
    }

    /// Puts a string in the place of what a key holds, in a block of its own.
    @inline(never)
    mutating func overwrite(
        _ key: UnsafeRawBufferPointer,
        _ slot: Slot,
        _ old: KeyEntry,
        _ value: UnsafeRawBufferPointer,
        _ expiresAt: Int64,
        extraBytes: Int = 0
    ) -> KeyEntry {
        let new = makeString(
            key,
            slot.hash,
            valueCount: value.count,
            expiresAt: old.expiresAt,
            extraBytes: extraBytes
        )
        memcpy(new.valueStart, value.start, value.count)
        let before = old.weight
        replace(old, at: slot.link, with: new)
        if old.kind != .string { bury(old.kind, old.valueAddress, old.elementCount) }
        BlockMemory.free(old.base)
        setExpiry(new, expiresAt)
        changed(new, from: before)
        return new
    }

    /// Gives a string's value another length, and more room than that where it grows; new bytes are zero.
    ///
    /// - Returns: The entry, which may lie elsewhere.
    mutating func resizeString(_ slot: Slot, _ entry: KeyEntry, to length: Int) -> KeyEntry {
        let before = entry.weight
        let old = entry.valueCount
        var entry = entry
        if length > entry.room {
            // Twice as much as is needed, up to a megabyte more, as it will probably grow again.
            entry = resize(slot, entry, room: length + min(length, 1 << 20))
        }
        if length > old { memset(entry.valueStart + old, 0, length - old) }
        entry.valueCount = length
        entry.wasEdited = true
        changed(entry, from: before)
        return entry
    }

    /// Gives a string's block room for at least so many bytes, and keeps what stands behind it.
    private mutating func resize(_ slot: Slot, _ entry: KeyEntry, room: Int) -> KeyEntry {
        let extras = entry.extras
        let head = EntryLayout.keyOffset + entry.keyCount + entry.extraBytes
        let bytes = BlockMemory.usable(head + room)
        let resized = KeyEntry(base: BlockMemory.resize(entry.base, to: bytes))
        resized.room = bytes - head
        if let extras { resized.extras = extras }
        moved(resized, at: slot.link)
        return resized
    }

    // MARK: Other kinds

    /// Makes an empty value and its entry, and puts it in.
    mutating func makeValue(_ key: UnsafeRawBufferPointer, _ slot: Slot, _ kind: ValueKind) -> KeyEntry {
        let entry = makeEntry(key, slot.hash, kind, address: makeAddress(kind))
        insert(entry)
        return entry
    }

    /// An entry for a value that is there, not yet in the table.
    func makeEntry(
        _ key: UnsafeRawBufferPointer,
        _ hash: UInt32,
        _ kind: ValueKind,
        address: UnsafeMutableRawPointer
    ) -> KeyEntry {
        let entry = KeyEntry(base: BlockMemory.allocate(EntryLayout.keyOffset + key.count))
        ChainTable<EntryLayout>.prepare(entry.base, key.start, key.count, hash)
        entry.kind = kind
        entry.wasEdited = false
        entry.setExtras(bytes: 0)
        entry.expiresAt = KeyEntry.never
        entry.valueAddress = address
        return entry
    }

    private mutating func makeAddress(_ kind: ValueKind) -> UnsafeMutableRawPointer {
        switch kind {
        case .string: preconditionFailure("a string lies in its entry")
        case .list: return Self.address(of: ListValue())
        case .set: return Self.address(of: SetValue())
        case .sorted: return Self.address(of: SortedValue(seed: random.next()))
        case .hash: return Self.address(of: HashValue())
        }
    }

    private static func address<Value: ~Copyable>(of value: consuming Value) -> UnsafeMutableRawPointer {
        let place = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        place.initialize(to: value)
        return UnsafeMutableRawPointer(place)
    }

    /// Gives a value back at once.
    static func freeValue(_ kind: ValueKind, _ address: UnsafeMutableRawPointer) {
        func free<Value: ~Copyable>(_ type: Value.Type) {
            let place = address.assumingMemoryBound(to: type)
            place.deinitialize(count: 1)
            place.deallocate()
        }
        switch kind {
        case .string: return
        case .list: free(ListValue.self)
        case .set: free(SetValue.self)
        case .sorted: free(SortedValue.self)
        case .hash: free(HashValue.self)
        }
    }

    /// Gives a value back, a large one later.
    mutating func bury(_ kind: ValueKind, _ address: UnsafeMutableRawPointer, _ elements: Int) {
        if elements > Self.releasedAtOnce {
            graveyard.append((kind, address))
        } else {
            Self.freeValue(kind, address)
        }
    }

    /// Gives up to about `most` elements of deleted values back; true once none is left.
    mutating func release(_ most: Int) -> Bool {
        guard let dead = graveyard.last else { return true }
        func release<Value: ~Copyable>(_ type: Value.Type, _ body: (inout Value) -> Bool) -> Bool {
            body(&dead.address.assumingMemoryBound(to: type).pointee)
        }
        let isDone =
            switch dead.kind {
            case .string: true
            case .list: release(ListValue.self) { $0.release(most) }
            case .set: release(SetValue.self) { $0.release(most) }
            case .sorted: release(SortedValue.self) { $0.release(most) }
            case .hash: release(HashValue.self) { $0.release(most) }
            }
        if isDone {
            graveyard.removeLast()
            Self.freeValue(dead.kind, dead.address)
        }
        return graveyard.isEmpty
    }

    // MARK: Whole keys

    /// Gives an entry another key, which holds nothing or is overwritten.
    mutating func rename(_ key: UnsafeRawBufferPointer, to other: UnsafeRawBufferPointer) {
        let source = slot(key)
        guard let entry = source.entry else { return }
        let expiresAt = entry.expiresAt
        let new: KeyEntry
        let hash = hash(other)
        if entry.kind == .string {
            new = makeString(
                other,
                hash,
                valueCount: entry.valueCount,
                expiresAt: expiresAt,
                extraBytes: entry.extraBytes
            )
            memcpy(new.valueStart, entry.valueStart, entry.valueCount)
            new.wasEdited = entry.wasEdited
            if let extras = entry.extras { new.extras = extras }
            remove(entry, at: source.link)
        } else {
            new = makeEntry(other, hash, entry.kind, address: entry.valueAddress)
            new.expiresAt = expiresAt
            // The value goes over to the new entry: the old one leaves an empty one.
            takeValue(entry, at: source.link)
        }
        _ = remove(other)
        insert(new)
    }

    /// Takes an entry out whose value lives on elsewhere.
    private mutating func takeValue(_ entry: KeyEntry, at link: ChainTable<EntryLayout>.Link) {
        let before = entry.weight
        entry.kind = .string
        entry.setExtras(bytes: 0)
        entry.room = 0
        entry.valueCount = 0
        changed(entry, from: before)
        remove(entry, at: link)
    }

    /// Takes an entry out whose value has no elements any more.
    mutating func removeIfEmpty(_ entry: KeyEntry) {
        guard entry.kind != .string, entry.elementCount == 0 else { return }
        remove(entry, at: table.link(to: entry.base))
    }
}
