import ApusCore
import ApusRuntime

/// One connection of a loop to one server: commands go out together at the end of a turn, answers come in their order.
///
/// It connects when it is first needed. Where it is lost, or the oldest answer does not come in time, everything that waits
/// fails, and nobody tries again for a while, which grows with each failure.
//
// `@unchecked Sendable` is sound because its loop's thread alone touches it. While its channel is open, the channel holds it.
final class MemcachedLink: @unchecked Sendable {
    private enum Progress { case apart, resolving, connecting, securing, ready }

    /// Who waits for an answer, or for several of which this is one.
    struct Waiter {
        var continuation: UnsafeContinuation<MetaAnswer, any Error>?
        var batch: MemcachedBatch?
        var index = 0
        var deadline: Int64
    }

    let server: MemcachedServer
    let loop: EventLoop
    private let configuration: MemcachedClientConfiguration
    private let security: TLSContext?
    private let resolver: BlockingPool
    private let parser: MetaResponseParser
    private var channel: Channel?
    private var progress = Progress.apart
    private var pause: ReconnectPause<MemcachedError>
    // In raw memory, which Swift does not check for exclusive access on every use.
    private let output = UnsafeMutablePointer<RESPBuffer>.allocate(capacity: 1)
    private let input = UnsafeMutablePointer<RESPBuffer>.allocate(capacity: 1)
    // Those who wait, from `head` on.
    private let waiters = UnsafeMutablePointer<[Waiter]>.allocate(capacity: 1)
    private var head = 0
    private var lookUps = 0
    private var isFlushAsked = false
    private var isClosed = false
    /// The answer to the login is awaited.
    private var isLoggingIn = false

    init(_ server: MemcachedServer, _ loop: EventLoop, _ maker: MemcachedPoolMaker) {
        let configuration = maker.configuration
        self.server = server
        self.loop = loop
        self.configuration = configuration
        security = maker.security
        resolver = maker.resolver
        parser = MetaResponseParser(valueBytesMax: configuration.valueBytesMax)
        pause = ReconnectPause(first: configuration.pauseFirst, longest: configuration.pauseLongest)
        output.initialize(to: RESPBuffer(bytesMax: configuration.unsentBytesMax))
        input.initialize(to: RESPBuffer(bytesMax: configuration.valueBytesMax + (64 << 10)))
        waiters.initialize(to: [])
    }

    deinit {
        output.deinitialize(count: 1)
        output.deallocate()
        input.deinitialize(count: 1)
        input.deallocate()
        waiters.deinitialize(count: 1)
        waiters.deallocate()
    }

    // MARK: Asking

    /// Whether it is worth asking: it is connected, or may be.
    var isUp: Bool { progress != .apart || pause.error(at: loop.now) == nil }

    /// Sends a command and has `waiter` told of the answer; or says why not.
    func send(_ request: MetaRequest, _ key: [UInt8], _ value: [UInt8], _ waiter: Waiter) -> MemcachedError? {
        if isClosed { return MemcachedError(.closed, "the client is closed") }
        guard waiters.pointee.count - head < configuration.outstandingMax else {
            return MemcachedError(.overloaded, "\(configuration.outstandingMax) answers of \(server) are awaited")
        }
        if progress == .apart, let error = connect() { return error }
        let before = output.pointee.count
        request.write(key, value, to: &output.pointee)
        if output.pointee.isOver {
            output.pointee.forgetOverflow(from: before)
            return MemcachedError(
                .overloaded,
                "\(server) has not taken \(before) B, at most \(output.pointee.bytesMax) B"
            )
        }
        waiters.pointee.append(waiter)
        if waiters.pointee.count - head == 1, progress == .ready { armDeadline() }
        if !isFlushAsked, progress == .ready {
            isFlushAsked = true
            loop.atTurnEnd { [self] in
                isFlushAsked = false
                flush()
            }
        }
        return nil
    }

    // MARK: Connecting

    private func connect() -> MemcachedError? {
        let now = loop.now
        if let error = pause.error(at: now) {
            return MemcachedError(.unreachable, "\(server) was lost, and is left alone for now", cause: error)
        }
        guard let address = server.target else {
            lookUp()
            return nil
        }
        return connect(to: address, at: now)
    }

    private func connect(to address: SocketAddress, at now: Instant) -> MemcachedError? {
        do {
            let channel = try Channel.startConnecting(to: address, on: loop)
            self.channel = channel
            progress = .connecting
            let context = Unmanaged.passRetained(self).toOpaque()
            channel.setCallback(Self.event, context: context)
            channel.setDeadline(now + configuration.connectLimit)
            return nil
        } catch {
            let error = MemcachedError(.unreachable, "\(server) cannot be reached: \(error)", cause: error)
            pause.failed(error, at: now, chance: loop.random())
            return error
        }
    }

    /// Asks for the address behind the server's name, as each time that it is connected to.
    private func lookUp() {
        progress = .resolving
        lookUps += 1
        let number = lookUps
        let (host, port, resolver) = (server.host, server.port, resolver)
        Task(executorPreference: loop) { [self] in
            let found = try? await resolver.run { try HostNames.addresses(of: host, port: port) }
            guard progress == .resolving, number == lookUps else { return }
            guard let address = found?.first else {
                return giveUp(MemcachedError(.unreachable, "the name \(host) has no address"))
            }
            if let error = connect(to: address, at: loop.now) { end(nil, error) }
        }
        _ = loop.schedule(at: loop.now + configuration.connectLimit) { [weak self] in
            guard let self, progress == .resolving, number == lookUps else { return }
            giveUp(MemcachedError(.unreachable, "the name \(host) was not found in \(configuration.connectLimit)"))
        }
    }

    /// The server's name was looked up in vain.
    private func giveUp(_ error: MemcachedError) {
        pause.failed(error, at: loop.now, chance: loop.random())
        end(nil, error)
    }

    private static let event: Channel.Callback = { context, events in
        let link = Unmanaged<MemcachedLink>.fromOpaque(context).takeUnretainedValue()
        link.happened(events)
    }

    private func happened(_ events: UInt32) {
        guard let channel else { return }
        if events & Channel.timedOutEvent != 0 { return timeIsUp() }
        if progress == .connecting {
            switch channel.connectResult {
            case .wouldBlock: return
            case .failed(let error):
                return lose(
                    MemcachedError(.unreachable, "\(server) cannot be reached: \(SystemError("connect", errno: error))")
                )
            case .bytes, .end: if !secure(channel) { return }
            }
        }
        if progress == .securing, !shake(channel) { return }
        guard progress == .ready else { return }
        receive(channel)
        if output.pointee.count > 0 { flush() }
    }

    private func secure(_ channel: Channel) -> Bool {
        guard let security else {
            begin()
            return true
        }
        do {
            try channel.secure(with: security, name: server.host)
            progress = .securing
            return true
        } catch {
            lose(MemcachedError(.unreachable, "\(server): \(error)", cause: error))
            return false
        }
    }

    private func shake(_ channel: Channel) -> Bool {
        switch channel.handshakeStep() {
        case .done:
            begin()
            return true
        case .wantsRead, .wantsWrite: return false
        case .failed(let error):
            lose(MemcachedError(.unreachable, "\(server): \(error)", cause: error))
            return false
        }
    }

    /// Says who we are, where that is asked for, and then what has been waiting.
    private func begin() {
        progress = .ready
        if let login = configuration.login {
            isLoggingIn = true
            var greeting = RESPBuffer(bytesMax: 4096)
            let text = login.reveal()
            greeting.append("set login 0 0 \(text.utf8.count)\r\n\(text)\r\n")
            output.pointee.insert(greeting, at: 0)
        }
        armDeadline()
        flush()
    }

    // MARK: Sending and receiving

    private func flush() {
        guard let channel, progress == .ready else { return }
        while output.pointee.count > 0 {
            switch channel.send(output.pointee.bytes) {
            case .bytes(let sent): output.pointee.removeFirst(sent)
            case .wouldBlock: return
            case .end, .failed:
                return lose(MemcachedError(.connectionLost, "\(server) has closed the connection", wasSent: true))
            }
        }
        output.pointee.removeAll()
    }

    private func receive(_ channel: Channel) {
        while channel.isReadReady {
            guard input.pointee.reserve(16 << 10) else {
                return lose(MemcachedError(.malformedAnswer, "\(server) sends an endless answer", wasSent: true))
            }
            switch channel.receive(into: input.pointee.room) {
            case .bytes(let count):
                input.pointee.advance(count)
                if !deliver() { return }
            case .wouldBlock: return
            case .end, .failed:
                return lose(MemcachedError(.connectionLost, "\(server) has closed the connection", wasSent: true))
            }
        }
    }

    /// Tells those who wait what has come whole; false where the connection was lost over it.
    private func deliver() -> Bool {
        var position = 0
        do throws(MetaResponseParser.Malformed) {
            while position < input.pointee.count {
                guard case .response(let response, let bytes) = try parser.next(in: input.pointee.bytes, from: position)
                else {
                    break
                }
                guard take(response) else { return false }
                position += bytes
            }
        } catch {
            lose(MemcachedError(.malformedAnswer, "\(server) sends what is no answer: \(error.what)", wasSent: true))
            return false
        }
        if position == input.pointee.count { input.pointee.removeAll() } else { input.pointee.removeFirst(position) }
        return true
    }

    private func take(_ response: MetaResponse) -> Bool {
        if isLoggingIn {
            isLoggingIn = false
            if response.code == .done { return true }
            lose(MemcachedError(.refused, "\(server) does not let us in: the user or the password is wrong"))
            return false
        }
        guard head < waiters.pointee.count else {
            lose(MemcachedError(.malformedAnswer, "\(server) sends more than it was asked"))
            return false
        }
        let waiter = waiters.pointee[head]
        waiters.pointee[head].batch = nil
        head += 1
        if head == waiters.pointee.count {
            waiters.pointee.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 1024, head * 2 > waiters.pointee.count {
            waiters.pointee.removeFirst(head)
            head = 0
        }
        pause.succeeded()
        armDeadline()
        answer(waiter, response)
        return true
    }

    private func answer(_ waiter: Waiter, _ response: MetaResponse) {
        var value: [UInt8] = []
        if case .value(let range) = response.code {
            value = Array(UnsafeRawBufferPointer(rebasing: input.pointee.bytes[range]))
        }
        let answer = MetaAnswer(response: response, value: value)
        if let batch = waiter.batch { batch.took(answer, at: waiter.index) }
        waiter.continuation?.resume(returning: answer)
    }

    // MARK: Ends

    private func armDeadline() {
        guard let channel, progress == .ready else { return }
        channel.setDeadline(
            head < waiters.pointee.count ? Instant(nanoseconds: waiters.pointee[head].deadline) : .distantFuture
        )
    }

    private func timeIsUp() {
        guard progress == .ready else {
            return lose(MemcachedError(.unreachable, "\(server) did not answer in \(configuration.connectLimit)"))
        }
        guard head < waiters.pointee.count, waiters.pointee[head].deadline <= loop.now.nanoseconds else {
            return armDeadline()
        }
        // The answers behind it would be taken for those of others.
        lose(MemcachedError(.timedOut, "\(server) did not answer in \(configuration.commandLimit)", wasSent: true))
    }

    /// Gives the connection up; everything that waits fails.
    private func lose(_ error: MemcachedError) {
        guard let channel else { return }
        pause.failed(error, at: loop.now, chance: loop.random())
        end(channel, error)
    }

    private func end(_ channel: Channel?, _ error: MemcachedError) {
        channel?.close()
        self.channel = nil
        progress = .apart
        isLoggingIn = false
        output.pointee.removeAll()
        input.pointee.removeAll()
        let failed = waiters.pointee[head...]
        waiters.pointee = []
        head = 0
        for waiter in failed {
            waiter.batch?.failed(error, at: waiter.index)
            waiter.continuation?.resume(throwing: error)
        }
        // An open channel holds this.
        if channel != nil { Unmanaged.passUnretained(self).release() }
    }

    /// Closes the connection for good.
    func close() {
        isClosed = true
        guard channel != nil || progress == .resolving else { return }
        end(channel, MemcachedError(.closed, "the client was closed", wasSent: true))
    }
}

/// Several commands that one caller waits for.
//
// `@unchecked Sendable` is sound because the loop of its links alone touches it, until its caller is told, once.
final class MemcachedBatch: @unchecked Sendable {
    // In raw memory, which Swift does not check for exclusive access on every use.
    private let taken = UnsafeMutablePointer<[MetaAnswer?]>.allocate(capacity: 1)
    /// The answers; `nil` for commands that failed.
    var answers: [MetaAnswer?] { taken.pointee }
    /// The first error.
    private(set) var error: MemcachedError?
    private var left: Int
    private var continuation: UnsafeContinuation<Void, Never>?

    init(count: Int) {
        taken.initialize(to: [MetaAnswer?](repeating: nil, count: count))
        left = count
    }

    deinit {
        taken.deinitialize(count: 1)
        taken.deallocate()
    }

    func wait(_ continuation: UnsafeContinuation<Void, Never>) {
        if left == 0 { continuation.resume() } else { self.continuation = continuation }
    }

    func took(_ answer: MetaAnswer, at index: Int) {
        taken.pointee[index] = answer
        countDown()
    }

    func failed(_ error: MemcachedError, at index: Int) {
        if self.error == nil { self.error = error }
        countDown()
    }

    private func countDown() {
        left -= 1
        if left == 0 { continuation?.resume() }
    }
}
