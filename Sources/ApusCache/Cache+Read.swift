import ApusCore
public import ApusObserve
import ApusRuntime
import CLinux

// Reading without a lock. A reader pins what it finds for as long as it looks, notes the read in its thread's ring, and
// leaves telling the policy to whoever has the time: the end of the loop's turn, or the next change of the part.
extension Cache {
    /// What memory holds for `key`, if it is fresh; never waits, and starts nothing.
    ///
    /// `nil` also where the key is known to have no value.
    @inlinable
    public func cached(_ key: Key) -> Value? { withValue(key) { $0 } }

    /// Lends what memory holds for `key`, if it is fresh, to `body`; never waits, and starts nothing.
    ///
    /// The value is not copied, so that a hit costs no reference counting, which threads that read one hot key would fight
    /// over. What `body` returns is its own; the value is good until then.
    ///
    /// - Parameters:
    ///   - key: What the value is found by.
    ///   - body: Short: as long as it runs, nothing that any cache of this process drops is given back.
    /// - Returns: What `body` returned; `nil` where there is no fresh value.
    /// - Throws: What `body` throws.
    @inlinable
    public func withValue<Result, Failure: Error>(
        _ key: Key,
        _ body: (Value) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        let slot = ThreadSlot.current()
        let hash = keyHash(key)
        let index = indexes + partNumber(hash)
        // Threads beyond those that have a slot of their own read under the lock.
        guard slot != 0 else { return try withValueLocked(key, hash, body) }
        let isOuter = index.pointee.pins.pin(slot)
        defer { if isOuter { index.pointee.pins.unpin(slot) } }
        let place = index.pointee.place(of: key, hash)
        guard place >= 0 else {
            if place == CacheIndex<Key, Value>.unsure { return try withValueLocked(key, hash, body) }
            countMiss(key, hash)
            return nil
        }
        let entry = index.pointee.entry(place)
        let freshUntil = entry.pointee.freshUntil
        guard freshUntil == .max || now() < freshUntil else {
            countMiss(key, hash)
            return nil
        }
        note(place, slot, hash)
        countHit(key, hash)
        if case .none = entry.pointee.value { return nil }
        return try CacheEntry.lendValue(entry, body)
    }

    /// What is known about a key, without a lock.
    @inlinable
    func look(_ key: Key, _ hash: UInt64) -> CacheFinding<Value> {
        let slot = ThreadSlot.current()
        let index = indexes + partNumber(hash)
        guard slot != 0 else { return lookLocked(key, hash) }
        let isOuter = index.pointee.pins.pin(slot)
        defer { if isOuter { index.pointee.pins.unpin(slot) } }
        let place = index.pointee.place(of: key, hash)
        // A miss goes on under the lock, where it is certain.
        guard place >= 0 else { return .missing }
        let finding = index.pointee.entry(place).pointee.finding(at: now())
        if case .missing = finding { return .missing }
        note(place, slot, hash)
        return finding
    }

    @usableFromInline
    func lookLocked(_ key: Key, _ hash: UInt64) -> CacheFinding<Value> {
        part(hash).withLock { $0.table.find(key, hash, at: now()) }
    }

    @usableFromInline
    func withValueLocked<Result, Failure: Error>(
        _ key: Key,
        _ hash: UInt64,
        _ body: (Value) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard case .fresh(let content, _) = lookLocked(key, hash) else {
            countMiss(key, hash)
            return nil
        }
        countHit(key, hash)
        guard case .value(let value) = content else { return nil }
        return try body(value)
    }

    // MARK: Noting reads

    /// Notes a read for the policy; by a pinned thread.
    @inlinable
    @inline(__always)
    func note(_ place: Int, _ slot: Int, _ hash: UInt64) {
        if let ring = indexes[partNumber(hash)].ring(slot), ring.record(place) { return }
        noteSlowly(place, slot, hash)
    }

    /// Looks after a ring that has come to its limit, or that is not there yet.
    @usableFromInline
    func noteSlowly(_ place: Int, _ slot: Int, _ hash: UInt64) {
        let index = indexes[partNumber(hash)]
        guard let ring = index.ring(slot) else {
            let ring = ReadRing()
            _ = ring.record(place)
            let word = index.words + CacheIndex<Key, Value>.ringsAt + slot
            return apus_release_store(word, UInt64(UInt(bitPattern: ring.words)))
        }
        let room = ReadRing.room
        if ring.pending == room {
            drain(hash)
            ring.limit(pending: room / 2)
        } else if ring.pending >= room / 2 {
            ring.limit(pending: room)
            // A loop's turn ends soon, and nobody waits for what it does then. Until then the cache stays: a weak reference
            // would make each count of it slower.
            EventLoop.current?.atTurnEnd { self.drain(hash) }
        } else {
            ring.limit(pending: room / 2)
        }
        _ = ring.record(place)
    }

    private func drain(_ hash: UInt64) {
        var gone: [Part.Entry] = []
        part(hash).withLock { part in
            part.table.drain()
            part.table.giveBack(&gone)
        }
    }
}
