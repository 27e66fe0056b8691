import ApusCore
import ApusRuntime

/// The sockets of the embedded server: one loop, a synchronous state machine for each client.
//
// `@unchecked Sendable` is sound because only its loop's thread touches it; `CacheServer` reaches it through the loop.
final class CacheWorker: @unchecked Sendable {
    let loop: EventLoop
    let core: CacheCore
    let configuration: CacheServerConfiguration
    private let scratch = UnsafeMutableRawPointer.allocate(byteCount: CacheWorker.readBytes, alignment: 64)
    private static let readBytes = 64 << 10
    /// Reads of one event, so that a client that sends without end does not keep the others waiting.
    private static let readsMax = 16
    /// A client's replies in the core's buffer, which begin where those before end.
    private struct Replies {
        let client: ClientPointer
        let end: Int
    }
    private var unsent: [Replies] = []
    /// The end of this turn is asked for.
    private var isEnding = false
    private let security: TLSContext?

    init(loop: EventLoop, configuration: CacheServerConfiguration, security: TLSContext?) {
        self.loop = loop
        self.configuration = configuration
        self.security = security
        core = CacheCore(configuration, clock: loop.clock)
    }

    deinit { scratch.deallocate() }

    // MARK: Clients

    func accept(_ channel: Channel, protocol spoken: CacheProtocol) {
        guard core.clients.count < configuration.clientsMax else {
            core.stats.pointee.rejected += 1
            let text: StaticString =
                spoken == .resp
                ? "-ERR max number of clients reached\r\n" : "SERVER_ERROR max number of clients reached\r\n"
            if security == nil {
                _ = channel.send(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
            }
            return channel.close()
        }
        core.setTime(loop.now)
        let client = core.connect(from: channel.peerName, protocol: spoken)
        client.pointee.channel = channel
        client.pointee.worker = .passUnretained(self)
        channel.setCallback(Self.event, context: client)
        if let security {
            client.pointee.isSecuring = true
            do { try channel.secure(with: security) } catch { abort(client) }
        }
        ready(client)
    }

    private static let event: Channel.Callback = { context, _ in
        let client = context.assumingMemoryBound(to: ServerClient.self)
        client.pointee.worker?._withUnsafeGuaranteedRef { $0.ready(client) }
    }

    /// A client's socket can be read or written.
    private func ready(_ client: ClientPointer) {
        core.setTime(loop.now)
        advance(client)
        if !isEnding, !unsent.isEmpty || !core.dirty.isEmpty {
            isEnding = true
            loop.atTurnEnd { [self] in endTurn() }
        }
    }

    /// Serves what a client has sent, and reads more, until its socket gives no more or it takes no more.
    private func advance(_ client: ClientPointer) {
        guard let channel = client.pointee.channel else { return }
        // It may take its last output now.
        if client.pointee.isClosing { return core.mark(client) }
        if client.pointee.isSecuring, !secure(client, channel) { return }
        if client.pointee.hasUnsent { sendReplies() }
        if client.pointee.output.count > 0, !flush(client, channel) { return }
        var reads = 0
        while !client.pointee.isClosing {
            // What came before and is not served: the client took no output then, or waited.
            if client.pointee.input.count > 0, !serveInput(client) { return }
            if client.pointee.gate.contains(.waiting) {
                // Nothing more is read until it has what it waits for, but its leaving is noticed.
                if channel.isPeerClosed { end(client) }
                return
            }
            guard channel.isReadReady else { return }
            if reads == Self.readsMax { return later(client) }
            reads += 1
            if !read(client, channel) { return }
        }
    }

    /// Goes on with a client's handshake; true once its connection is secured.
    @inline(never)
    private func secure(_ client: ClientPointer, _ channel: Channel) -> Bool {
        switch channel.handshakeStep() {
        case .done:
            client.pointee.isSecuring = false
            return true
        case .wantsRead, .wantsWrite: return false
        case .failed:
            core.stats.pointee.protocolErrors += 1
            abort(client)
            return false
        }
    }

    /// Reads once and serves what came; false where nothing more is to be read now.
    @inline(__always)
    private func read(_ client: ClientPointer, _ channel: Channel) -> Bool {
        if client.pointee.input.count > 0 { return readBehind(client, channel) }
        switch channel.receive(into: UnsafeMutableRawBufferPointer(start: scratch, count: Self.readBytes)) {
        case .bytes(let count):
            core.stats.pointee.bytesIn &+= count
            client.pointee.lastActive = core.now
            let before = core.out.pointee.count
            let used = core.serve(client, scratch, count)
            if used < count { client.pointee.input.append(scratch + used, count &- used) }
            return keepReplies(client, from: before)
        case .wouldBlock: return false
        case .end, .failed:
            end(client)
            return false
        }
    }

    /// Reads behind a part of a command.
    @inline(never)
    private func readBehind(_ client: ClientPointer, _ channel: Channel) -> Bool {
        let needed = client.bytesNeeded - client.pointee.input.count
        guard client.pointee.input.reserve(max(16 << 10, min(needed, 1 << 20))) else {
            cutOff(client)
            return false
        }
        switch channel.receive(into: client.pointee.input.room) {
        case .bytes(let count):
            core.stats.pointee.bytesIn &+= count
            client.pointee.lastActive = core.now
            client.pointee.input.advance(count)
            return true
        case .wouldBlock: return false
        case .end, .failed:
            end(client)
            return false
        }
    }

    /// Serves what has come whole; false where nothing more is to be read now.
    @inline(never)
    private func serveInput(_ client: ClientPointer) -> Bool {
        while client.pointee.input.count > 0, !client.pointee.gate.contains(.waiting) {
            let before = core.out.pointee.count
            let used = core.serve(client, client.pointee.input.base, client.pointee.input.count)
            if used == client.pointee.input.count {
                client.pointee.input.removeAll(keeping: 16 << 10)
                client.shrinkParsers()
            } else {
                client.pointee.input.removeFirst(used)
            }
            guard keepReplies(client, from: before) else { return false }
            if used == 0 { break }
        }
        return true
    }

    // MARK: Replies

    /// Notes that the replies behind `position` are a client's; false where it takes no more now.
    ///
    /// They are sent when all that came in a turn is served: a client that pipelines then finds more of them at a time, and
    /// sends more commands at a time.
    @inline(__always)
    private func keepReplies(_ client: ClientPointer, from position: Int) -> Bool {
        let count = core.out.pointee.count
        if core.out.pointee.isOver {
            core.out.pointee.forgetOverflow(from: position)
            cutOff(client)
            return false
        }
        if count > position {
            unsent.append(Replies(client: client, end: count))
            client.pointee.hasUnsent = true
        }
        if client.pointee.isClosing {
            core.mark(client)
            return false
        }
        if count >= CacheCore.repliesPerSend { sendReplies() }
        return client.pointee.output.count == 0
    }

    /// Sends all replies that are noted; what a client does not take now becomes its output.
    private func sendReplies() {
        var start = 0
        let base = core.out.pointee.base
        for replies in unsent {
            let client = replies.client
            client.pointee.hasUnsent = false
            send(client, base + start, replies.end - start)
            start = replies.end
        }
        unsent.removeAll(keepingCapacity: true)
        core.out.pointee.removeAll(keeping: 512 << 10)
    }

    @inline(__always)
    private func send(_ client: ClientPointer, _ start: UnsafeMutableRawPointer, _ count: Int) {
        guard let channel = client.pointee.channel, !client.pointee.isAborted else { return }
        var sent = 0
        // What it was told by others, or did not take, was said before.
        if client.pointee.output.count == 0 {
            switch channel.send(UnsafeRawBufferPointer(start: start, count: count)) {
            case .bytes(let bytes): sent = bytes
            case .wouldBlock: break
            case .end, .failed: return abort(client)
            }
            core.stats.pointee.bytesOut &+= sent
            if sent == count { return }
            client.pointee.lastProgress = core.now
        }
        client.pointee.output.append(start + sent, count &- sent)
        if client.pointee.output.isOver { cutOff(client) } else { _ = flush(client, channel) }
    }

    /// Sends what a client has not taken yet; true once there is nothing left.
    private func flush(_ client: ClientPointer, _ channel: Channel) -> Bool {
        while client.pointee.output.count > 0 {
            switch channel.send(client.pointee.output.bytes) {
            case .bytes(let sent):
                core.stats.pointee.bytesOut &+= sent
                client.pointee.lastProgress = core.now
                client.pointee.output.removeFirst(sent)
            case .wouldBlock: return false
            case .end, .failed:
                abort(client)
                return false
            }
        }
        client.pointee.output.removeAll(keeping: 1 << 10)
        return true
    }

    /// Sends what the turn's commands have to say, and ends those who are to be.
    private func endTurn() {
        while !unsent.isEmpty || !core.dirty.isEmpty {
            sendReplies()
            while let client = core.dirty.popLast() {
                client.pointee.isDirty = false
                if client.pointee.isClosing { leave(client) } else { advance(client) }
            }
        }
        isEnding = false
    }

    /// Goes on with a client when the others have had their turn.
    private func later(_ client: ClientPointer) {
        let id = client.pointee.id
        loop.execute { [self] in
            if let client = core.clients[id] { ready(client) }
        }
    }

    // MARK: Ends

    // A client may be named in the turn's replies, so its memory is given back at the end of the turn.

    /// A client has gone, or is to go once its output has.
    private func end(_ client: ClientPointer) {
        client.pointee.isClosing = true
        core.mark(client)
    }

    /// Ends a connection without waiting for what is on its way.
    private func abort(_ client: ClientPointer) {
        client.pointee.isAborted = true
        end(client)
    }

    /// Ends the connection of a client that went beyond a bound.
    private func cutOff(_ client: ClientPointer) {
        core.stats.pointee.cutOff += 1
        abort(client)
    }

    /// Closes a client that is to go, unless it has output that it may still take.
    private func leave(_ client: ClientPointer) {
        guard let channel = client.pointee.channel else { return }
        if client.pointee.isAborted {
            channel.abort()
        } else {
            if client.pointee.output.count > 0, !channel.isPeerClosed, !flush(client, channel) {
                if !client.pointee.isAborted { return }
            }
            channel.close()
        }
        core.disconnect(client)
    }

    // MARK: Now and then

    /// How often the server looks after itself.
    static let pause: Duration = .milliseconds(100)
    /// How long a client may take to secure its connection, in milliseconds.
    static let handshakeLimit: Int64 = 10_000

    /// Sweeps keys whose time is up, gives back what was deleted, ends waits, and cuts off who is stuck.
    func lookAfter() {
        core.setTime(loop.now)
        core.setWall()
        core.lookAfter()
        let stall = configuration.stallLimit.nanoseconds / 1_000_000
        let idle = configuration.idleLimit.map { $0.nanoseconds / 1_000_000 } ?? .max
        for client in core.clients.values {
            if client.pointee.output.count > 0, core.now - client.pointee.lastProgress >= stall {
                cutOff(client)
            } else if client.pointee.isSecuring, core.now - client.pointee.arrivedAt >= Self.handshakeLimit {
                cutOff(client)
            } else if core.now - client.pointee.lastActive >= idle, !isListening(client) {
                end(client)
            }
        }
        endTurn()
    }

    /// Whether a client is silent because it waits.
    private func isListening(_ client: ClientPointer) -> Bool {
        guard let extras = client.pointee.extras else { return false }
        return extras.waiting != nil || !extras.channels.isEmpty || !extras.patterns.isEmpty || extras.tracking != nil
    }

    /// Closes every client; what they were told is on its way.
    func closeAll() {
        endTurn()
        for client in core.clients.values {
            client.pointee.channel?.close()
            core.disconnect(client)
        }
    }
}
