import Glibc

/// Keys, whatever they hold.
extension CacheCore {
    func del(_ call: Call) {
        var removed = 0
        for index in 1..<call.count where keys.pointee.remove(call[index]) {
            removed += 1
            touch(call[index], call)
        }
        out.pointee.integer(removed)
    }

    func exists(_ call: Call, touches: Bool) {
        var found = 0
        for index in 1..<call.count {
            // Both count as a look-up; only what is read is marked as used.
            if touches ? keys.pointee.read(call[index]) != nil : keys.pointee.peek(call[index]) != nil { found += 1 }
        }
        out.pointee.integer(found)
    }

    func type(_ call: Call) {
        guard let entry = keys.pointee.peek(call[1]) else { return out.pointee.simple("none") }
        out.pointee.simple(entry.kind.name)
    }

    func rename(_ call: Call, onlyFree: Bool) {
        let (old, new) = (call[1], call[2])
        guard keys.pointee.peek(old) != nil else { return refuse(Refusal.noKey) }
        if old.isEqual(to: new) { return onlyFree ? out.pointee.integer(0) : ok() }
        if onlyFree, keys.pointee.peek(new) != nil { return out.pointee.integer(0) }
        keys.pointee.rename(old, to: new)
        touch(old, call)
        touch(new, call)
        tellFilled(new)
        if onlyFree { out.pointee.integer(1) } else { ok() }
    }

    func copy(_ call: Call) {
        var replaces = false
        var index = 3
        while index < call.count {
            if call.isWord(index, "replace") {
                replaces = true
            } else if call.isWord(index, "db"), index + 1 < call.count {
                index += 1
                guard let database = call.integer(index) else { return refuse(Refusal.notInteger) }
                guard database == 0 else { return refuse("-ERR DB index is out of range\r\n") }
            } else {
                return refuse(Refusal.syntax)
            }
            index += 1
        }
        let (source, target) = (call[1], call[2])
        if source.isEqual(to: target) {
            return refuse("-ERR source and destination objects are the same\r\n")
        }
        guard keys.pointee.peek(source) != nil else { return out.pointee.integer(0) }
        if keys.pointee.peek(target) != nil {
            guard replaces else { return out.pointee.integer(0) }
            _ = keys.pointee.remove(target)
        }
        guard let entry = keys.pointee.peek(source) else { return out.pointee.integer(0) }
        copyValue(entry, to: target)
        touch(target, call)
        tellFilled(target)
        out.pointee.integer(1)
    }

    /// Keeps a copy of an entry's value and life under a key that is free.
    private func copyValue(_ entry: KeyEntry, to key: UnsafeRawBufferPointer) {
        let slot = keys.pointee.slot(key)
        if entry.kind == .string {
            if let extras = entry.extras {
                _ = keys.pointee.setItem(key, slot, entry.string, flags: extras.flags, expiresAt: entry.expiresAt)
            } else {
                keys.pointee.setString(key, slot, entry.string, expiresAt: entry.expiresAt)
            }
            return
        }
        let copy = keys.pointee.makeValue(key, slot, entry.kind)
        let before = copy.weight
        switch entry.kind {
        case .string: break
        case .list:
            var place = entry.list.pointee.place(of: 0)
            while let here = place {
                copy.list.pointee.pushLast(here.element)
                place = entry.list.pointee.place(after: here)
            }
        case .set: entry.set.pointee.forEach { _ = copy.set.pointee.insert($0, keys.pointee.hash($0)) }
        case .hash:
            entry.hashValue.pointee.forEach { field in
                _ = copy.hashValue.pointee.set(field.key, keys.pointee.hash(field.key), field.value)
            }
        case .sorted:
            entry.sorted.pointee.forEach { node in
                copy.sorted.pointee.insert(node.member, keys.pointee.hash(node.member), node.score)
            }
        }
        keys.pointee.setExpiry(copy, entry.expiresAt)
        keys.pointee.changed(copy, from: before)
    }

    func randomkey(_ call: Call) {
        guard let entry = keys.pointee.randomEntry() else { return out.pointee.null(call.version) }
        out.pointee.bulk(entry.key)
    }

    func keys(_ call: Call) {
        let pattern = Glob(call[1])
        let position = out.pointee.count
        var found = 0
        keys.pointee.table.forEach { block in
            let entry = KeyEntry(base: block)
            guard entry.expiresAt > now, pattern.matches(entry.key) else { return }
            out.pointee.bulk(entry.key)
            found += 1
        }
        insertHeader(at: position) { $0.array(found) }
    }

    /// Puts a header before what was written from `position` on.
    func insertHeader(at position: Int, _ body: (inout RESPBuffer) -> Void) {
        var header = RESPBuffer(bytesMax: 64)
        body(&header)
        out.pointee.insert(header, at: position)
    }

    // MARK: Walking

    /// What stands behind the cursor of `SCAN` and its kin.
    struct ScanOptions {
        var position: UInt64 = 0
        var count = 10
        var pattern: Glob?
        var kind: [UInt8]?
        /// How many elements are looked at: as many as asked for.
        func matches(_ bytes: UnsafeRawBufferPointer) -> Bool { pattern?.matches(bytes) ?? true }
    }

    /// The cursor in an argument; `nil` where it was refused.
    func cursor(_ call: Call, _ index: Int) -> UInt64? {
        guard let position = UInt64(String(decoding: call[index], as: UTF8.self)) else {
            refuse("-ERR invalid cursor\r\n")
            return nil
        }
        // A cursor of another server says nothing here; what lies behind the last hash is the end.
        return min(position, 1 << 32)
    }

    /// Reads what stands behind a cursor, from `index` on; `nil` where it was refused.
    func scanOptions(_ call: Call, _ index: Int, from position: UInt64, takesType: Bool = false) -> ScanOptions? {
        var options = ScanOptions(position: position)
        var index = index
        func stop(_ refusal: StaticString) -> ScanOptions? {
            refuse(refusal)
            return nil
        }
        while index < call.count {
            guard index + 1 < call.count else { return stop(Refusal.syntax) }
            if call.isWord(index, "count") {
                guard let count = call.integer(index + 1) else { return stop(Refusal.notInteger) }
                guard count > 0 else { return stop(Refusal.syntax) }
                options.count = count
            } else if call.isWord(index, "match") {
                options.pattern = Glob(call[index + 1])
            } else if takesType, call.isWord(index, "type") {
                options.kind = call[index + 1].map { $0 | 0x20 }
            } else {
                return stop(Refusal.syntax)
            }
            index += 2
        }
        return options
    }

    /// Walks along the elements of a value of a kind: a cursor, the key's type, then what stands behind are looked at.
    func scanValue(_ call: Call, _ kind: ValueKind, _ body: (KeyEntry, ScanOptions) -> (position: UInt64, count: Int)) {
        guard let position = cursor(call, 2) else { return }
        switch typed(call[1], kind) {
        case .refused: return
        case .missing: replyScan { (0, 0) }
        case .found(let entry):
            guard let options = scanOptions(call, 3, from: position) else { return }
            replyScan { body(entry, options) }
        }
    }

    /// Writes a cursor and what `body` writes as an array of elements behind it.
    ///
    /// - Parameter body: Writes elements and gives the next position and how many elements it wrote.
    func replyScan(_ body: () -> (position: UInt64, count: Int)) {
        let position = out.pointee.count
        let (next, count) = body()
        insertHeader(at: position) {
            $0.array(2)
            $0.bulk(Int(next))
            $0.array(count)
        }
    }

    func scan(_ call: Call) {
        guard let position = cursor(call, 1),
            let options = scanOptions(call, 2, from: position, takesType: true)
        else { return }
        replyScan {
            var found = 0
            let next = keys.pointee.table.scan(from: options.position, wanted: options.count) { block in
                let entry = KeyEntry(base: block)
                guard entry.expiresAt > now, options.matches(entry.key) else { return }
                if let kind = options.kind, !entry.kind.isNamed(kind) { return }
                out.pointee.bulk(entry.key)
                found += 1
            }
            return (next, found)
        }
    }

    // MARK: How it is kept

    func object(_ call: Call) {
        if call.isWord(1, "help") {
            return help(["OBJECT <subcommand> <key>", "ENCODING, FREQ, IDLETIME, REFCOUNT: how its value is kept."])
        }
        let words: [StaticString] = ["encoding", "refcount", "idletime", "freq"]
        let isKnown = words.contains { call.isWord(1, $0) }
        guard isKnown, call.count == 3 else { return refuseSubcommand(call) }
        guard let entry = keys.pointee.peek(call[2]) else { return out.pointee.null(call.version) }
        if call.isWord(1, "encoding") {
            out.pointee.bulk(entry.encoding)
        } else if call.isWord(1, "refcount") {
            out.pointee.integer(1)
        } else if call.isWord(1, "idletime") {
            // The policy counts reads, not time.
            out.pointee.integer(0)
        } else {
            refuse("-ERR An LFU maxmemory policy is not selected, access frequency not tracked.\r\n")
        }
    }

    /// Lines that help.
    func help(_ lines: [String]) {
        out.pointee.array(lines.count)
        for line in lines {
            out.pointee.append(UInt8(ascii: "+"))
            out.pointee.append(line)
            out.pointee.appendLineEnd()
        }
    }
}

extension ValueKind {
    func isNamed(_ name: [UInt8]) -> Bool {
        "\(self.name)".utf8.elementsEqual(name)
    }
}

extension KeyEntry {
    /// How the value is kept, in the words of Redis.
    var encoding: String {
        switch kind {
        case .list: return "quicklist"
        case .set, .hash: return "hashtable"
        case .sorted: return "skiplist"
        case .string:
            if wasEdited { return "raw" }
            if valueCount <= 20, RESPNumber.strict(valueStart, 0, valueCount) != nil { return "int" }
            return valueCount <= 44 ? "embstr" : "raw"
        }
    }
}
