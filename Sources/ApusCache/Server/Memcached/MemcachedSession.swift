import ApusCore

/// What a client of memcached's protocol has sent and not had served.
//
// Touched by the server's loop alone, as its client is.
final class MemcachedSession {
    var parser: MemcachedParser

    init(valueBytesMax: Int) { parser = MemcachedParser(valueBytesMax: valueBytesMax) }
}

/// A request of memcached's protocol that is being run, with its words.
//
// The words lie in the buffer that the request came in, which stays where it is until the request has run.
struct MemcachedCall {
    let client: ClientPointer
    let command: MemcachedCommand
    let base: UnsafeMutableRawPointer
    let words: UnsafeMutablePointer<RESPRange>
    /// Words with the name.
    let count: Int
    let data: RESPRange
    let isDataWhole: Bool

    /// A word; 0 is the name.
    subscript(index: Int) -> UnsafeRawBufferPointer { bytes(words[index]) }

    /// The data behind the line.
    var value: UnsafeRawBufferPointer { bytes(data) }

    private func bytes(_ range: RESPRange) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + Int(range.start), count: Int(range.count))
    }

    /// The client wants no answer to a command of the text protocol.
    var isSilent: Bool { count > 1 && self[count - 1].isWord("noreply") }
}

/// What is counted of memcached's commands, under memcached's names.
//
// Trivial, as it lies in raw memory.
struct MemcachedStatistics {
    var gets = 0
    var sets = 0
    var touches = 0
    var flushes = 0
    var metas = 0
    var getHits = 0
    var getMisses = 0
    var deleteHits = 0
    var deleteMisses = 0
    var incrHits = 0
    var incrMisses = 0
    var decrHits = 0
    var decrMisses = 0
    var casHits = 0
    var casMisses = 0
    var casOthers = 0
    var touchHits = 0
    var touchMisses = 0
    var stored = 0
}

/// Memcached's text and meta commands, on the same keys as the commands of Redis.
extension CacheCore {
    /// Serves the requests in what a client has sent, until one is incomplete or there is enough to send.
    ///
    /// - Returns: How many bytes are done with.
    func serve(
        _ client: ClientPointer,
        _ session: MemcachedSession,
        _ base: UnsafeMutableRawPointer,
        _ count: Int
    ) -> Int {
        var offset = 0
        if flushesAt <= now { removeAllKeys() }
        current = client
        defer {
            keys.pointee.drainReads()
            current = nil
        }
        while offset < count, out.pointee.count < Self.repliesPerSend, !client.pointee.isClosing {
            switch session.parser.parse(base + offset, count - offset) {
            case .request(let bytes):
                run(call(client, session, base + offset))
                offset += bytes
            case .skipped(let bytes): offset += bytes
            case .incomplete: return offset
            case .refused(let refusal, let bytes):
                refuse(refusal, call(client, session, base + offset))
                offset += bytes
            case .malformed(let refusal):
                stats.pointee.protocolErrors += 1
                refuse(refusal.text)
                client.pointee.isClosing = true
                return count
            }
        }
        return offset
    }

    private func call(_ client: ClientPointer, _ session: MemcachedSession, _ base: UnsafeMutableRawPointer)
        -> MemcachedCall
    {
        MemcachedCall(
            client: client,
            command: session.parser.command,
            base: base,
            words: session.parser.words,
            count: session.parser.count,
            data: session.parser.data,
            isDataWhole: session.parser.isDataWhole
        )
    }

    /// Refuses a request that was not understood, and goes on.
    private func refuse(_ refusal: MemcachedRefusal, _ call: MemcachedCall) {
        stats.pointee.commands &+= 1
        stats.pointee.refused += 1
        if call.client.pointee.gate.contains(.unknown) { return refuseUnknown(call.client) }
        if refusal == .tooLarge, call.command == .set || call.command == .metaSet {
            // What the client believes to be there now is not: better that nothing is.
            delete(call[1], call)
        }
        let isMeta = call.command.rawValue >= MemcachedCommand.metaGet.rawValue
        if refusal == .unknownCommand || isMeta || !call.isSilent { refuse(refusal.text) }
    }

    private func run(_ call: MemcachedCall) {
        stats.pointee.commands &+= 1
        if call.client.pointee.gate.contains(.unknown) { return admit(call) }
        let position = out.pointee.count
        perform(call)
        switch call.command {
        case .set, .add, .replace, .append, .prepend, .cas, .delete, .incr, .decr, .touch, .flushAll, .verbosity:
            if call.isSilent { out.pointee.truncate(to: position) }
        default: break
        }
        if keys.pointee.bytes > keys.pointee.bytesMax { keys.pointee.makeRoom() }
        if stats.pointee.hasAftermath { afterCommand() }
    }

    private func perform(_ call: MemcachedCall) {
        switch call.command {
        case .get: retrieve(call, versions: false)
        case .gets: retrieve(call, versions: true)
        case .gat: retrieveAndTouch(call, versions: false)
        case .gats: retrieveAndTouch(call, versions: true)
        case .set, .add, .replace, .append, .prepend, .cas: store(call)
        case .delete: delete(call)
        case .incr: count(call, up: true)
        case .decr: count(call, up: false)
        case .touch: touch(call)
        case .stats: memcachedStatistics(call)
        case .version: out.pointee.append("VERSION \(Self.memcachedVersion)\r\n")
        case .flushAll: flushAll(call)
        case .verbosity:
            out.pointee.append(call[1].number == nil ? MemcachedRefusal.badLine.text : "OK\r\n" as StaticString)
        case .quit: call.client.pointee.isClosing = true
        case .metaGet: metaGet(call)
        case .metaSet: metaSet(call)
        case .metaDelete: metaDelete(call)
        case .metaArithmetic: metaArithmetic(call)
        case .metaDebug: metaDebug(call)
        case .metaNoOp: out.pointee.append("MN\r\n" as StaticString)
        }
    }

    /// The version of memcached whose commands these are.
    static let memcachedVersion = "1.6.18-apus"

    // MARK: Who it is

    /// Lets a client in that says the password, by a `set` of any key whose data is `default PASSWORD`.
    ///
    /// - SeeAlso: memcached's doc/protocol.txt, "Authentication".
    private func admit(_ call: MemcachedCall) {
        guard call.command == .set else { return refuseUnknown(call.client) }
        let parts = call.value.split(separator: UInt8(ascii: " "), maxSplits: 1)
        guard parts.count == 2, String(decoding: parts[0], as: UTF8.self) == "default",
            configuration.password?.matches(String(decoding: parts[1], as: UTF8.self)) ?? true
        else {
            stats.pointee.refused += 1
            call.client.pointee.isClosing = true
            return out.pointee.append("CLIENT_ERROR authentication failure\r\n" as StaticString)
        }
        call.client.pointee.gate.remove(.unknown)
        call.client.pointee.memcached?.parser.isUnauthenticated = false
        out.pointee.append("STORED\r\n" as StaticString)
    }

    private func refuseUnknown(_ client: ClientPointer) {
        client.pointee.isClosing = true
        refuse(MemcachedRefusal.unauthenticated.text)
    }

    // MARK: Times

    /// When a life that a client wrote ends: seconds from now, or since 1970 where they are more than 30 days; 0 is never,
    /// and less than 0 is now.
    func itemExpiry(_ time: Int) -> Int64 {
        if time == 0 { return KeyEntry.never }
        if time < 0 { return now }
        if time > 60 * 60 * 24 * 30 { return max(now, Int64(time) * 1000 - wallOffset) }
        return now + Int64(time) * 1000
    }

    /// Whole seconds of life left, the last one begun; `nil` without an end.
    func secondsLeft(_ expiresAt: Int64) -> Int? {
        expiresAt == KeyEntry.never ? nil : Int(max(0, expiresAt - now) + 999) / 1000
    }
}
