import ApusCore
import Glibc

/// The embedded server without its sockets: commands in, replies out.
///
/// One loop calls it, so a command runs alone, as in Redis. The owner moves its time, gives it the bytes that clients send,
/// and sends what it leaves in ``out`` to the client it was called for, and in the output of those in ``dirty``.
final class CacheCore {
    let configuration: CacheServerConfiguration
    // In raw memory, which Swift does not check for exclusive access on every use.
    let keys: UnsafeMutablePointer<Keyspace>
    /// Replies to the client that is served now.
    let out: UnsafeMutablePointer<RESPBuffer>
    let stats: UnsafeMutablePointer<ServerStatistics>
    let commands: UnsafeMutablePointer<CommandTable>
    // Commands that are found and have not run, and the hashes of their first arguments.
    private let batch = UnsafeMutablePointer<Kept>.allocate(capacity: CacheCore.batchMax)
    private let hashes = UnsafeMutablePointer<UInt32>.allocate(capacity: CacheCore.batchMax)

    /// Clients by their number.
    var clients: [UInt64: ClientPointer] = [:]
    private var nextID: UInt64 = 1
    /// The client that is served now.
    var current: ClientPointer?
    /// Others with something to be sent, or to be closed.
    var dirty: [ClientPointer] = []
    /// What to add to the keyspace's time to have Unix milliseconds.
    private(set) var wallOffset: Int64 = 0
    let clock: any Clock
    let startedAt: Int64
    /// Where it listens, for those who ask.
    var port = 0
    var memcachedPort = 0
    /// When all keys go, as a client wanted them to later; milliseconds.
    var flushesAt = KeyEntry.never
    let processID = Int(getpid())

    var channels: [[UInt8]: Set<ClientPointer>] = [:]
    var patterns: [[UInt8]: Set<ClientPointer>] = [:]
    /// Who watches a key.
    var watchers: [[UInt8]: Set<ClientPointer>] = [:]
    var tracking = TrackingTable()
    /// Invalidations for the client that is served now, to be sent behind its reply.
    var ownInvalidations: [[UInt8]] = []
    /// Who waits for an element of a key, those who came first in front.
    var waiting: [[UInt8]: [ClientPointer]] = [:]
    /// Keys that got elements while somebody waited for them.
    var filled: [[UInt8]] = []
    /// A transaction is running, in which nobody is served but its client.
    var isInTransaction = false

    init(_ configuration: CacheServerConfiguration, clock: any Clock = SystemClock(), seed: UInt64? = nil) {
        self.configuration = configuration
        self.clock = clock
        keys = .allocate(capacity: 1)
        keys.initialize(to: Keyspace(bytesMax: configuration.memoryBytesMax, seed: seed ?? SecureRandom.number()))
        out = .allocate(capacity: 1)
        out.initialize(to: RESPBuffer(capacity: 64 << 10, bytesMax: configuration.outputBytesMax))
        stats = .allocate(capacity: 1)
        stats.initialize(to: ServerStatistics())
        commands = .allocate(capacity: 1)
        commands.initialize(to: CommandTable())
        startedAt = clock.now().nanoseconds / 1_000_000
        setTime(clock.now())
        setWall()
        keys.pointee.onGone = { [unowned self] key in self.changed(key, by: nil) }
    }

    deinit {
        for client in clients.values {
            client.deinitialize(count: 1)
            client.deallocate()
        }
        keys.deinitialize(count: 1)
        keys.deallocate()
        out.deinitialize(count: 1)
        out.deallocate()
        stats.deallocate()
        commands.deinitialize(count: 1)
        commands.deallocate()
        batch.deallocate()
        hashes.deallocate()
    }

    // MARK: Time

    /// Moves the time that lives are counted in.
    @inline(__always)
    func setTime(_ now: Instant) { keys.pointee.now = now.nanoseconds / 1_000_000 }

    /// Milliseconds of the time that lives are counted in.
    @inline(__always)
    var now: Int64 { keys.pointee.now }

    /// Looks at the wall clock again: it may have been set, and then what expires at a time of day is meant by the new one.
    func setWall() {
        let offset = clock.wallNanoseconds() / 1_000_000 - clock.now().nanoseconds / 1_000_000
        // Reading two clocks is not exact: a time that is asked for again should be the one that was set.
        if abs(offset - wallOffset) > 10 { wallOffset = offset }
    }

    // MARK: Clients

    /// A client that has come.
    func connect(from address: String, protocol spoken: CacheProtocol = .resp) -> ClientPointer {
        let client = ClientPointer.allocate(capacity: 1)
        client.initialize(
            to: ServerClient(
                id: nextID,
                address: address,
                configuration: configuration,
                protocol: spoken,
                now: now
            )
        )
        if configuration.password != nil {
            client.pointee.gate.insert(.unknown)
            client.pointee.parser.isUnauthenticated = true
            client.pointee.memcached?.parser.isUnauthenticated = true
        }
        clients[nextID] = client
        nextID += 1
        stats.pointee.connections += 1
        return client
    }

    /// A client has gone; its memory is given back.
    func disconnect(_ client: ClientPointer) {
        reset(client)
        if client.pointee.isDirty { dirty.removeAll { $0 == client } }
        clients[client.pointee.id] = nil
        client.deinitialize(count: 1)
        client.deallocate()
    }

    /// Takes back everything a client wanted but its protocol and its name.
    func forget(_ client: ClientPointer) {
        guard let extras = client.pointee.extras else { return }
        unsubscribeAll(client)
        unwatch(client)
        discardQueue(client)
        stopTracking(client)
        stopWaiting(client)
        extras.name = []
    }

    /// Makes a client as it was when it came.
    func reset(_ client: ClientPointer) {
        forget(client)
        client.pointee.version = .two
        client.pointee.gate = configuration.password == nil ? [] : .unknown
        client.pointee.parser.isUnauthenticated = configuration.password != nil
    }

    /// Has a client's output sent, or the client closed, once the one that is served now has been.
    func mark(_ client: ClientPointer) {
        guard !client.pointee.isDirty else { return }
        client.pointee.isDirty = true
        dirty.append(client)
    }

    /// Writes to a client: to the replies if it is the one that is served, else to its output.
    func write(to client: ClientPointer, _ body: (inout RESPBuffer) -> Void) {
        if client == current { return body(&out.pointee) }
        guard !client.pointee.isClosing else { return }
        body(&client.pointee.output)
        mark(client)
        if client.pointee.output.isOver {
            stats.pointee.cutOff += 1
            client.pointee.isClosing = true
            client.pointee.isAborted = true
        }
    }

    // MARK: Serving

    /// How many bytes of replies make the owner send them before the next command runs.
    static let repliesPerSend = 256 << 10

    /// Serves the commands in what a client has sent, until one is incomplete or there is enough to send.
    ///
    /// Commands that came together are found first and run then, so that the memory of their keys is fetched meanwhile.
    /// Inline commands are decoded in place.
    ///
    /// - Returns: How many bytes are done with.
    func serve(_ client: ClientPointer, _ base: UnsafeMutableRawPointer, _ count: Int) -> Int {
        if let session = client.pointee.memcached { return serve(client, session, base, count) }
        var offset = 0
        current = client
        defer { current = nil }
        while offset < count, out.pointee.count < Self.repliesPerSend {
            let start = offset
            let found = find(client, base, count, &offset)
            if found.commands > 1 { fetch(client, base, found.commands) }
            for index in 0..<found.commands {
                let kept = batch[index]
                execute(
                    Call(
                        client: client,
                        base: base + kept.offset,
                        arguments: client.pointee.parser.arguments + kept.firstArgument,
                        count: kept.argumentCount
                    )
                )
                if client.pointee.isClosing || client.pointee.gate.contains(.waiting)
                    || out.pointee.count >= Self.repliesPerSend, index + 1 < found.commands || client.pointee.isClosing
                {
                    // The commands behind it are found again when it is their turn.
                    client.pointee.parser.reset()
                    return kept.offset + kept.bytes
                }
            }
            client.pointee.parser.forgetKept()
            keys.pointee.drainReads()
            if let error = found.error { return refuse(error, client, count) }
            if offset == start { return offset }
        }
        return offset
    }

    /// A command that was found and has not run.
    struct Kept {
        /// Where it begins, and how many bytes it has.
        var offset = 0
        var bytes = 0
        var firstArgument = 0
        var argumentCount = 0
    }

    /// Most commands that are found before the first of them runs.
    static let batchMax = 32

    /// Finds whole commands from `offset` on, and moves it behind them.
    @inline(__always)
    private func find(
        _ client: ClientPointer,
        _ base: UnsafeMutableRawPointer,
        _ count: Int,
        _ offset: inout Int
    ) -> (commands: Int, error: RESPError?) {
        var commands = 0
        // What an unknown client may say depends on what it has said.
        let most = client.pointee.gate.isEmpty ? Self.batchMax : 1
        while offset < count, commands < most {
            switch client.pointee.parser.parse(base + offset, count &- offset) {
            case .command(let bytes):
                batch[commands] = Kept(
                    offset: offset,
                    bytes: bytes,
                    firstArgument: client.pointee.parser.firstArgument,
                    argumentCount: client.pointee.parser.argumentCount
                )
                client.pointee.parser.keep()
                commands &+= 1
                offset &+= bytes
                // Few commands have many arguments.
                if client.pointee.parser.firstArgument > 256 { return (commands, nil) }
            case .nothing(let bytes): offset &+= bytes
            case .incomplete: return (commands, nil)
            case .malformed(let error): return (commands, error)
            }
        }
        return (commands, nil)
    }

    /// Has the memory fetched that the next commands will look at: first the chains of their keys, then the entries there.
    private func fetch(_ client: ClientPointer, _ base: UnsafeMutableRawPointer, _ commands: Int) {
        let arguments = client.pointee.parser.arguments
        for index in 0..<commands where batch[index].argumentCount > 1 {
            let range = arguments[batch[index].firstArgument + 1]
            let key = base + batch[index].offset + Int(range.start)
            hashes[index] = keys.pointee.hashing.hash(key, Int(range.count))
            keys.pointee.table.fetchChain(hashes[index])
        }
        for index in 0..<commands where batch[index].argumentCount > 1 { keys.pointee.table.fetchBlock(hashes[index]) }
    }

    private func refuse(_ error: RESPError, _ client: ClientPointer, _ count: Int) -> Int {
        stats.pointee.protocolErrors += 1
        out.pointee.error("ERR Protocol error: \(error)")
        client.pointee.isClosing = true
        return count
    }

    /// Runs one command, or says why not.
    @inline(__always)
    private func execute(_ call: Call) {
        stats.pointee.commands &+= 1
        guard let command = commands.pointee.find(call[0]), command.pointee.accepts(call.count) else {
            return refuseUnknown(call)
        }
        if call.client.pointee.gate.rawValue != 0 { return executeGated(call, command) }
        run(call, command)
    }

    /// Runs a command that nothing stands before.
    @inline(__always)
    func run(_ call: Call, _ command: UnsafeMutablePointer<Command>) {
        command.pointee.calls &+= 1
        call.client.pointee.lastCommand = command.pointee.index
        if command.pointee.flags.contains(.needsMemory), call.bytes > keys.pointee.bytesMax / 2 {
            return out.pointee.append(Refusal.outOfMemory)
        }
        perform(command.pointee.code, call)
        if keys.pointee.bytes > keys.pointee.bytesMax { keys.pointee.makeRoom() }
        if stats.pointee.hasAftermath { afterCommand() }
    }

    @inline(never)
    func afterCommand() {
        // What a transaction did is seen when it has ended.
        if isInTransaction { return }
        stats.pointee.hasAftermath = false
        serveWaiting()
        sendOwnInvalidations()
    }

    @inline(never)
    private func refuseUnknown(_ call: Call) {
        if call.client.pointee.gate.contains(.inTransaction) { call.client.needExtras.isQueueBroken = true }
        stats.pointee.refused += 1
        let name = call[0]
        if let command = commands.pointee.find(name) {
            let known = commands.pointee.descriptions[Int(command.pointee.index)].name
            return out.pointee.error("ERR wrong number of arguments for '\(known)' command")
        }
        let shown = Call.shown(name)
        if let reason = commands.pointee.refusal(shown) {
            return out.pointee.error("ERR '\(shown.lowercased())' is refused: \(reason)")
        }
        var text = "ERR unknown command '\(shown)', with args beginning with: "
        for index in 1..<max(1, min(call.count, 4)) { text += "'\(Call.shown(call[index]))' " }
        out.pointee.error(text)
    }

    /// Runs a command of a client that something is special about.
    @inline(never)
    private func executeGated(_ call: Call, _ command: UnsafeMutablePointer<Command>) {
        let gate = call.client.pointee.gate
        let flags = command.pointee.flags
        let position = out.pointee.count
        if gate.contains(.unknown), !flags.contains(.forUnknown) {
            out.pointee.append("-NOAUTH Authentication required.\r\n" as StaticString)
        } else if gate.contains(.subscribed), !flags.contains(.forSubscribers) {
            let name = commands.pointee.descriptions[Int(command.pointee.index)].name
            out.pointee.error(
                "ERR Can't execute '\(name)': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
            )
        } else if gate.contains(.inTransaction), !flags.contains(.isNeverQueued) {
            queue(call, command)
        } else {
            run(call, command)
            if gate.contains(.tracking) { remember(call, command) }
        }
        let isSilent = gate.contains(.replyOff) || gate.contains(.replySkip)
        if isSilent, command.pointee.code != .client {
            out.pointee.truncate(to: position)
            call.client.pointee.gate.remove(.replySkip)
        }
    }
}

extension CacheCore {
    /// What is done now and then: keys whose time is up, memory that was given up, waits that have ended.
    func lookAfter() {
        endWaits()
        if flushesAt <= now { removeAllKeys() }
        // A round that finds many expired keys is followed by another: some milliseconds at the most.
        for _ in 0..<20 {
            let (expired, seen) = keys.pointee.sweep(1000)
            if expired * 10 < seen || seen == 0 { break }
        }
        for _ in 0..<20 where !keys.pointee.release(5000) {}
    }
}

/// What the server counts.
//
// Trivial, as it lies in raw memory.
struct ServerStatistics {
    var connections = 0
    var rejected = 0
    var commands = 0
    var refused = 0
    var protocolErrors = 0
    /// Clients that were cut off because they did not take their output.
    var cutOff = 0
    var bytesIn = 0
    var bytesOut = 0
    /// Clients that wait for an element.
    var waiting = 0
    var memcached = MemcachedStatistics()
    /// Somebody who waits may have got what he waits for, or the client must be told what it remembered.
    var hasAftermath = false
}
