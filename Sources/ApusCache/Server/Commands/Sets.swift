/// Sets.
extension CacheCore {
    @inline(__always)
    func sadd(_ call: Call) {
        guard let entry = entry(call[1], making: .set) else { return }
        let before = entry.weight
        var added = 0
        for index in 2..<call.count {
            let member = call[index]
            if entry.set.pointee.insert(member, keys.pointee.hash(member)) { added &+= 1 }
        }
        keys.pointee.changed(entry, from: before)
        if added > 0 { touch(call[1], call) }
        out.pointee.integer(added)
    }

    func srem(_ call: Call) {
        guard case .found(let entry) = typed(call[1], .set, or: { out.pointee.integer(0) }) else { return }
        let before = entry.weight
        var removed = 0
        for index in 2..<call.count where entry.set.pointee.remove(call[index], keys.pointee.hash(call[index])) {
            removed += 1
        }
        finish(call[1], entry, before, changed: removed > 0, call)
        out.pointee.integer(removed)
    }

    func scard(_ call: Call) {
        guard case .found(let entry) = typed(call[1], .set, or: { out.pointee.integer(0) }) else { return }
        out.pointee.integer(entry.set.pointee.count)
    }

    func sismember(_ call: Call) {
        guard case .found(let entry) = typed(call[1], .set, or: { out.pointee.integer(0) }) else { return }
        out.pointee.integer(entry.set.pointee.contains(call[2], keys.pointee.hash(call[2])) ? 1 : 0)
    }

    func smismember(_ call: Call) {
        let found = typed(call[1], .set)
        if case .refused = found { return }
        out.pointee.array(call.count - 2)
        for index in 2..<call.count {
            guard case .found(let entry) = found else {
                out.pointee.integer(0)
                continue
            }
            out.pointee.integer(entry.set.pointee.contains(call[index], keys.pointee.hash(call[index])) ? 1 : 0)
        }
    }

    func smembers(_ call: Call) {
        guard case .found(let entry) = typed(call[1], .set, or: { out.pointee.set(0, call.version) }) else { return }
        out.pointee.set(entry.set.pointee.count, call.version)
        entry.set.pointee.forEach { out.pointee.bulk($0) }
    }

    func smove(_ call: Call) {
        let (source, target) = (call[1], call[2])
        guard case .found(let entry) = typed(source, .set, or: { out.pointee.integer(0) }) else { return }
        if let other = keys.pointee.peek(target), other.kind != .set { return refuse(Refusal.wrongType) }
        let hash = keys.pointee.hash(call[3])
        guard entry.set.pointee.contains(call[3], hash) else { return out.pointee.integer(0) }
        if source.isEqual(to: target) { return out.pointee.integer(1) }
        let before = entry.weight
        _ = entry.set.pointee.remove(call[3], hash)
        finish(source, entry, before, changed: true, call)
        guard let other = self.entry(target, making: .set) else { return }
        let otherBefore = other.weight
        _ = other.set.pointee.insert(call[3], hash)
        keys.pointee.changed(other, from: otherBefore)
        touch(target, call)
        out.pointee.integer(1)
    }

    func spop(_ call: Call) {
        guard call.count <= 3 else { return refuse(Refusal.syntax) }
        var wanted: Int?
        if call.count == 3 {
            guard let count = call.integer(2), count >= 0 else { return refuse(Refusal.notPositive) }
            wanted = count
        }
        switch typed(call[1], .set) {
        case .refused: return
        case .missing: if wanted == nil { out.pointee.null(call.version) } else { out.pointee.set(0, call.version) }
        case .found(let entry):
            let before = entry.weight
            let set = entry.set
            let count = min(wanted ?? 1, set.pointee.count)
            if wanted != nil { out.pointee.set(count, call.version) }
            if count == set.pointee.count, wanted != nil {
                set.pointee.forEach { out.pointee.bulk($0) }
                keys.pointee.remove(entry, at: keys.pointee.table.link(to: entry.base))
                return touch(call[1], call)
            }
            for _ in 0..<count {
                guard let member = set.pointee.random(&keys.pointee.random) else { break }
                out.pointee.bulk(member)
                _ = set.pointee.remove(member, keys.pointee.hash(member))
            }
            finish(call[1], entry, before, changed: count > 0, call)
        }
    }

    func srandmember(_ call: Call) {
        guard let request = randomRequest(call, nil) else { return }
        switch typed(call[1], .set) {
        case .refused: return
        case .missing: replyNothingRandom(request, call)
        case .found(let entry):
            let set = entry.set
            guard let count = request.count else {
                if let member = set.pointee.random(&keys.pointee.random) { out.pointee.bulk(member) }
                return
            }
            let members: [UnsafeRawBufferPointer] = draw(count, of: set.pointee.count) {
                set.pointee.random(&keys.pointee.random)
            } each: { body in
                set.pointee.forEach(body)
            }
            out.pointee.array(members.count)
            for member in members { out.pointee.bulk(member) }
        }
    }

    func sscan(_ call: Call) {
        scanValue(call, .set) { entry, options in
            var found = 0
            let next = entry.set.pointee.scan(from: options.position, wanted: options.count) { member in
                guard options.matches(member) else { return }
                out.pointee.bulk(member)
                found += 1
            }
            return (next, found)
        }
    }

    // MARK: Several sets

    enum SetOperation { case intersection, union, difference }

    /// The sets of some keys, `nil` for a missing one; `nil` for all where one is of another kind.
    private func sets(_ call: Call, _ range: Range<Int>) -> [UnsafeMutablePointer<SetValue>?]? {
        var sets: [UnsafeMutablePointer<SetValue>?] = []
        for index in range {
            switch typed(call[index], .set) {
            case .refused: return nil
            case .missing: sets.append(nil)
            case .found(let entry): sets.append(entry.set)
            }
        }
        return sets
    }

    /// Calls `body` with each member of what is common to all; until it says false.
    private func intersect(
        _ sets: [UnsafeMutablePointer<SetValue>?],
        _ body: (UnsafeRawBufferPointer, UInt32) -> Bool
    ) {
        let present = sets.compactMap { $0 }
        guard present.count == sets.count, let least = present.min(by: { $0.pointee.count < $1.pointee.count }) else {
            return
        }
        var goesOn = true
        least.pointee.forEach { member in
            guard goesOn else { return }
            let hash = keys.pointee.hash(member)
            for other in present where other != least && !other.pointee.contains(member, hash) { return }
            goesOn = body(member, hash)
        }
    }

    /// What an operation gives, as a new set.
    private func combine(
        _ sets: [UnsafeMutablePointer<SetValue>?],
        _ operation: SetOperation,
        into result: inout SetValue
    ) {
        switch operation {
        case .intersection:
            intersect(sets) { member, hash in
                _ = result.insert(member, hash)
                return true
            }
        case .union:
            for set in sets {
                set?.pointee.forEach { _ = result.insert($0, keys.pointee.hash($0)) }
            }
        case .difference:
            guard let first = sets.first else { return }
            first?.pointee.forEach { member in
                let hash = keys.pointee.hash(member)
                for other in sets.dropFirst() where other?.pointee.contains(member, hash) == true { return }
                _ = result.insert(member, hash)
            }
        }
    }

    func combine(_ call: Call, _ operation: SetOperation) {
        guard let sets = sets(call, 1..<call.count) else { return }
        var result = SetValue()
        combine(sets, operation, into: &result)
        out.pointee.set(result.count, call.version)
        result.forEach { out.pointee.bulk($0) }
    }

    func combineAndStore(_ call: Call, _ operation: SetOperation) {
        guard let sets = sets(call, 2..<call.count) else { return }
        var result = SetValue()
        combine(sets, operation, into: &result)
        let key = call[1]
        let wasThere = keys.pointee.remove(key)
        let count = result.count
        if count > 0 {
            let entry = keys.pointee.makeValue(key, keys.pointee.slot(key), .set)
            let before = entry.weight
            swap(&entry.set.pointee, &result)
            keys.pointee.changed(entry, from: before)
        }
        if wasThere || count > 0 { touch(key, call) }
        out.pointee.integer(count)
    }

    func sintercard(_ call: Call) {
        guard let number = call.integer(1), number > 0 else { return refuse(Refusal.numkeysNotPositive) }
        guard number <= call.count - 2 else {
            return refuse("-ERR Number of keys can't be greater than number of args\r\n")
        }
        guard let limit = cardinalityLimit(call, 2 + number) else { return }
        guard let sets = sets(call, 2..<2 + number) else { return }
        var count = 0
        intersect(sets) { _, _ in
            count += 1
            return count < limit
        }
        out.pointee.integer(count)
    }

    /// `LIMIT n` at `index`; all where it is not there, `nil` where it was refused.
    func cardinalityLimit(_ call: Call, _ index: Int) -> Int? {
        if call.count == index { return Int.max }
        guard call.count == index + 2, call.isWord(index, "limit") else {
            refuse(Refusal.syntax)
            return nil
        }
        guard let limit = call.integer(index + 1), limit >= 0 else {
            refuse("-ERR LIMIT can't be negative\r\n")
            return nil
        }
        return limit == 0 ? Int.max : limit
    }
}
