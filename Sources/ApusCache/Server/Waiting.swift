import ApusCore

/// What a client waits for, and until when.
struct WaitingClient {
    /// What is done as soon as one of the keys has an element.
    enum Action {
        /// `BLPOP`, `BRPOP`
        case pop(front: Bool)
        /// `BLMOVE`, `BRPOPLPUSH`
        case move(target: [UInt8], fromFront: Bool, toFront: Bool)
        /// `BLMPOP`
        case popMany(front: Bool, count: Int)
        /// `BZPOPMIN`, `BZPOPMAX`
        case popSorted(lowest: Bool)
        /// `BZMPOP`
        case popManySorted(lowest: Bool, count: Int)

        /// What the key must hold.
        var kind: ValueKind {
            switch self {
            case .pop, .move, .popMany: .list
            case .popSorted, .popManySorted: .sorted
            }
        }

        /// What is said when the time is up: of those that give one thing, no thing.
        var isSingle: Bool { if case .move = self { true } else { false } }
    }

    let keys: [[UInt8]]
    let action: Action
    /// Milliseconds of the keyspace's time; `Int64.max` for ever.
    let deadline: Int64
}

/// Commands that wait until a key has an element.
extension CacheCore {
    /// Does `action` with the first of the keys that has an element, or waits for one.
    func actOrWait(_ call: Call, _ keys: Range<Int>, _ action: WaitingClient.Action, timeout: Int?) {
        for index in keys {
            let key = call[index]
            guard let entry = self.keys.pointee.peek(key) else { continue }
            guard entry.kind == action.kind else { return refuse(Refusal.wrongType) }
            act(action, on: key, for: call.client)
            return
        }
        guard let timeout, !isInTransaction else { return replyNothing(action, to: call.client) }
        let deadline = timeout == 0 ? Int64.max : now + Int64(timeout)
        let copies = keys.map { call.copy($0) }
        call.client.needExtras.waiting = WaitingClient(keys: copies, action: action, deadline: deadline)
        call.client.pointee.gate.insert(.waiting)
        for key in Set(copies) { waiting[key, default: []].append(call.client) }
        stats.pointee.waiting += 1
    }

    /// A time to wait in an argument, in milliseconds; `nil` where it was refused.
    func timeout(_ call: Call, _ index: Int) -> Int? {
        guard let seconds = call.double(index), seconds < Double(Int64.max / 2000) else {
            refuse("-ERR timeout is not a float or out of range\r\n")
            return nil
        }
        guard seconds >= 0 else {
            refuse("-ERR timeout is negative\r\n")
            return nil
        }
        return Int((seconds * 1000).rounded(.up))
    }

    private func replyNothing(_ action: WaitingClient.Action, to client: ClientPointer) {
        let version = client.pointee.version
        write(to: client) { if action.isSingle { $0.null(version) } else { $0.nullArray(version) } }
    }

    /// Does what was waited for with a key of the right kind; writes the reply.
    private func act(_ action: WaitingClient.Action, on key: UnsafeRawBufferPointer, for client: ClientPointer) {
        guard let entry = keys.pointee.peek(key) else { return }
        let before = entry.weight
        let version = client.pointee.version
        switch action {
        case .move(let target, let fromFront, let toFront):
            target.withUnsafeBytes { target in
                if let there = keys.pointee.peek(target), there.kind != .list {
                    return write(to: client) { $0.append(Refusal.wrongType) }
                }
                moveElement(key, target, fromFront, toFront, for: client)
            }
            return
        case .pop(let front):
            write(to: client) { buffer in
                buffer.array(2)
                buffer.bulk(key)
                popElement(entry.list, front: front, to: &buffer)
            }
        case .popMany(let front, let count):
            write(to: client) { buffer in
                let taken = min(count, entry.list.pointee.count)
                buffer.array(2)
                buffer.bulk(key)
                buffer.array(taken)
                for _ in 0..<taken { popElement(entry.list, front: front, to: &buffer) }
            }
        case .popSorted(let lowest):
            write(to: client) { buffer in
                buffer.array(3)
                buffer.bulk(key)
                popMember(entry.sorted, lowest: lowest, version, to: &buffer)
            }
        case .popManySorted(let lowest, let count):
            write(to: client) { buffer in
                let taken = min(count, entry.sorted.pointee.count)
                buffer.array(2)
                buffer.bulk(key)
                buffer.array(taken)
                for _ in 0..<taken {
                    buffer.array(2)
                    popMember(entry.sorted, lowest: lowest, version, to: &buffer)
                }
            }
        }
        keys.pointee.changed(entry, from: before)
        keys.pointee.removeIfEmpty(entry)
        if keys.pointee.isWatched { changed(key, by: client) }
    }

    /// Notes that a key has elements, if somebody waits for any.
    @inline(__always)
    func tellFilled(_ key: UnsafeRawBufferPointer) {
        if stats.pointee.waiting > 0 { noteFilled(key) }
    }

    @inline(never)
    private func noteFilled(_ key: UnsafeRawBufferPointer) {
        let name = Array(key)
        guard waiting[name] != nil else { return }
        filled.append(name)
        stats.pointee.hasAftermath = true
    }

    /// Gives those who wait what has come, the longest waiting first.
    func serveWaiting() {
        while let key = filled.popLast() {
            var skipped = 0
            while let clients = waiting[key], skipped < clients.count {
                let client = clients[skipped]
                guard let wait = client.pointee.extras?.waiting,
                    let entry = key.withUnsafeBytes({ keys.pointee.peek($0) })
                else { break }
                guard entry.kind == wait.action.kind else {
                    skipped += 1
                    continue
                }
                stopWaiting(client)
                key.withUnsafeBytes { act(wait.action, on: $0, for: client) }
                mark(client)
            }
        }
    }

    /// A client waits no longer.
    func stopWaiting(_ client: ClientPointer) {
        guard let wait = client.pointee.extras?.waiting else { return }
        client.pointee.extras?.waiting = nil
        client.pointee.gate.remove(.waiting)
        stats.pointee.waiting -= 1
        for key in Set(wait.keys) {
            waiting[key]?.removeAll { $0 == client }
            if waiting[key]?.isEmpty == true { waiting[key] = nil }
        }
    }

    /// Ends the waits whose time is up.
    func endWaits() {
        guard stats.pointee.waiting > 0 else { return }
        for client in Set(waiting.values.joined()) {
            guard let wait = client.pointee.extras?.waiting, wait.deadline <= now else { continue }
            stopWaiting(client)
            replyNothing(wait.action, to: client)
            mark(client)
        }
    }

    // MARK: Commands

    func blockingPop(_ call: Call, _ action: WaitingClient.Action) {
        guard let timeout = timeout(call, call.count - 1) else { return }
        actOrWait(call, 1..<call.count - 1, action, timeout: timeout)
    }

    func blmove(_ call: Call) {
        guard let fromFront = isFront(call, 3), let toFront = isFront(call, 4), let timeout = timeout(call, 5) else {
            return
        }
        let action = WaitingClient.Action.move(target: call.copy(2), fromFront: fromFront, toFront: toFront)
        actOrWait(call, 1..<2, action, timeout: timeout)
    }

    func brpoplpush(_ call: Call) {
        guard let timeout = timeout(call, 3) else { return }
        let action = WaitingClient.Action.move(target: call.copy(2), fromFront: false, toFront: true)
        actOrWait(call, 1..<2, action, timeout: timeout)
    }

    /// `LMPOP`, `ZMPOP`, and those that wait: a number of keys from `first` on, an end, and a count.
    func popMany(_ call: Call, first: Int, isSorted: Bool) {
        var wait: Int?
        if first == 2 {
            guard let timeout = timeout(call, 1) else { return }
            wait = timeout
        }
        guard let number = call.integer(first), number > 0 else { return refuse(Refusal.numkeysNotPositive) }
        guard number < call.count - first - 1 else { return refuse(Refusal.syntax) }
        let end = first + 1 + number
        let isFirst: Bool
        if call.isWord(end, isSorted ? "min" : "left") {
            isFirst = true
        } else if call.isWord(end, isSorted ? "max" : "right") {
            isFirst = false
        } else {
            return refuse(Refusal.syntax)
        }
        var count = 1
        if call.count > end + 1 {
            guard call.count == end + 3, call.isWord(end + 1, "count") else { return refuse(Refusal.syntax) }
            guard let given = call.integer(end + 2), given > 0 else { return refuse(Refusal.countNotPositive) }
            count = given
        }
        let action: WaitingClient.Action =
            isSorted ? .popManySorted(lowest: isFirst, count: count) : .popMany(front: isFirst, count: count)
        actOrWait(call, first + 1..<end, action, timeout: wait)
    }
}
