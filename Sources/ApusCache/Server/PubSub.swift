/// Channels.
extension CacheCore {
    func subscribe(_ call: Call, isPattern: Bool) {
        let extras = call.client.needExtras
        for index in 1..<call.count {
            let name = call.copy(index)
            if isPattern {
                if extras.patterns.insert(name).inserted { patterns[name, default: []].insert(call.client) }
            } else if extras.channels.insert(name).inserted {
                channels[name, default: []].insert(call.client)
            }
            confirm(isPattern ? "psubscribe" : "subscribe", name, call.client)
        }
        noteSubscriptions(call.client)
    }

    func unsubscribe(_ call: Call, isPattern: Bool) {
        let extras = call.client.needExtras
        let word: StaticString = isPattern ? "punsubscribe" : "unsubscribe"
        let names =
            call.count > 1
            ? (1..<call.count).map { call.copy($0) } : Array(isPattern ? extras.patterns : extras.channels)
        for name in names {
            forget(name, of: call.client, isPattern: isPattern)
            confirm(word, name, call.client)
        }
        if names.isEmpty { confirm(word, nil, call.client) }
        noteSubscriptions(call.client)
    }

    private func forget(_ name: [UInt8], of client: ClientPointer, isPattern: Bool) {
        guard let extras = client.pointee.extras else { return }
        if isPattern {
            extras.patterns.remove(name)
            patterns[name]?.remove(client)
            if patterns[name]?.isEmpty == true { patterns[name] = nil }
        } else {
            extras.channels.remove(name)
            channels[name]?.remove(client)
            if channels[name]?.isEmpty == true { channels[name] = nil }
        }
    }

    func unsubscribeAll(_ client: ClientPointer) {
        guard let extras = client.pointee.extras else { return }
        for name in extras.channels { forget(name, of: client, isPattern: false) }
        for name in extras.patterns { forget(name, of: client, isPattern: true) }
        noteSubscriptions(client)
    }

    private func confirm(_ word: StaticString, _ name: [UInt8]?, _ client: ClientPointer) {
        let extras = client.needExtras
        let version = client.pointee.version
        write(to: client) { buffer in
            buffer.push(3, version)
            buffer.bulk(UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
            if let name { buffer.bulk(name) } else { buffer.null(version) }
            buffer.integer(extras.channels.count + extras.patterns.count)
        }
    }

    /// In RESP2 a client that listens may say nothing else, as replies and messages look alike.
    private func noteSubscriptions(_ client: ClientPointer) {
        guard let extras = client.pointee.extras else { return }
        let listens = !extras.channels.isEmpty || !extras.patterns.isEmpty
        if listens, client.pointee.version == .two {
            client.pointee.gate.insert(.subscribed)
        } else {
            client.pointee.gate.remove(.subscribed)
        }
    }

    func publish(_ call: Call) { out.pointee.integer(publish(call[1], call[2])) }

    /// Says something on a channel.
    ///
    /// - Returns: How many heard it.
    func publish(_ channel: UnsafeRawBufferPointer, _ message: UnsafeRawBufferPointer) -> Int {
        var heard = 0
        let name = Array(channel)
        for client in channels[name] ?? [] {
            let version = client.pointee.version
            write(to: client) { buffer in
                buffer.push(3, version)
                buffer.bulk("message")
                buffer.bulk(channel)
                buffer.bulk(message)
            }
            heard += 1
        }
        for (pattern, clients) in patterns where Glob(pattern).matches(channel) {
            for client in clients {
                let version = client.pointee.version
                write(to: client) { buffer in
                    buffer.push(4, version)
                    buffer.bulk("pmessage")
                    buffer.bulk(pattern)
                    buffer.bulk(channel)
                    buffer.bulk(message)
                }
                heard += 1
            }
        }
        return heard
    }

    func pubsub(_ call: Call) {
        if call.isWord(1, "channels"), call.count <= 3 {
            let pattern = call.count == 3 ? Glob(call[2]) : nil
            let names = channels.keys.filter { pattern?.matches($0) ?? true }
            out.pointee.array(names.count)
            for name in names { out.pointee.bulk(name) }
        } else if call.isWord(1, "numsub") {
            out.pointee.array((call.count - 2) * 2)
            for index in 2..<max(2, call.count) {
                out.pointee.bulk(call[index])
                out.pointee.integer(channels[call.copy(index)]?.count ?? 0)
            }
        } else if call.isWord(1, "numpat"), call.count == 2 {
            out.pointee.integer(patterns.count)
        } else if call.isWord(1, "help") {
            help(["PUBSUB CHANNELS [pattern]", "PUBSUB NUMPAT", "PUBSUB NUMSUB [channel ...]"])
        } else {
            refuseSubcommand(call)
        }
    }
}
