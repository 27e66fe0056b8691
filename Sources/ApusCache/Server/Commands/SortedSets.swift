/// Sorted sets: members and scores.
extension CacheCore {
    private struct AddOptions {
        var onlyNew = false
        var onlyOld = false
        var onlyGreater = false
        var onlyLess = false
        var countsChanges = false
        var increments = false
    }

    private func addOptions(_ call: Call, _ index: inout Int) -> AddOptions {
        var options = AddOptions()
        while index < call.count {
            if call.isWord(index, "nx") {
                options.onlyNew = true
            } else if call.isWord(index, "xx") {
                options.onlyOld = true
            } else if call.isWord(index, "gt") {
                options.onlyGreater = true
            } else if call.isWord(index, "lt") {
                options.onlyLess = true
            } else if call.isWord(index, "ch") {
                options.countsChanges = true
            } else if call.isWord(index, "incr") {
                options.increments = true
            } else {
                break
            }
            index += 1
        }
        return options
    }

    func zadd(_ call: Call) {
        var index = 2
        let options = addOptions(call, &index)
        guard index < call.count, (call.count - index) % 2 == 0 else { return refuse(Refusal.syntax) }
        if options.onlyNew, options.onlyOld {
            return refuse("-ERR XX and NX options at the same time are not compatible\r\n")
        }
        if options.onlyGreater && options.onlyNew || options.onlyLess && options.onlyNew
            || options.onlyGreater && options.onlyLess
        {
            return refuse("-ERR GT, LT, and/or NX options at the same time are not compatible\r\n")
        }
        if options.increments, call.count - index > 2 {
            return refuse("-ERR INCR option supports a single increment-element pair\r\n")
        }
        // All scores are looked at before anything changes.
        for place in stride(from: index, to: call.count, by: 2) where call.double(place) == nil {
            return refuse(Refusal.notFloat)
        }
        let slot = keys.pointee.slot(call[1])
        if let entry = slot.entry, entry.kind != .sorted { return refuse(Refusal.wrongType) }
        guard slot.entry != nil || !options.onlyOld else {
            return options.increments ? out.pointee.null(call.version) : out.pointee.integer(0)
        }
        let entry = slot.entry ?? keys.pointee.makeValue(call[1], slot, .sorted)
        add(call, from: index, options, entry)
    }

    private func add(_ call: Call, from index: Int, _ options: AddOptions, _ entry: KeyEntry) {
        let before = entry.weight
        var (added, changed) = (0, 0)
        var result: Double?
        for place in stride(from: index, to: call.count, by: 2) {
            var score = call.double(place) ?? 0
            let member = call[place + 1]
            let hash = keys.pointee.hash(member)
            guard let node = entry.sorted.pointee.find(member, hash) else {
                if options.onlyOld { continue }
                entry.sorted.pointee.insert(member, hash, score)
                added += 1
                result = score
                continue
            }
            if options.onlyNew { continue }
            let old = node.score
            if options.increments {
                score += old
                if score.isNaN { return refuse(Refusal.scoreNotANumber) }
            }
            if options.onlyGreater && score <= old || options.onlyLess && score >= old { continue }
            result = score
            if score != old {
                entry.sorted.pointee.move(node, to: score)
                changed += 1
            }
        }
        keys.pointee.changed(entry, from: before)
        keys.pointee.removeIfEmpty(entry)
        if added + changed > 0 { touch(call[1], call) }
        if added > 0 { tellFilled(call[1]) }
        guard options.increments else {
            return out.pointee.integer(options.countsChanges ? added + changed : added)
        }
        if let result { out.pointee.double(result, call.version) } else { out.pointee.null(call.version) }
    }

    func zincrby(_ call: Call) {
        guard let delta = call.double(2) else { return refuse(Refusal.notFloat) }
        guard let entry = entry(call[1], making: .sorted) else { return }
        let hash = keys.pointee.hash(call[3])
        let before = entry.weight
        var score = delta
        var isChanged = true
        if let node = entry.sorted.pointee.find(call[3], hash) {
            score += node.score
            if score.isNaN { return refuse(Refusal.scoreNotANumber) }
            isChanged = score != node.score
            entry.sorted.pointee.move(node, to: score)
        } else {
            entry.sorted.pointee.insert(call[3], hash, score)
        }
        keys.pointee.changed(entry, from: before)
        if isChanged { touch(call[1], call) }
        tellFilled(call[1])
        out.pointee.double(score, call.version)
    }

    func zrem(_ call: Call) {
        guard case .found(let entry) = typed(call[1], .sorted, or: { out.pointee.integer(0) }) else { return }
        let before = entry.weight
        var removed = 0
        for index in 2..<call.count {
            guard let node = entry.sorted.pointee.find(call[index], keys.pointee.hash(call[index])) else { continue }
            entry.sorted.pointee.remove(node)
            removed += 1
        }
        finish(call[1], entry, before, changed: removed > 0, call)
        out.pointee.integer(removed)
    }

    func zcard(_ call: Call) {
        guard case .found(let entry) = typed(call[1], .sorted, or: { out.pointee.integer(0) }) else { return }
        out.pointee.integer(entry.sorted.pointee.count)
    }

    func zscore(_ call: Call) {
        guard case .found(let entry) = typed(call[1], .sorted, or: { out.pointee.null(call.version) }) else { return }
        replyScore(entry, call[2], call.version)
    }

    private func replyScore(_ entry: KeyEntry, _ member: UnsafeRawBufferPointer, _ version: RESPVersion) {
        if let node = entry.sorted.pointee.find(member, keys.pointee.hash(member)) {
            out.pointee.double(node.score, version)
        } else {
            out.pointee.null(version)
        }
    }

    func zmscore(_ call: Call) {
        let found = typed(call[1], .sorted)
        if case .refused = found { return }
        out.pointee.array(call.count - 2)
        for index in 2..<call.count {
            if case .found(let entry) = found {
                replyScore(entry, call[index], call.version)
            } else {
                out.pointee.null(call.version)
            }
        }
    }

    func zrank(_ call: Call, isReversed: Bool) {
        guard case .found(let entry) = typed(call[1], .sorted, or: { out.pointee.null(call.version) }) else { return }
        guard let node = entry.sorted.pointee.find(call[2], keys.pointee.hash(call[2])) else {
            return out.pointee.null(call.version)
        }
        let rank = entry.sorted.pointee.rank(of: node)
        out.pointee.integer(isReversed ? entry.sorted.pointee.count - 1 - rank : rank)
    }

    /// Takes the member with the lowest or highest score, and writes it and its score.
    func popMember(
        _ value: UnsafeMutablePointer<SortedValue>,
        lowest: Bool,
        _ version: RESPVersion,
        to buffer: inout RESPBuffer
    ) {
        guard let node = lowest ? value.pointee.first : value.pointee.last else { return }
        buffer.bulk(node.member)
        buffer.double(node.score, version)
        value.pointee.remove(node)
    }

    func zpop(_ call: Call, lowest: Bool) {
        guard call.count <= 3 else { return refuseCount(call) }
        var wanted: Int?
        if call.count == 3 {
            guard let count = call.integer(2), count >= 0 else { return refuse(Refusal.notPositive) }
            wanted = count
        }
        guard case .found(let entry) = typed(call[1], .sorted, or: { out.pointee.array(0) }) else { return }
        let before = entry.weight
        let count = min(wanted ?? 1, entry.sorted.pointee.count)
        if wanted == nil {
            out.pointee.array(2)
            popMember(entry.sorted, lowest: lowest, call.version, to: &out.pointee)
        } else {
            replyPairs(count, true, call.version) { _ in
                popMember(entry.sorted, lowest: lowest, call.version, to: &out.pointee)
            }
        }
        finish(call[1], entry, before, changed: count > 0, call)
    }

    func zrandmember(_ call: Call) {
        guard let request = randomRequest(call, "withscores") else { return }
        switch typed(call[1], .sorted) {
        case .refused: return
        case .missing: replyNothingRandom(request, call)
        case .found(let entry):
            let value = entry.sorted
            guard let count = request.count else {
                if let node = value.pointee.randomMember() { out.pointee.bulk(node.member) }
                return
            }
            let nodes: [SortedNode] = draw(count, of: value.pointee.count) {
                value.pointee.randomMember()
            } each: { body in
                value.pointee.forEach(body)
            }
            replyPairs(nodes.count, request.withValues, call.version) { index in
                out.pointee.bulk(nodes[index].member)
                if request.withValues { out.pointee.double(nodes[index].score, call.version) }
            }
        }
    }

    func zscan(_ call: Call) {
        scanValue(call, .sorted) { entry, options in
            var found = 0
            let next = entry.sorted.pointee.scan(from: options.position, wanted: options.count) { node in
                guard options.matches(node.member) else { return }
                out.pointee.bulk(node.member)
                out.pointee.bulk(RESPNumber.text(node.score))
                found += 2
            }
            return (next, found)
        }
    }

    /// Keeps a sorted set that was made under a key, in the place of what it held.
    func store(_ result: inout SortedValue, _ key: UnsafeRawBufferPointer, _ call: Call) {
        let wasThere = keys.pointee.remove(key)
        let count = result.count
        if count > 0 {
            let entry = keys.pointee.makeValue(key, keys.pointee.slot(key), .sorted)
            let before = entry.weight
            swap(&entry.sorted.pointee, &result)
            keys.pointee.changed(entry, from: before)
            tellFilled(key)
        }
        if wasThere || count > 0 { touch(key, call) }
        out.pointee.integer(count)
    }
}
