import ApusCore

/// Memcached's text commands, but for those that only change how it is run.
extension CacheCore {
    /// Says that a key was changed by a client of memcached's protocol.
    func touched(_ key: UnsafeRawBufferPointer, _ client: ClientPointer) {
        if keys.pointee.isWatched { changed(key, by: client) }
    }

    // MARK: Reading

    func retrieve(_ call: MemcachedCall, versions: Bool) {
        stats.pointee.memcached.gets += call.count - 1
        retrieve(call, from: 1, versions: versions, expiresAt: nil)
    }

    func retrieveAndTouch(_ call: MemcachedCall, versions: Bool) {
        guard let time = call[1].signedNumber else {
            return out.pointee.append("CLIENT_ERROR invalid exptime argument\r\n" as StaticString)
        }
        stats.pointee.memcached.touches += call.count - 2
        retrieve(call, from: 2, versions: versions, expiresAt: itemExpiry(time))
    }

    private func retrieve(_ call: MemcachedCall, from first: Int, versions: Bool, expiresAt: Int64?) {
        let position = out.pointee.count
        for index in first..<call.count {
            let key = call[index]
            guard key.count <= MemcachedParser.keyBytesMax else {
                out.pointee.truncate(to: position)
                return refuse(MemcachedRefusal.badLine.text)
            }
            // A key of another kind is none for these clients.
            guard var entry = keys.pointee.read(key), entry.kind == .string else {
                countLookUp(found: false, touches: expiresAt != nil)
                continue
            }
            if versions { entry = keys.pointee.withExtras(key, entry) }
            noteFetched(entry)
            countLookUp(found: true, touches: expiresAt != nil)
            if let expiresAt {
                keys.pointee.setExpiry(entry, expiresAt)
                touched(key, call.client)
            }
            writeValue(key, entry, version: versions)
        }
        out.pointee.append("END\r\n" as StaticString)
    }

    /// Counts a look-up as memcached does: one that gives a new life is none that gets.
    func countLookUp(found: Bool, touches: Bool) {
        switch (found, touches) {
        case (true, false): stats.pointee.memcached.getHits += 1
        case (true, true): stats.pointee.memcached.touchHits += 1
        case (false, false): stats.pointee.memcached.getMisses += 1
        case (false, true): stats.pointee.memcached.touchMisses += 1
        }
    }

    private func writeValue(_ key: UnsafeRawBufferPointer, _ entry: KeyEntry, version: Bool) {
        let extras = entry.extras
        out.pointee.append("VALUE " as StaticString)
        out.pointee.append(key)
        out.pointee.append(UInt8(ascii: " "))
        out.pointee.append(Int(extras?.flags ?? 0))
        out.pointee.append(UInt8(ascii: " "))
        out.pointee.append(entry.valueCount)
        if version {
            out.pointee.append(UInt8(ascii: " "))
            out.pointee.append(unsigned: extras?.version ?? 0)
        }
        out.pointee.appendLineEnd()
        out.pointee.append(entry.valueStart, entry.valueCount)
        out.pointee.appendLineEnd()
    }

    /// Notes that an entry was asked for.
    func noteFetched(_ entry: KeyEntry) {
        entry.marks.insert(.fetched)
        if entry.extraBytes != 0 { entry.extras?.usedAt = keys.pointee.seconds }
    }

    // MARK: Storing

    func store(_ call: MemcachedCall) {
        guard call.isDataWhole else { return refuse(MemcachedRefusal.badData.text) }
        var order = StoreOrder()
        switch call.command {
        case .add: order.mode = .add
        case .replace: order.mode = .replace
        case .append: order.mode = .append
        case .prepend: order.mode = .prepend
        case .cas:
            order.mode = .compare
            order.version = call[5].number ?? 0
        default: order.mode = .set
        }
        order.flags = UInt32(truncatingIfNeeded: call[2].number ?? 0)
        order.expiresAt = itemExpiry(call[3].signedNumber ?? 0)
        switch store(call[1], call.value, order, call.client) {
        case .stored: out.pointee.append("STORED\r\n" as StaticString)
        case .notStored: out.pointee.append("NOT_STORED\r\n" as StaticString)
        case .exists: out.pointee.append("EXISTS\r\n" as StaticString)
        case .notFound: out.pointee.append("NOT_FOUND\r\n" as StaticString)
        case .refused(let refusal): refuse(refusal.text)
        }
    }

    // MARK: Deleting, counting, living on

    func delete(_ call: MemcachedCall) {
        let isPlain = call.count == 2
        let isZero = call.count > 2 && call[2].isWord("0")
        guard isPlain || call.count == 3 && (isZero || call.isSilent) || call.count == 4 && isZero && call.isSilent
        else {
            return out.pointee.append(
                "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n" as StaticString
            )
        }
        guard call[1].count <= MemcachedParser.keyBytesMax else { return refuse(MemcachedRefusal.badLine.text) }
        out.pointee.append(delete(call[1], call) ? "DELETED\r\n" as StaticString : "NOT_FOUND\r\n")
    }

    /// Takes a key out; true where it was there.
    @discardableResult
    func delete(_ key: UnsafeRawBufferPointer, _ call: MemcachedCall) -> Bool {
        guard keys.pointee.remove(key) else {
            stats.pointee.memcached.deleteMisses += 1
            return false
        }
        stats.pointee.memcached.deleteHits += 1
        touched(key, call.client)
        return true
    }

    func count(_ call: MemcachedCall, up: Bool) {
        guard call[1].count <= MemcachedParser.keyBytesMax else { return refuse(MemcachedRefusal.badLine.text) }
        guard let delta = call[2].number else {
            return out.pointee.append("CLIENT_ERROR invalid numeric delta argument\r\n" as StaticString)
        }
        switch count(call[1], by: delta, up: up, version: 0, call.client) {
        case .counted(let sum, _):
            out.pointee.append(unsigned: sum)
            out.pointee.appendLineEnd()
        case .notFound: out.pointee.append("NOT_FOUND\r\n" as StaticString)
        case .exists: out.pointee.append("EXISTS\r\n" as StaticString)
        case .notANumber: refuse(Self.notANumber)
        }
    }

    func touch(_ call: MemcachedCall) {
        guard call[1].count <= MemcachedParser.keyBytesMax else { return refuse(MemcachedRefusal.badLine.text) }
        guard let time = call[2].signedNumber else {
            return out.pointee.append("CLIENT_ERROR invalid exptime argument\r\n" as StaticString)
        }
        stats.pointee.memcached.touches += 1
        guard let entry = keys.pointee.read(call[1]) else {
            stats.pointee.memcached.touchMisses += 1
            return out.pointee.append("NOT_FOUND\r\n" as StaticString)
        }
        stats.pointee.memcached.touchHits += 1
        if entry.kind == .string { noteFetched(entry) }
        keys.pointee.setExpiry(entry, itemExpiry(time))
        touched(call[1], call.client)
        out.pointee.append("TOUCHED\r\n" as StaticString)
    }
}

extension RESPBuffer {
    /// Appends a number that is not below zero, in decimal.
    mutating func append(unsigned number: UInt64) {
        append(most: Decimal.digitsMax) { Decimal.write(number, to: $0) }
    }
}
