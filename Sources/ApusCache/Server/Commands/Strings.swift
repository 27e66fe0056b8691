import Glibc

/// Strings: whole values.
extension CacheCore {
    @inline(__always)
    func get(_ call: Call) {
        guard let entry = keys.pointee.read(call[1]) else { return out.pointee.null(call.version) }
        guard entry.kind == .string else { return refuse(Refusal.wrongType) }
        out.pointee.bulk(entry.valueStart, entry.valueCount)
    }

    /// Writes the string of a key as the reply; false where it was refused.
    private func replyOld(_ call: Call) -> Bool {
        switch typed(call[1], .string) {
        case .refused: return false
        case .missing: out.pointee.null(call.version)
        case .found(let entry): out.pointee.bulk(entry.valueStart, entry.valueCount)
        }
        return true
    }

    @inline(__always)
    func set(_ call: Call) {
        if call.count > 3 { return setWithOptions(call) }
        keys.pointee.setString(call[1], keys.pointee.slot(call[1]), call[2], expiresAt: KeyEntry.never)
        touch(call[1], call)
        ok()
    }

    private struct SetOptions {
        var expiresAt = KeyEntry.never
        var keepsLife = false
        var onlyNew = false
        var onlyOld = false
        var wantsOld = false
    }

    @inline(never)
    private func setWithOptions(_ call: Call) {
        var options = SetOptions()
        guard readSetOptions(call, &options) else { return }
        let key = call[1]
        if options.wantsOld, !replyOld(call) { return }
        let slot = keys.pointee.slot(key)
        if slot.entry == nil ? options.onlyOld : options.onlyNew {
            if !options.wantsOld { out.pointee.null(call.version) }
            return
        }
        let expiresAt = options.keepsLife ? slot.entry?.expiresAt ?? KeyEntry.never : options.expiresAt
        keys.pointee.setString(key, slot, call[2], expiresAt: expiresAt)
        touch(key, call)
        if !options.wantsOld { ok() }
    }

    /// Reads what stands behind `SET key value`; false where it was refused.
    private func readSetOptions(_ call: Call, _ options: inout SetOptions) -> Bool {
        var index = 3
        var hasLife = false
        while index < call.count {
            if call.isWord(index, "nx"), !options.onlyOld {
                options.onlyNew = true
            } else if call.isWord(index, "xx"), !options.onlyNew {
                options.onlyOld = true
            } else if call.isWord(index, "get") {
                options.wantsOld = true
            } else if call.isWord(index, "keepttl"), !hasLife {
                options.keepsLife = true
            } else if let unit = LifeUnit(call, index), !hasLife, !options.keepsLife, index + 1 < call.count {
                index += 1
                guard let time = life(call, index, unit, "set") else { return false }
                options.expiresAt = time
                hasLife = true
            } else {
                refuse(Refusal.syntax)
                return false
            }
            index += 1
        }
        return true
    }

    func setnx(_ call: Call) {
        let slot = keys.pointee.slot(call[1])
        if slot.entry != nil { return out.pointee.integer(0) }
        keys.pointee.setString(call[1], slot, call[2], expiresAt: KeyEntry.never)
        touch(call[1], call)
        out.pointee.integer(1)
    }

    func setex(_ call: Call, _ unit: LifeUnit, _ name: StaticString) {
        guard let time = life(call, 2, unit, name) else { return }
        keys.pointee.setString(call[1], keys.pointee.slot(call[1]), call[3], expiresAt: time)
        touch(call[1], call)
        ok()
    }

    func getset(_ call: Call) {
        guard replyOld(call) else { return }
        keys.pointee.setString(call[1], keys.pointee.slot(call[1]), call[2], expiresAt: KeyEntry.never)
        touch(call[1], call)
    }

    func getdel(_ call: Call) {
        guard replyOld(call) else { return }
        if keys.pointee.remove(call[1]) { touch(call[1], call) }
    }

    func getex(_ call: Call) {
        var time: Int64?
        if call.count == 3, call.isWord(2, "persist") {
            time = KeyEntry.never
        } else if call.count == 4, let unit = LifeUnit(call, 2) {
            guard let given = life(call, 3, unit, "getex") else { return }
            time = given
        } else if call.count != 2 {
            return refuse(Refusal.syntax)
        }
        switch typed(call[1], .string) {
        case .refused: return
        case .missing: out.pointee.null(call.version)
        case .found(let entry):
            out.pointee.bulk(entry.valueStart, entry.valueCount)
            guard let time, time != entry.expiresAt else { return }
            keys.pointee.setExpiry(entry, time)
            touch(call[1], call)
        }
    }

    func mget(_ call: Call) {
        out.pointee.array(call.count - 1)
        for index in 1..<call.count {
            if let entry = keys.pointee.read(call[index]), entry.kind == .string {
                out.pointee.bulk(entry.valueStart, entry.valueCount)
            } else {
                out.pointee.null(call.version)
            }
        }
    }

    func mset(_ call: Call, onlyNew: Bool) {
        guard call.count % 2 == 1 else { return refuseCount(call) }
        if onlyNew {
            for index in stride(from: 1, to: call.count, by: 2) where keys.pointee.peek(call[index]) != nil {
                return out.pointee.integer(0)
            }
        }
        for index in stride(from: 1, to: call.count, by: 2) {
            let key = call[index]
            keys.pointee.setString(key, keys.pointee.slot(key), call[index + 1], expiresAt: KeyEntry.never)
            touch(key, call)
        }
        if onlyNew { out.pointee.integer(1) } else { ok() }
    }

    func append(_ call: Call) {
        let (key, tail) = (call[1], call[2])
        let slot = keys.pointee.slot(key)
        guard let entry = slot.entry else {
            keys.pointee.setString(key, slot, tail, expiresAt: KeyEntry.never)
            touch(key, call)
            return out.pointee.integer(tail.count)
        }
        guard entry.kind == .string else { return refuse(Refusal.wrongType) }
        let old = entry.valueCount
        guard old + tail.count <= configuration.valueBytesMax else { return refuse(Refusal.tooLong) }
        let grown = keys.pointee.resizeString(slot, entry, to: old + tail.count)
        memcpy(grown.valueStart + old, tail.start, tail.count)
        touch(key, call)
        out.pointee.integer(old + tail.count)
    }

    func strlen(_ call: Call) {
        switch typed(call[1], .string) {
        case .refused: return
        case .missing: out.pointee.integer(0)
        case .found(let entry): out.pointee.integer(entry.valueCount)
        }
    }

    func setrange(_ call: Call) {
        guard let offset = call.integer(2) else { return refuse(Refusal.notInteger) }
        guard offset >= 0 else { return refuse("-ERR offset is out of range\r\n") }
        let (key, part) = (call[1], call[3])
        var slot = keys.pointee.slot(key)
        if let entry = slot.entry, entry.kind != .string { return refuse(Refusal.wrongType) }
        let old = slot.entry?.valueCount ?? 0
        if part.isEmpty { return out.pointee.integer(old) }
        guard offset <= configuration.valueBytesMax - part.count else { return refuse(Refusal.tooLong) }
        let length = max(old, offset + part.count)
        if slot.entry == nil {
            keys.pointee.setString(key, slot, UnsafeRawBufferPointer(start: nil, count: 0), expiresAt: KeyEntry.never)
            slot = keys.pointee.slot(key)
        }
        guard let entry = slot.entry else { return }
        let grown = keys.pointee.resizeString(slot, entry, to: length)
        memcpy(grown.valueStart + offset, part.start, part.count)
        touch(key, call)
        out.pointee.integer(length)
    }

    func getrange(_ call: Call) {
        guard let first = call.integer(2), let last = call.integer(3) else { return refuse(Refusal.notInteger) }
        switch typed(call[1], .string) {
        case .refused: return
        case .missing: out.pointee.bulk([])
        case .found(let entry):
            let count = entry.valueCount
            if first < 0, last < 0, first > last { return out.pointee.bulk([]) }
            let start = max(0, first < 0 ? first + count : first)
            let end = min(count - 1, max(0, last < 0 ? last + count : last))
            if start > end || count == 0 { return out.pointee.bulk([]) }
            out.pointee.bulk(entry.valueStart + start, end - start + 1)
        }
    }
}
