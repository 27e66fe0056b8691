/// Lists: the ends.
extension CacheCore {
    @inline(__always)
    func push(_ call: Call, front: Bool, onlyThere: Bool) {
        let slot = keys.pointee.slot(call[1])
        let entry: KeyEntry
        if let there = slot.entry {
            guard there.kind == .list else { return refuse(Refusal.wrongType) }
            entry = there
        } else {
            if onlyThere { return out.pointee.integer(0) }
            entry = keys.pointee.makeValue(call[1], slot, .list)
        }
        let before = entry.weight
        let list = entry.list
        for index in 2..<call.count {
            if front { list.pointee.pushFirst(call[index]) } else { list.pointee.pushLast(call[index]) }
        }
        keys.pointee.changed(entry, from: before)
        touch(call[1], call)
        tellFilled(call[1])
        out.pointee.integer(list.pointee.count)
    }

    /// Takes an element from an end, which the list has.
    @inline(__always)
    func popElement(_ list: UnsafeMutablePointer<ListValue>, front: Bool, to buffer: inout RESPBuffer) {
        guard let element = front ? list.pointee.firstElement : list.pointee.lastElement else { return }
        buffer.bulk(element)
        if front { list.pointee.dropFirst() } else { list.pointee.dropLast() }
    }

    func pop(_ call: Call, front: Bool) {
        guard call.count <= 3 else { return refuseCount(call) }
        var wanted: Int?
        if call.count == 3 {
            guard let count = call.integer(2), count >= 0 else { return refuse(Refusal.notPositive) }
            wanted = count
        }
        switch typed(call[1], .list) {
        case .refused: return
        case .missing:
            if wanted == nil { out.pointee.null(call.version) } else { out.pointee.nullArray(call.version) }
        case .found(let entry):
            let before = entry.weight
            let list = entry.list
            let count = min(wanted ?? 1, list.pointee.count)
            if wanted != nil { out.pointee.array(count) }
            for _ in 0..<count { popElement(list, front: front, to: &out.pointee) }
            finish(call[1], entry, before, changed: count > 0, call)
        }
    }

    func llen(_ call: Call) {
        guard case .found(let entry) = typed(call[1], .list, or: { out.pointee.integer(0) }) else { return }
        out.pointee.integer(entry.list.pointee.count)
    }

    // MARK: From one list to another

    /// `LEFT` or `RIGHT`; `nil` where it was refused.
    func isFront(_ call: Call, _ index: Int) -> Bool? {
        if call.isWord(index, "left") { return true }
        if call.isWord(index, "right") { return false }
        refuse(Refusal.syntax)
        return nil
    }

    func lmove(_ call: Call) {
        guard let fromFront = isFront(call, 3), let toFront = isFront(call, 4) else { return }
        move(call, fromFront: fromFront, toFront: toFront)
    }

    func move(_ call: Call, fromFront: Bool, toFront: Bool) {
        switch typed(call[1], .list) {
        case .refused: return
        case .missing: out.pointee.null(call.version)
        case .found:
            if let target = keys.pointee.peek(call[2]), target.kind != .list { return refuse(Refusal.wrongType) }
            moveElement(call[1], call[2], fromFront, toFront, for: call.client)
        }
    }

    /// Moves an element between lists, of which the first has one and the second is a list or missing.
    func moveElement(
        _ source: UnsafeRawBufferPointer,
        _ target: UnsafeRawBufferPointer,
        _ fromFront: Bool,
        _ toFront: Bool,
        for client: ClientPointer
    ) {
        guard let entry = keys.pointee.peek(source) else { return }
        let list = entry.list
        guard let found = fromFront ? list.pointee.firstElement : list.pointee.lastElement else { return }
        // A copy: the list's memory is about to change.
        let element = Array(found)
        let before = entry.weight
        if fromFront { list.pointee.dropFirst() } else { list.pointee.dropLast() }
        let isSame = source.isEqual(to: target)
        element.withUnsafeBytes { bytes in
            if isSame {
                if toFront { list.pointee.pushFirst(bytes) } else { list.pointee.pushLast(bytes) }
            }
        }
        keys.pointee.changed(entry, from: before)
        keys.pointee.removeIfEmpty(entry)
        if !isSame { pushElement(element, target, toFront) }
        if keys.pointee.isWatched {
            changed(source, by: client)
            changed(target, by: client)
        }
        tellFilled(target)
        write(to: client) { $0.bulk(element) }
    }

    private func pushElement(_ element: [UInt8], _ key: UnsafeRawBufferPointer, _ front: Bool) {
        let slot = keys.pointee.slot(key)
        let entry = slot.entry ?? keys.pointee.makeValue(key, slot, .list)
        let before = entry.weight
        element.withUnsafeBytes { bytes in
            if front { entry.list.pointee.pushFirst(bytes) } else { entry.list.pointee.pushLast(bytes) }
        }
        keys.pointee.changed(entry, from: before)
    }
}
