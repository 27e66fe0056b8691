public import ApusCore
import CLinux
import Glibc

// `@unchecked Sendable` is sound because a channel is used on its loop's thread only, which every entry point that
// could be reached from elsewhere checks.
/// A non-blocking socket that belongs to one loop.
///
/// A bare pointer, so that passing it about costs nothing. Use it on its loop's thread only, and do not use it after
/// ``close()``: its owner closes it exactly once.
///
/// The pattern is: try, and wait only when the try says ``IOResult/wouldBlock``.
/// Waiting is not ended by the task's cancellation, which would cost a handler on every wait; whoever may cancel
/// calls ``cancelWaiters()``, or waits through ``readableCancellably(by:)``.
public struct Channel: @unchecked Sendable, Equatable {
    /// What one attempt to read or write came to.
    public enum IOResult: Sendable, Equatable {
        /// So many bytes went through, at least 1.
        case bytes(Int)
        /// Nothing now; wait for readiness.
        case wouldBlock
        /// The peer has closed its side and everything it sent has been read.
        case end
        /// The connection is lost.
        case failed(errno: Int32)
    }

    /// Why a wait ended.
    public enum Wake: Sendable, Equatable {
        /// Try again.
        case ready
        /// The deadline came first.
        case timedOut
        /// ``cancelWaiters()`` or ``close()`` was called.
        case cancelled
    }

    /// What a state machine hears in place of waiting: its context, and epoll's events or ``timedOutEvent``.
    public typealias Callback = @convention(c) (UnsafeMutableRawPointer, UInt32) -> Void

    /// The event a callback gets when the deadline set by ``setDeadline(_:)`` has passed; no epoll event has this bit.
    public static let timedOutEvent: UInt32 = 1 << 20

    let state: UnsafeMutablePointer<ChannelState>

    /// Takes over a connected or listening descriptor, which must be non-blocking.
    ///
    /// - Throws: ``SystemError`` when the kernel will not watch it; the descriptor is closed then.
    public init(adopting descriptor: Int32, on loop: EventLoop) throws {
        do {
            state = try loop.register(descriptor)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        state.pointee.writeReady = true
    }

    init(state: UnsafeMutablePointer<ChannelState>) { self.state = state }

    /// The loop this channel belongs to.
    public var loop: EventLoop { state.pointee.loop.takeUnretainedValue() }

    /// The kernel's number for it.
    public var descriptor: Int32 { state.pointee.descriptor }

    /// True once the peer has closed its side or the connection broke; what it sent before can still be read.
    @inline(__always)
    public var isPeerClosed: Bool { state.pointee.peerClosed }

    /// True when a ``receive(into:)`` is worth trying.
    @inline(__always)
    public var isReadReady: Bool { state.pointee.readReady }

    // MARK: Reading and writing

    /// Reads what is there, up to the size of `bytes`.
    public func receive(into bytes: UnsafeMutableRawBufferPointer) -> IOResult {
        guard state.pointee.readReady else { return .wouldBlock }
        if state.pointee.isDetoured { return detouredReceive(into: bytes) }
        return plainReceive(into: bytes)
    }

    @inline(__always)
    private func plainReceive(into bytes: UnsafeMutableRawBufferPointer) -> IOResult {
        while true {
            let count = apus_recv(state.pointee.descriptor, bytes.baseAddress, bytes.count)
            if count > 0 {
                // A short read drained the socket; the next byte is a new edge. After a close there is still the end.
                if count < bytes.count && !state.pointee.peerClosed { state.pointee.readReady = false }
                return .bytes(count)
            }
            if count == 0 { return .end }
            switch apus_errno() {
            case EINTR: continue
            case EAGAIN:
                state.pointee.readReady = false
                return .wouldBlock
            case let error: return .failed(errno: error)
            }
        }
    }

    /// Writes as much of `bytes` as fits.
    ///
    /// - Parameters:
    ///   - bytes: What to write.
    ///   - more: More follows at once, so that the kernel waits to fill a packet (`MSG_MORE`).
    /// - Returns: How much of it went, or why nothing did.
    public func send(_ bytes: UnsafeRawBufferPointer, more: Bool = false) -> IOResult {
        guard state.pointee.writeReady else { return .wouldBlock }
        if bytes.isEmpty { return .bytes(0) }
        if state.pointee.isDetoured { return detouredSend(bytes) }
        return plainSend(bytes, more: more)
    }

    @inline(__always)
    private func plainSend(_ bytes: UnsafeRawBufferPointer, more: Bool) -> IOResult {
        while true {
            let descriptor = state.pointee.descriptor
            let count =
                more
                ? apus_send_more(descriptor, bytes.baseAddress, bytes.count)
                : apus_send(descriptor, bytes.baseAddress, bytes.count)
            if count >= 0 {
                if count < bytes.count { state.pointee.writeReady = false }
                return .bytes(count)
            }
            switch apus_errno() {
            case EINTR: continue
            case EAGAIN:
                state.pointee.writeReady = false
                return .wouldBlock
            case let error: return .failed(errno: error)
            }
        }
    }

    /// Tells the peer that nothing more comes, and goes on reading.
    public func shutdownWriting() {
        if let tls = state.pointee.tls { tls.pointee.end() }
        if state.pointee.isSimulated {
            loop.machine?.shutdownWriting(state.pointee.descriptor)
        } else {
            _ = shutdown(state.pointee.descriptor, Int32(SHUT_WR))
        }
    }

    // MARK: Waiting

    /// Waits until a read is worth trying.
    ///
    /// One task at a time.
    @inline(__always)
    public func readable(by deadline: Instant) async -> Wake {
        if state.pointee.readReady { return .ready }
        return await withUnsafeContinuation { continuation in
            guard state.pointee.isOpen else { return continuation.resume(returning: .cancelled) }
            precondition(state.pointee.readWaiter == nil, "one task at a time waits to read a channel")
            state.pointee.readWaiter = continuation
            state.pointee.readDeadline = deadline.nanoseconds
            state.pointee.loop._withUnsafeGuaranteedRef { $0.own.pointee.wheel.arm(state) }
        }
    }

    /// Waits until a write is worth trying.
    ///
    /// One task at a time.
    @inline(__always)
    public func writable(by deadline: Instant) async -> Wake {
        if state.pointee.writeReady { return .ready }
        return await withUnsafeContinuation { continuation in
            guard state.pointee.isOpen else { return continuation.resume(returning: .cancelled) }
            precondition(state.pointee.writeWaiter == nil, "one task at a time waits to write a channel")
            state.pointee.writeWaiter = continuation
            state.pointee.writeDeadline = deadline.nanoseconds
            state.pointee.loop._withUnsafeGuaranteedRef { $0.own.pointee.wheel.arm(state) }
        }
    }

    /// ``readable(by:)`` that also ends, with `.cancelled`, when the task is cancelled.
    public func readableCancellably(by deadline: Instant) async -> Wake {
        await cancellably { await readable(by: deadline) }
    }

    /// ``writable(by:)`` that also ends, with `.cancelled`, when the task is cancelled.
    public func writableCancellably(by deadline: Instant) async -> Wake {
        await cancellably { await writable(by: deadline) }
    }

    private func cancellably(_ wait: () async -> Wake) async -> Wake {
        let generation = state.pointee.generation
        let loop = loop
        return await withTaskCancellationHandler {
            Task.isCancelled ? .cancelled : await wait()
        } onCancel: {
            loop.execute { if state.pointee.generation == generation { cancelWaiters() } }
        }
    }

    /// Ends the waits of whoever waits, with `.cancelled`.
    public func cancelWaiters() {
        if let waiter = state.pointee.readWaiter {
            state.pointee.readWaiter = nil
            waiter.resume(returning: .cancelled)
        }
        if let waiter = state.pointee.writeWaiter {
            state.pointee.writeWaiter = nil
            waiter.resume(returning: .cancelled)
        }
    }

    /// True while a task waits in ``readable(by:)``.
    public var hasReadWaiter: Bool { state.pointee.readWaiter != nil }

    // MARK: State machines

    /// Has `callback` called with `context` on every change of readiness, in place of waiting tasks.
    ///
    /// For owners that are synchronous state machines. The owner keeps `context` alive until ``close()``.
    public func setCallback(_ callback: Callback?, context: UnsafeMutableRawPointer?) {
        state.pointee.callback = callback
        state.pointee.context = context
    }

    /// Has the callback called with ``timedOutEvent`` at `deadline`, up to 64 ms late; `distantFuture` for never.
    ///
    /// Moving the deadline later costs one store.
    @inline(__always)
    public func setDeadline(_ deadline: Instant) {
        state.pointee.readDeadline = deadline.nanoseconds
        state.pointee.loop._withUnsafeGuaranteedRef { $0.own.pointee.wheel.arm(state) }
    }

    // MARK: Ending

    /// Closes the socket; whoever waits on it gets `.cancelled`.
    public func close() {
        precondition(state.pointee.isOpen, "a channel is closed once")
        let loop = loop
        precondition(loop.isCurrent, "a channel belongs to its loop's own thread")
        loop.own.pointee.wheel.disarm(state)
        endTLS()
        if state.pointee.isSimulated {
            loop.machine?.close(state.pointee.descriptor)
            loop.simulated[state.pointee.descriptor] = nil
        } else {
            Glibc.close(state.pointee.descriptor)
        }
        state.pointee.callback = nil
        cancelWaiters()
        loop.own.pointee.channels.give(state)
    }

    /// Closes with a reset instead of an orderly end, so that a misbehaving peer holds nothing here.
    public func abort() {
        endTLS(withFarewell: false)
        if !state.pointee.isSimulated {
            var linger = linger(l_onoff: 1, l_linger: 0)
            _ = setsockopt(
                state.pointee.descriptor,
                SOL_SOCKET,
                SO_LINGER,
                &linger,
                socklen_t(MemoryLayout<linger>.size)
            )
        }
        close()
    }

    /// The user at the other end of a Unix socket, or `nil`.
    public var peerUserID: UInt32? {
        let uid = apus_peer_uid(state.pointee.descriptor)
        return uid >= 0 ? UInt32(truncatingIfNeeded: uid) : nil
    }

    /// The peer's IPv4 address in host byte order; 0 on a Unix socket.
    public var peerAddress: UInt32 { state.pointee.isSimulated ? 0 : apus_peer_address(state.pointee.descriptor) }

    /// The peer's address and port, such as `127.0.0.1:50412`; `unix` and a number on a Unix or simulated socket.
    public var peerName: String {
        let port = state.pointee.isSimulated ? -1 : apus_peer_port(state.pointee.descriptor)
        guard port >= 0 else { return "unix:\(state.pointee.descriptor)" }
        return SocketAddress.inet(address: peerAddress, port: UInt16(truncatingIfNeeded: port)).description
    }

    /// The ways that are not a plain socket's: through TLS, on a simulated machine, or both.
    @inline(never)
    private func detouredReceive(into bytes: UnsafeMutableRawBufferPointer) -> IOResult {
        if let tls = state.pointee.tls { return tls.pointee.receive(into: bytes, state) }
        return simulatedReceive(into: bytes)
    }

    @inline(never)
    private func detouredSend(_ bytes: UnsafeRawBufferPointer) -> IOResult {
        if let tls = state.pointee.tls { return tls.pointee.send(bytes, state) }
        return simulatedSend(bytes)
    }

    /// Reads from the socket itself, below TLS.
    func rawReceive(into bytes: UnsafeMutableRawBufferPointer) -> IOResult {
        state.pointee.isSimulated ? simulatedReceive(into: bytes) : plainReceive(into: bytes)
    }

    /// Writes to the socket itself, below TLS.
    func rawSend(_ bytes: UnsafeRawBufferPointer) -> IOResult {
        state.pointee.isSimulated ? simulatedSend(bytes) : plainSend(bytes, more: false)
    }

    private func simulatedReceive(into bytes: UnsafeMutableRawBufferPointer) -> IOResult {
        guard let machine = loop.machine else { return .failed(errno: EBADF) }
        let result = machine.receive(state.pointee.descriptor, into: bytes)
        if result == .wouldBlock { state.pointee.readReady = false }
        return result
    }

    private func simulatedSend(_ bytes: UnsafeRawBufferPointer) -> IOResult {
        guard let machine = loop.machine else { return .failed(errno: EBADF) }
        let result = machine.send(state.pointee.descriptor, bytes)
        if result == .wouldBlock { state.pointee.writeReady = false }
        return result
    }
}

extension Channel {
    /// A connection's progress, for state machines: connected, failed, or still on its way.
    public var connectResult: IOResult {
        if state.pointee.isSimulated { return state.pointee.writeReady ? .bytes(0) : .wouldBlock }
        var error: Int32 = 0
        guard apus_get_int_option(state.pointee.descriptor, SOL_SOCKET, SO_ERROR, &error) == 0 else {
            return .failed(errno: apus_errno())
        }
        if error != 0 { return .failed(errno: error) }
        return state.pointee.writeReady ? .bytes(0) : .wouldBlock
    }

    /// Starts to connect and returns at once; the channel becomes writable when it is there.
    ///
    /// - Throws: ``SystemError`` where the kernel refuses at once, such as `ECONNREFUSED` on a Unix socket.
    public static func startConnecting(to address: SocketAddress, on loop: EventLoop) throws -> Channel {
        if let machine = loop.machine {
            let socket = machine.connect(to: address, for: loop)
            guard socket >= 0 else { throw SystemError("connect \(address)", errno: -socket) }
            let channel = Channel(state: try loop.register(socket))
            loop.simulated[socket] = channel.state
            return channel
        }
        let isUnix = if case .unix = address { true } else { false }
        let descriptor = apus_socket(isUnix ? AF_UNIX : AF_INET, Int32(SOCK_STREAM.rawValue))
        guard descriptor >= 0 else { throw SystemError("socket") }
        if !isUnix { _ = apus_set_int_option(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
        let result =
            switch address {
            case .inet(let address, let port): apus_connect_inet(descriptor, address, port)
            case .unix(let path): apus_connect_unix(descriptor, path)
            }
        if result != 0, apus_errno() != EINPROGRESS {
            let error = SystemError("connect \(address)")
            Glibc.close(descriptor)
            throw error
        }
        let channel = try Channel(adopting: descriptor, on: loop)
        channel.state.pointee.writeReady = result == 0
        return channel
    }

    /// Connects.
    ///
    /// Only on the loop's own thread.
    ///
    /// - Throws: ``SystemError`` with the kernel's reason, or `ETIMEDOUT` at `deadline`; `CancellationError`.
    public static func connect(to address: SocketAddress, on loop: EventLoop, by deadline: Instant) async throws
        -> Channel
    {
        let channel = try startConnecting(to: address, on: loop)
        let wake = await channel.writableCancellably(by: deadline)
        switch (wake, channel.connectResult) {
        case (.cancelled, _):
            channel.close()
            throw CancellationError()
        case (_, .failed(let error)):
            channel.close()
            throw SystemError("connect \(address)", errno: error)
        case (.timedOut, _):
            channel.close()
            throw SystemError("connect \(address)", errno: ETIMEDOUT)
        case (.ready, _):
            return channel
        }
    }
}
