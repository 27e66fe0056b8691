import ApusCore
import ApusRuntime
import Glibc

/// The sockets of a simulated machine.
struct SocketTable {
    private struct Socket {
        let loop: EventLoop
        /// The other end; `nil` for a listener and once the other end is gone.
        var peer: Int32?
        var inbox: [UInt8] = []
        /// Bytes of the inbox that were read.
        var consumed = 0
        /// Bytes on their way here, which take room too.
        var inFlight = 0
        /// Before this nothing more may arrive: data does not overtake.
        var lastArrival = Instant(nanoseconds: 0)
        var hasEnded = false
        var isBroken = false
        /// This side has said that it sends no more.
        var hasShutDown = false
        /// The other end waits for room here.
        var isAwaited = false
        /// Connections that a listener has not accepted.
        var waiting: [Int32] = []

        var unread: Int { inbox.count - consumed }
    }

    private var sockets: [Int32: Socket] = [:]
    private var listeners: [SocketAddress: [Int32]] = [:]
    private var addresses: [Int32: SocketAddress] = [:]
    private var number: Int32 = 100
    private var portTurn = 0

    /// How many sockets are open.
    var openCount: Int { sockets.count }

    private mutating func add(_ loop: EventLoop) -> Int32 {
        number += 1
        sockets[number] = Socket(loop: loop)
        return number
    }

    mutating func listen(at address: SocketAddress, for loop: EventLoop) -> Int32 {
        // Loops may share a port, as with SO_REUSEPORT; one loop listens once.
        for other in listeners[address] ?? [] where sockets[other]?.loop === loop { return -EADDRINUSE }
        let socket = add(loop)
        listeners[address, default: []].append(socket)
        addresses[socket] = address
        return socket
    }

    mutating func connect(to address: SocketAddress, for loop: EventLoop, on machine: SimulatedMachine) -> Int32 {
        guard let those = listeners[address], !those.isEmpty else { return -ECONNREFUSED }
        let listener = those[portTurn % those.count]
        portTurn += 1
        guard let other = sockets[listener]?.loop else { return -ECONNREFUSED }
        let client = add(loop)
        let server = add(other)
        sockets[client]?.peer = server
        sockets[server]?.peer = client
        let there = machine.clock.now() + machine.delay()
        let back = there + machine.delay()
        machine.note(10, client, 0)
        machine.schedule(NetworkEvent(kind: .arrival, socket: listener, bytes: Self.encode(server)), at: there)
        machine.schedule(NetworkEvent(kind: .connected, socket: client), at: back)
        sockets[server]?.lastArrival = there
        sockets[client]?.lastArrival = back
        return client
    }

    mutating func accept(_ listener: Int32, on machine: SimulatedMachine) -> Int32? {
        guard var state = sockets[listener], !state.waiting.isEmpty else { return nil }
        let socket = state.waiting.removeFirst()
        sockets[listener] = state
        machine.note(11, socket, 0)
        // What has arrived before the loop had the socket is reported once it has.
        machine.schedule(NetworkEvent(kind: .report, socket: socket), at: machine.clock.now())
        return socket
    }

    mutating func receive(
        _ number: Int32,
        into bytes: UnsafeMutableRawBufferPointer,
        on machine: SimulatedMachine
    ) -> Channel.IOResult {
        guard var socket = sockets[number] else { return .failed(errno: EBADF) }
        if socket.isBroken { return .failed(errno: ECONNRESET) }
        var count = min(socket.unread, bytes.count)
        if count == 0 { return socket.hasEnded ? .end : .wouldBlock }
        if machine.chance(machine.network.shortReadsPerThousand) { count = machine.pick(count) }
        bytes.copyBytes(from: socket.inbox[socket.consumed..<socket.consumed + count])
        socket.consumed += count
        if socket.consumed == socket.inbox.count {
            socket.inbox.removeAll(keepingCapacity: true)
            socket.consumed = 0
        }
        machine.note(12, number, count)
        if socket.isAwaited, let peer = socket.peer {
            socket.isAwaited = false
            machine.schedule(NetworkEvent(kind: .room, socket: peer), at: machine.clock.now() + machine.delay())
        }
        sockets[number] = socket
        return .bytes(count)
    }

    mutating func send(
        _ number: Int32,
        _ bytes: UnsafeRawBufferPointer,
        on machine: SimulatedMachine
    ) -> Channel.IOResult {
        guard let socket = sockets[number] else { return .failed(errno: EBADF) }
        if socket.isBroken { return .failed(errno: ECONNRESET) }
        guard !socket.hasShutDown, let peerNumber = socket.peer, var peer = sockets[peerNumber] else {
            return .failed(errno: EPIPE)
        }
        if machine.chance(machine.network.resetsPerThousand) {
            breakConnection(number, on: machine)
            return .failed(errno: ECONNRESET)
        }
        let count = min(bytes.count, machine.network.bufferBytes - peer.unread - peer.inFlight)
        guard count > 0 else {
            sockets[peerNumber]?.isAwaited = true
            return .wouldBlock
        }
        machine.note(13, number, count)
        machine.note(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        var offset = 0
        while offset < count {
            var end = count
            if machine.chance(machine.network.splitsPerThousand) { end = offset + machine.pick(count - offset) }
            let arrival = max(peer.lastArrival, machine.clock.now() + machine.delay())
            peer.lastArrival = arrival
            peer.inFlight += end - offset
            let event = NetworkEvent(kind: .data, socket: peerNumber, bytes: Array(bytes[offset..<end]))
            machine.schedule(event, at: arrival)
            offset = end
        }
        if count < bytes.count { peer.isAwaited = true }
        sockets[peerNumber] = peer
        return .bytes(count)
    }

    mutating func shutdownWriting(_ number: Int32, on machine: SimulatedMachine) {
        guard let socket = sockets[number], !socket.hasShutDown, !socket.isBroken else { return }
        sockets[number]?.hasShutDown = true
        machine.note(15, number, 0)
        end(number, with: .end, on: machine)
    }

    /// Has the other side of `number` learn of an end, after all that is on its way to it.
    private mutating func end(_ number: Int32, with kind: NetworkEvent.Kind, on machine: SimulatedMachine) {
        guard let peer = sockets[number]?.peer, let last = sockets[peer]?.lastArrival else { return }
        let arrival = max(last, machine.clock.now() + machine.delay())
        sockets[peer]?.lastArrival = arrival
        machine.schedule(NetworkEvent(kind: kind, socket: peer), at: arrival)
    }

    mutating func close(_ number: Int32, on machine: SimulatedMachine) {
        guard let socket = sockets[number] else { return }
        machine.note(14, number, 0)
        // As with TCP: closing with unread input breaks the connection for the other side.
        if socket.unread + socket.inFlight > 0 {
            end(number, with: .reset, on: machine)
        } else if !socket.hasShutDown {
            end(number, with: .end, on: machine)
        }
        if let peer = socket.peer { sockets[peer]?.peer = nil }
        sockets[number] = nil
        if let address = addresses.removeValue(forKey: number) {
            listeners[address]?.removeAll { $0 == number }
            if listeners[address]?.isEmpty ?? true { listeners[address] = nil }
            for waiting in socket.waiting { close(waiting, on: machine) }
        }
    }

    private mutating func breakConnection(_ number: Int32, on machine: SimulatedMachine) {
        guard let peer = sockets[number]?.peer else { return }
        sockets[number]?.isBroken = true
        sockets[number]?.peer = nil
        sockets[peer]?.peer = nil
        machine.schedule(NetworkEvent(kind: .report, socket: number), at: machine.clock.now())
        machine.schedule(NetworkEvent(kind: .reset, socket: peer), at: machine.clock.now() + machine.delay())
    }

    /// What a loop is to be told of a socket.
    struct Report {
        let loop: EventLoop
        let readable: Bool
        let writable: Bool
        let closed: Bool
    }

    /// Has an event take effect.
    ///
    /// - Returns: What the socket's loop is to be told, once this has returned, since it may use the sockets at once.
    mutating func happen(_ event: NetworkEvent, on machine: SimulatedMachine) -> Report? {
        guard var socket = sockets[event.socket] else {
            // A listener that closed while a connection was on its way: the connection is refused.
            if event.kind == .arrival { close(Self.decode(event.bytes), on: machine) }
            return nil
        }
        switch event.kind {
        case .arrival: socket.waiting.append(Self.decode(event.bytes))
        case .data:
            socket.inFlight -= event.bytes.count
            socket.inbox += event.bytes
        case .end: socket.hasEnded = true
        case .reset: socket.isBroken = true
        case .connected, .room, .report: break
        }
        sockets[event.socket] = socket
        let isClosed = socket.hasEnded || socket.isBroken
        return Report(
            loop: socket.loop,
            readable: !socket.waiting.isEmpty || socket.unread > 0 || isClosed,
            writable: event.kind == .connected || event.kind == .room || isClosed,
            closed: isClosed
        )
    }

    private static func encode(_ number: Int32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    private static func decode(_ bytes: [UInt8]) -> Int32 {
        bytes.reversed().reduce(0) { $0 << 8 | Int32($1) }
    }
}
