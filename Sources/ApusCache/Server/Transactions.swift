/// Commands that are run together: `MULTI`, `EXEC`, `WATCH`.
extension CacheCore {
    func multi(_ call: Call) {
        guard !call.client.pointee.gate.contains(.inTransaction) else {
            return refuse("-ERR MULTI calls can not be nested\r\n")
        }
        _ = call.client.needExtras
        call.client.pointee.gate.insert(.inTransaction)
        ok()
    }

    /// Keeps a command for `EXEC`.
    func queue(_ call: Call, _ command: UnsafeMutablePointer<Command>) {
        let extras = call.client.needExtras
        let bytes = call.bytes
        guard extras.queuedBytes + bytes <= configuration.inputBytesMax else {
            extras.isQueueBroken = true
            return refuse("-ERR the transaction is larger than a client may send at once\r\n")
        }
        extras.queuedBytes += bytes
        extras.queue.append(
            QueuedCommand(
                command: command,
                bytes: Array(UnsafeRawBufferPointer(start: call.base, count: bytes)),
                ranges: (0..<call.count).map { call.arguments[$0] }
            )
        )
        out.pointee.simple("QUEUED")
    }

    func exec(_ call: Call) {
        guard call.client.pointee.gate.contains(.inTransaction), let extras = call.client.pointee.extras else {
            return refuse("-ERR EXEC without MULTI\r\n")
        }
        var queue = extras.queue
        let (isBroken, isWatchBroken) = (extras.isQueueBroken, extras.isWatchBroken)
        discardQueue(call.client)
        // A key that is watched may have gone unnoticed because its time was up.
        let hasExpired = extras.watched.contains { key in key.withUnsafeBytes { watchedHasExpired($0) } }
        unwatch(call.client)
        if isBroken {
            return refuse("-EXECABORT Transaction discarded because of previous errors.\r\n")
        }
        if isWatchBroken || hasExpired { return out.pointee.nullArray(call.version) }
        isInTransaction = true
        defer { isInTransaction = false }
        out.pointee.array(queue.count)
        let isTracking = call.client.pointee.gate.contains(.tracking)
        for index in queue.indices {
            let command = queue[index].command
            queue[index].withCall(call.client) { call in
                run(call, command)
                if isTracking { remember(call, command) }
            }
        }
    }

    func discard(_ call: Call) {
        guard call.client.pointee.gate.contains(.inTransaction) else {
            return refuse("-ERR DISCARD without MULTI\r\n")
        }
        discardQueue(call.client)
        unwatch(call.client)
        ok()
    }

    /// Leaves the transaction.
    func discardQueue(_ client: ClientPointer) {
        client.pointee.gate.remove(.inTransaction)
        guard let extras = client.pointee.extras else { return }
        extras.queue = []
        extras.queuedBytes = 0
        extras.isQueueBroken = false
    }

    // MARK: Watching

    func watch(_ call: Call) {
        if call.client.pointee.gate.contains(.inTransaction) {
            return refuse("-ERR WATCH inside MULTI is not allowed\r\n")
        }
        let extras = call.client.needExtras
        for index in 1..<call.count {
            // What has expired already is not there, and that is no change.
            _ = keys.pointee.peek(call[index])
            let key = call.copy(index)
            guard extras.watched.insert(key).inserted else { continue }
            watchers[key, default: []].insert(call.client)
        }
        noteWatched()
        ok()
    }

    private func watchedHasExpired(_ key: UnsafeRawBufferPointer) -> Bool {
        let before = keys.pointee.expired
        _ = keys.pointee.peek(key)
        return keys.pointee.expired != before
    }

    /// A client watches nothing any more.
    func unwatch(_ client: ClientPointer) {
        guard let extras = client.pointee.extras else { return }
        for key in extras.watched {
            watchers[key]?.remove(client)
            if watchers[key]?.isEmpty == true { watchers[key] = nil }
        }
        extras.watched = []
        extras.isWatchBroken = false
        noteWatched()
    }

    /// Says to the keyspace whether anybody cares about keys that change.
    func noteWatched() { keys.pointee.isWatched = !watchers.isEmpty || tracking.isNeeded }

    /// A key has changed: transactions that watch it will not run, and those who remember it are told.
    ///
    /// `client` is who changed it, `nil` where it went by itself.
    func changed(_ key: UnsafeRawBufferPointer, by client: ClientPointer?) {
        let name = Array(key)
        for watcher in watchers[name] ?? [] { watcher.pointee.extras?.isWatchBroken = true }
        if tracking.isNeeded { invalidate(name, by: client) }
    }

    /// All keys have gone.
    func changedAll() {
        for (_, clients) in watchers {
            for watcher in clients { watcher.pointee.extras?.isWatchBroken = true }
        }
        if tracking.isNeeded { invalidateAll() }
    }
}

extension QueuedCommand {
    /// Runs `body` with the command as a call.
    fileprivate mutating func withCall(_ client: ClientPointer, _ body: (Call) -> Void) {
        let count = ranges.count
        bytes.withUnsafeMutableBytes { bytes in
            ranges.withUnsafeMutableBufferPointer { ranges in
                guard let base = bytes.baseAddress, let arguments = ranges.baseAddress else { return }
                body(Call(client: client, base: base, arguments: arguments, count: count))
            }
        }
    }
}
