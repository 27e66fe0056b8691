import ApusCore
import Glibc

/// What a client of memcached's protocol wants stored, and on which condition.
struct StoreOrder {
    enum Mode { case set, add, replace, append, prepend, compare }

    var mode = Mode.set
    var flags: UInt32 = 0
    var expiresAt = KeyEntry.never
    /// The version the item must have; 0 for any.
    var version: UInt64 = 0
    /// Where the item's version is newer, the value is kept as a stale one.
    var isStaleWelcome = false
    var isKeyBinary = false
    /// The version it gets; `nil` for one that none has had.
    var newVersion: UInt64?
}

enum StoreOutcome {
    case stored(KeyEntry)
    case notStored, exists, notFound
    case refused(MemcachedRefusal)
}

enum CountOutcome {
    case counted(UInt64, KeyEntry)
    case notFound, exists, notANumber
}

/// What text and meta commands change.
extension CacheCore {
    static let notANumber: StaticString = "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"

    /// Stores a value where the order's condition holds.
    func store(
        _ key: UnsafeRawBufferPointer,
        _ value: UnsafeRawBufferPointer,
        _ order: StoreOrder,
        _ client: ClientPointer
    ) -> StoreOutcome {
        stats.pointee.memcached.sets += 1
        guard key.count + value.count <= keys.pointee.bytesMax / 2 else { return .refused(.outOfMemory) }
        let slot = keys.pointee.slot(key)
        guard let old = slot.entry else {
            switch order.mode {
            case .set, .add: return .stored(keep(key, slot, value, order, client))
            case .compare:
                stats.pointee.memcached.casMisses += 1
                return .notFound
            case .replace, .append, .prepend: return .notStored
            }
        }
        // A value of another kind has no version, and nothing that could be added to.
        let version = old.kind == .string ? old.extras?.version ?? 0 : 0
        let fits = order.version != 0 && order.version == version
        switch order.mode {
        case .add:
            if old.kind == .string, old.extraBytes != 0 { old.extras?.usedAt = keys.pointee.seconds }
            return .notStored
        case .set, .replace: return .stored(keep(key, slot, value, order, client))
        case .compare:
            let isOlder = order.isStaleWelcome && order.version != 0 && order.version < version
            guard fits || isOlder else {
                stats.pointee.memcached.casOthers += 1
                return .exists
            }
            stats.pointee.memcached.casHits += 1
            if fits { return .stored(keep(key, slot, value, order, client)) }
            var order = order
            order.expiresAt = old.expiresAt
            let marks = old.marks.intersection(.winnerTold).union(.stale)
            let entry = keep(key, slot, value, order, client)
            entry.marks.formUnion(marks)
            return .stored(entry)
        case .append, .prepend:
            guard order.version == 0 || fits else { return .exists }
            guard old.kind == .string else { return .refused(.otherKind) }
            return extend(key, slot, old, value, order, client)
        }
    }

    private func keep(
        _ key: UnsafeRawBufferPointer,
        _ slot: Keyspace.Slot,
        _ value: UnsafeRawBufferPointer,
        _ order: StoreOrder,
        _ client: ClientPointer
    ) -> KeyEntry {
        stats.pointee.memcached.stored += 1
        let entry = keys.pointee.setItem(key, slot, value, flags: order.flags, expiresAt: order.expiresAt)
        if order.isKeyBinary { entry.marks = .binaryKey }
        if let version = order.newVersion { entry.extras?.version = version }
        touched(key, client)
        return entry
    }

    /// Adds to an item's value, before it or behind; its flags and its life stay.
    private func extend(
        _ key: UnsafeRawBufferPointer,
        _ slot: Keyspace.Slot,
        _ old: KeyEntry,
        _ part: UnsafeRawBufferPointer,
        _ order: StoreOrder,
        _ client: ClientPointer
    ) -> StoreOutcome {
        let count = old.valueCount
        guard count + part.count <= configuration.memcachedValueBytesMax else { return .notStored }
        let grown = keys.pointee.resizeString(slot, old, to: count + part.count)
        if order.mode == .append {
            memcpy(grown.valueStart + count, part.start, part.count)
        } else {
            memmove(grown.valueStart + part.count, grown.valueStart, count)
            memcpy(grown.valueStart, part.start, part.count)
        }
        let entry = keys.pointee.withExtras(key, grown)
        entry.marks.formIntersection(.binaryKey)
        if let version = order.newVersion { entry.extras?.version = version }
        touched(key, client)
        return .stored(entry)
    }

    /// Adds to an item that is a number of 64 bits, or takes away; it goes round above, and ends at 0 below.
    func count(
        _ key: UnsafeRawBufferPointer,
        by delta: UInt64,
        up: Bool,
        version: UInt64,
        _ client: ClientPointer
    ) -> CountOutcome {
        let slot = keys.pointee.slot(key)
        guard let old = slot.entry else {
            if up { stats.pointee.memcached.incrMisses += 1 } else { stats.pointee.memcached.decrMisses += 1 }
            return .notFound
        }
        guard old.kind == .string, old.valueCount > 0 else { return .notANumber }
        if version != 0, old.extras?.version ?? 0 != version { return .exists }
        guard let number = old.string.number else { return .notANumber }
        if up { stats.pointee.memcached.incrHits += 1 } else { stats.pointee.memcached.decrHits += 1 }
        let sum = up ? number &+ delta : number > delta ? number - delta : 0
        let marks = old.marks
        let extras = old.extras
        let before = old.valueCount
        let entry = withUnsafeTemporaryAllocation(byteCount: 24, alignment: 8) { digits in
            let start = UnsafeMutableRawPointer(mutating: UnsafeRawBufferPointer(digits).start)
            let text = UnsafeRawBufferPointer(start: start, count: Decimal.write(sum, to: start))
            return keys.pointee.setItem(key, slot, text, flags: extras?.flags ?? 0, expiresAt: old.expiresAt)
        }
        // As in memcached, a number that needs more digits than it had is a new item.
        entry.marks = entry.valueCount > before ? marks.intersection(.binaryKey) : marks
        touched(key, client)
        return .counted(sum, entry)
    }
}
