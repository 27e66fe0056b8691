/// Hashes.
extension CacheCore {
    @inline(__always)
    func hset(_ call: Call, replies: Bool) {
        guard call.count % 2 == 0 else { return refuseCount(call) }
        guard let entry = entry(call[1], making: .hash) else { return }
        let before = entry.weight
        var added = 0
        var index = 2
        while index < call.count {
            let field = call[index]
            if entry.hashValue.pointee.set(field, keys.pointee.hash(field), call[index &+ 1]) { added &+= 1 }
            index &+= 2
        }
        keys.pointee.changed(entry, from: before)
        touch(call[1], call)
        if replies { out.pointee.integer(added) } else { ok() }
    }

    func hsetnx(_ call: Call) {
        guard let entry = entry(call[1], making: .hash) else { return }
        let hash = keys.pointee.hash(call[2])
        if entry.hashValue.pointee.find(call[2], hash) != nil { return out.pointee.integer(0) }
        let before = entry.weight
        _ = entry.hashValue.pointee.set(call[2], hash, call[3])
        keys.pointee.changed(entry, from: before)
        touch(call[1], call)
        out.pointee.integer(1)
    }

    @inline(__always)
    func hget(_ call: Call) {
        guard case .found(let entry) = typed(call[1], .hash, or: { out.pointee.null(call.version) }) else { return }
        replyField(entry, call[2], call.version)
    }

    private func replyField(_ entry: KeyEntry, _ field: UnsafeRawBufferPointer, _ version: RESPVersion) {
        if let field = entry.hashValue.pointee.find(field, keys.pointee.hash(field)) {
            out.pointee.bulk(field.value)
        } else {
            out.pointee.null(version)
        }
    }

    func hmget(_ call: Call) {
        switch typed(call[1], .hash) {
        case .refused: return
        case .missing:
            out.pointee.array(call.count - 2)
            for _ in 2..<call.count { out.pointee.null(call.version) }
        case .found(let entry):
            out.pointee.array(call.count - 2)
            for index in 2..<call.count { replyField(entry, call[index], call.version) }
        }
    }

    /// `HGETALL`, `HKEYS` and `HVALS`.
    func hgetall(_ call: Call, fields: Bool, values: Bool) {
        switch typed(call[1], .hash) {
        case .refused: return
        case .missing:
            if fields, values { out.pointee.map(0, call.version) } else { out.pointee.array(0) }
        case .found(let entry):
            let count = entry.hashValue.pointee.count
            if fields, values { out.pointee.map(count, call.version) } else { out.pointee.array(count) }
            entry.hashValue.pointee.forEach { field in
                if fields { out.pointee.bulk(field.key) }
                if values { out.pointee.bulk(field.value) }
            }
        }
    }

    func hlen(_ call: Call) {
        guard case .found(let entry) = typed(call[1], .hash, or: { out.pointee.integer(0) }) else { return }
        out.pointee.integer(entry.hashValue.pointee.count)
    }

    func hstrlen(_ call: Call) {
        guard case .found(let entry) = typed(call[1], .hash, or: { out.pointee.integer(0) }) else { return }
        out.pointee.integer(entry.hashValue.pointee.find(call[2], keys.pointee.hash(call[2]))?.valueCount ?? 0)
    }

    func hexists(_ call: Call) {
        guard case .found(let entry) = typed(call[1], .hash, or: { out.pointee.integer(0) }) else { return }
        out.pointee.integer(entry.hashValue.pointee.find(call[2], keys.pointee.hash(call[2])) == nil ? 0 : 1)
    }

    func hdel(_ call: Call) {
        guard case .found(let entry) = typed(call[1], .hash, or: { out.pointee.integer(0) }) else { return }
        let before = entry.weight
        var removed = 0
        for index in 2..<call.count where entry.hashValue.pointee.remove(call[index], keys.pointee.hash(call[index])) {
            removed += 1
        }
        finish(call[1], entry, before, changed: removed > 0, call)
        out.pointee.integer(removed)
    }

    /// Tells of a change by which elements went, and takes a value out that is empty.
    func finish(_ key: UnsafeRawBufferPointer, _ entry: KeyEntry, _ before: Int, changed: Bool, _ call: Call) {
        guard changed else { return }
        keys.pointee.changed(entry, from: before)
        keys.pointee.removeIfEmpty(entry)
        touch(key, call)
    }

    func hincrby(_ call: Call) {
        guard let delta = call.integer(3) else { return refuse(Refusal.notInteger) }
        guard let entry = entry(call[1], making: .hash) else { return }
        let hash = keys.pointee.hash(call[2])
        var old = 0
        if let field = entry.hashValue.pointee.find(call[2], hash) {
            guard let number = RESPNumber.strict(field.valueStart, 0, field.valueCount) else {
                return refuse("-ERR hash value is not an integer\r\n")
            }
            old = number
        }
        let (sum, overflow) = old.addingReportingOverflow(delta)
        if overflow { return refuse(Refusal.overflow) }
        setField(entry, call, hash, Array("\(sum)".utf8))
        out.pointee.integer(sum)
    }

    func hincrbyfloat(_ call: Call) {
        guard let delta = LongDouble.read(call[3]) else { return refuse(Refusal.notFloat) }
        guard delta.isFinite else { return refuse("-ERR value is NaN or Infinity\r\n") }
        guard let entry = entry(call[1], making: .hash) else { return }
        let hash = keys.pointee.hash(call[2])
        var old: LongDouble.Value = 0
        if let field = entry.hashValue.pointee.find(call[2], hash) {
            guard let number = LongDouble.read(field.value) else { return refuse("-ERR hash value is not a float\r\n") }
            old = number
        }
        let sum = old + delta
        guard sum.isFinite else { return refuse(Refusal.notANumber) }
        let text = LongDouble.text(sum)
        setField(entry, call, hash, text)
        out.pointee.bulk(text)
    }

    private func setField(_ entry: KeyEntry, _ call: Call, _ hash: UInt32, _ value: [UInt8]) {
        let before = entry.weight
        value.withUnsafeBytes { _ = entry.hashValue.pointee.set(call[2], hash, $0) }
        keys.pointee.changed(entry, from: before)
        touch(call[1], call)
    }

    func hrandfield(_ call: Call) {
        guard let request = randomRequest(call, "withvalues") else { return }
        switch typed(call[1], .hash) {
        case .refused: return
        case .missing: replyNothingRandom(request, call)
        case .found(let entry):
            let value = entry.hashValue
            guard let count = request.count else {
                if let field = value.pointee.random(&keys.pointee.random) { out.pointee.bulk(field.key) }
                return
            }
            let fields: [Field] = draw(count, of: value.pointee.count) {
                value.pointee.random(&keys.pointee.random)
            } each: { body in
                value.pointee.forEach(body)
            }
            replyPairs(fields.count, request.withValues, call.version) { index in
                out.pointee.bulk(fields[index].key)
                if request.withValues { out.pointee.bulk(fields[index].value) }
            }
        }
    }

    /// Elements, or pairs: in RESP3 an array each.
    func replyPairs(_ count: Int, _ arePairs: Bool, _ version: RESPVersion, _ body: (Int) -> Void) {
        out.pointee.array(arePairs && version == .two ? count * 2 : count)
        for index in 0..<count {
            if arePairs, version == .three { out.pointee.array(2) }
            body(index)
        }
    }

    func hscan(_ call: Call) {
        scanValue(call, .hash) { entry, options in
            var found = 0
            let value = entry.hashValue
            let next = value.pointee.scan(from: options.position, wanted: options.count) { field in
                guard options.matches(field.key) else { return }
                out.pointee.bulk(field.key)
                out.pointee.bulk(field.value)
                found += 2
            }
            return (next, found)
        }
    }
}
