import Glibc

/// Strings as memcached's clients keep them: with a version, a number of the client's, and marks.
extension Keyspace {
    /// Seconds of the keyspace's time.
    var seconds: UInt32 { UInt32(truncatingIfNeeded: now / 1000) }

    /// Gives an entry that was changed a version that none has had.
    @inline(never)
    mutating func giveVersion(_ entry: KeyEntry) {
        lastVersion &+= 1
        entry.extras?.version = lastVersion
    }

    /// Keeps a string with what belongs to it, in the place of whatever the key held; it has no marks.
    mutating func setItem(
        _ key: UnsafeRawBufferPointer,
        _ slot: Slot,
        _ value: UnsafeRawBufferPointer,
        flags: UInt32,
        expiresAt: Int64
    ) -> KeyEntry {
        let entry: KeyEntry
        if let old = slot.entry {
            if old.kind == .string, old.extraBytes != 0, value.count <= old.room,
                old.room <= 64 || value.count >= old.room / 2
            {
                memmove(old.valueStart, value.start, value.count)
                old.valueCount = value.count
                old.wasEdited = false
                if old.expiresAt != expiresAt { setExpiry(old, expiresAt) }
                changed(old, from: old.weight)
                entry = old
            } else {
                entry = overwrite(key, slot, old, value, expiresAt, extraBytes: ItemExtras.byteCount)
            }
        } else {
            entry = makeString(
                key,
                slot.hash,
                valueCount: value.count,
                expiresAt: expiresAt,
                extraBytes: ItemExtras.byteCount
            )
            memcpy(entry.valueStart, value.start, value.count)
            insert(entry)
            lastVersion &+= 1
        }
        entry.marks = []
        entry.extras = ItemExtras(version: lastVersion, flags: flags, usedAt: seconds)
        return entry
    }

    /// An entry with room for what memcached's clients ask for; it may lie elsewhere, as it takes more memory then.
    mutating func withExtras(_ key: UnsafeRawBufferPointer, _ entry: KeyEntry) -> KeyEntry {
        guard entry.kind == .string, entry.extraBytes == 0 else { return entry }
        let (marks, wasEdited) = (entry.marks, entry.wasEdited)
        let place = slot(key)
        let new = makeString(
            key,
            place.hash,
            valueCount: entry.valueCount,
            expiresAt: entry.expiresAt,
            extraBytes: ItemExtras.byteCount
        )
        memcpy(new.valueStart, entry.valueStart, entry.valueCount)
        let before = entry.weight
        replace(entry, at: place.link, with: new)
        BlockMemory.free(entry.base)
        new.marks = marks
        new.wasEdited = wasEdited
        changed(new, from: before)
        new.extras?.usedAt = seconds
        return new
    }
}
