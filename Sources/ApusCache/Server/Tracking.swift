import ApusCore

/// How a client wants to hear of keys that change.
struct TrackingOptions {
    /// All keys that begin with one of these, read or not; `nil` for the keys it has read.
    var prefixes: [[UInt8]]?
    /// Not of its own changes.
    var isOwnLeftOut = false
    /// Only keys that it reads behind `CLIENT CACHING yes`.
    var isOptIn = false
    /// All keys but those that it reads behind `CLIENT CACHING no`.
    var isOptOut = false
    /// What `CLIENT CACHING` said of the next command.
    var nextCommand: Bool?
    /// The client that is told in its place, as RESP2 has no pushes.
    var redirect: UInt64?
}

/// Who remembers which keys.
struct TrackingTable {
    /// Clients that have read a key since it changed last, by their numbers.
    var readers: [[UInt8]: Set<UInt64>] = [:]
    /// Clients that are told of prefixes.
    var broadcast: Set<UInt64> = []
    /// Clients that track at all.
    var count = 0

    var isNeeded: Bool { count > 0 }
}

/// Client-side caching: those who keep what they read are told when it changes.
///
/// - SeeAlso: Redis, "Client-side caching in Redis".
extension CacheCore {
    func startTracking(_ client: ClientPointer, _ options: TrackingOptions) {
        stopTracking(client)
        client.needExtras.tracking = options
        tracking.count += 1
        if options.prefixes != nil {
            tracking.broadcast.insert(client.pointee.id)
        } else {
            client.pointee.gate.insert(.tracking)
        }
        noteWatched()
    }

    func stopTracking(_ client: ClientPointer) {
        guard client.pointee.extras?.tracking != nil else { return }
        client.pointee.extras?.tracking = nil
        client.pointee.gate.remove(.tracking)
        tracking.count -= 1
        tracking.broadcast.remove(client.pointee.id)
        // What it had read is found to be nobody's when it changes.
        if tracking.count == 0 { tracking.readers = [:] }
        noteWatched()
    }

    /// Remembers the keys that a command has read.
    func remember(_ call: Call, _ command: UnsafeMutablePointer<Command>) {
        guard let options = call.client.pointee.extras?.tracking else { return }
        let wanted = options.isOptIn ? options.nextCommand == true : !options.isOptOut || options.nextCommand != false
        // The word holds for one command, and for all of a transaction; `CLIENT CACHING` itself is none.
        let isFirst = command.pointee.code != .client && command.pointee.code != .multi
        if isFirst, !isInTransaction { call.client.pointee.extras?.tracking?.nextCommand = nil }
        guard wanted, command.pointee.flags.contains(.reads) else { return }
        for index in keyIndexes(call, command) {
            tracking.readers[call.copy(index), default: []].insert(call.client.pointee.id)
        }
        shrinkTracking()
    }

    /// Forgets keys beyond the bound, as if they had changed.
    private func shrinkTracking() {
        while tracking.readers.count > configuration.trackedKeysMax, let key = tracking.readers.keys.first {
            invalidate(key, by: nil)
        }
    }

    /// Which arguments of a command are keys.
    func keyIndexes(_ call: Call, _ command: UnsafeMutablePointer<Command>) -> [Int] {
        if command.pointee.flags.contains(.countsKeys) {
            let first = Int(command.pointee.firstKey)
            var number = 1
            switch command.pointee.code {
            case .blmpop, .bzmpop, .zdiffstore, .zinterstore, .zunionstore: number = 2
            default: break
            }
            guard number < call.count, let count = call.integer(number), count > 0, count < call.count - number else {
                return []
            }
            return (first > 0 ? [first] : []) + Array(number + 1...number + count)
        }
        let first = Int(command.pointee.firstKey)
        guard first > 0, first < call.count else { return [] }
        let last =
            command.pointee.lastKey < 0 ? call.count + Int(command.pointee.lastKey) : Int(command.pointee.lastKey)
        guard last >= first else { return [] }
        return Array(stride(from: first, through: min(last, call.count - 1), by: max(1, Int(command.pointee.step))))
    }

    /// Tells those who remember a key that it has changed.
    func invalidate(_ key: [UInt8], by client: ClientPointer?) {
        for id in tracking.readers.removeValue(forKey: key) ?? [] {
            // A client that reads no more by tracking has gone, or wants other keys now.
            guard let reader = clients[id], let options = reader.pointee.extras?.tracking, options.prefixes == nil
            else {
                continue
            }
            tell(reader, options, key, by: client)
        }
        for id in tracking.broadcast {
            guard let reader = clients[id], let options = reader.pointee.extras?.tracking,
                let prefixes = options.prefixes, prefixes.isEmpty || prefixes.contains(where: { key.starts(with: $0) })
            else { continue }
            tell(reader, options, key, by: client)
        }
    }

    private func tell(_ reader: ClientPointer, _ options: TrackingOptions, _ key: [UInt8]?, by client: ClientPointer?) {
        if options.isOwnLeftOut, reader == client { return }
        guard let redirect = options.redirect else { return sendInvalidation(key, to: reader) }
        if let target = clients[redirect] {
            sendInvalidation(key, to: target)
        } else if reader.pointee.version == .three {
            write(to: reader) { buffer in
                buffer.push(2, .three)
                buffer.bulk("tracking-redir-broken")
                buffer.integer(Int(redirect))
            }
        }
    }

    private func sendInvalidation(_ key: [UInt8]?, to client: ClientPointer) {
        // The client that is served now gets its reply first.
        if client == current, let key {
            ownInvalidations.append(key)
            stats.pointee.hasAftermath = true
            return
        }
        writeInvalidation(key.map { [$0] }, to: client)
    }

    private func writeInvalidation(_ keys: [[UInt8]]?, to client: ClientPointer) {
        let version = client.pointee.version
        let listens = client.pointee.extras?.channels.contains(Array("__redis__:invalidate".utf8)) ?? false
        guard version == .three || listens else { return }
        write(to: client) { buffer in
            if version == .three {
                buffer.push(2, version)
                buffer.bulk("invalidate")
            } else {
                buffer.array(3)
                buffer.bulk("message")
                buffer.bulk("__redis__:invalidate")
            }
            guard let keys else { return version == .three ? buffer.null(version) : buffer.nullArray(version) }
            buffer.array(keys.count)
            for key in keys { buffer.bulk(key) }
        }
    }

    /// Sends the client that is served now what it was not told in the middle of its reply.
    func sendOwnInvalidations() {
        guard !ownInvalidations.isEmpty, let current else { return }
        let keys = ownInvalidations
        ownInvalidations = []
        writeInvalidation(keys, to: current)
    }

    /// Tells all who track that every key has changed.
    func invalidateAll() {
        tracking.readers = [:]
        for client in clients.values {
            guard let options = client.pointee.extras?.tracking else { continue }
            if let redirect = options.redirect {
                if let target = clients[redirect] { writeInvalidation(nil, to: target) }
            } else {
                writeInvalidation(nil, to: client)
            }
        }
    }
}
