import ApusCore
import ApusRuntime

/// How a connection is made: by whom, and to where.
typealias RESPDial = @Sendable (EventLoop, Instant) async throws -> RESPLine

/// A connection of one loop to one server: it is made when it is first needed, and again after it was lost.
///
/// Commands of one turn of the loop go out in one write. What waits for a connection, or for room in the socket, is bounded;
/// what goes beyond the bound is refused at once.
//
// `@unchecked Sendable` is sound because only its loop's own thread uses it; the entry points for others go there first.
// What is used for every command lies in raw memory, which Swift does not check for exclusive access on every use.
final class RESPConnection: @unchecked Sendable {
    struct State: ~Copyable {
        var pipeline: RESPPipeline
        var input: RESPBuffer
        var channel: Channel?
        var phase = Phase.idle
        /// The end of this turn sends what there is.
        var isEnding = false
        /// The socket has no room; it says when it has.
        var isBlocked = false
        /// When the timer looks after deadlines; monotonic nanoseconds.
        var armedFor = Int64.max
        var timer: EventLoop.Timer?
        /// When something was last heard; monotonic nanoseconds.
        var heardAt: Int64 = 0
    }

    enum Phase { case idle, connecting, ready, closed }

    let loop: EventLoop
    let own: UnsafeMutablePointer<State>
    let configuration: RESPClientConfiguration
    /// The server, for errors.
    private(set) var name: String
    /// Who says what a server says by itself; only on connections that are listened on.
    var onPush: ((RESPValue) -> Void)?
    /// What to do when the connection is gone, or could not be made.
    var onLost: ((RESPClientError) -> Void)?
    private(set) var version = RESPVersion.two
    private let isLasting: Bool
    private let dial: RESPDial
    private var dialing: Task<Void, Never>?
    private var opening: [UnsafeContinuation<Void, any Error>] = []
    private var pause: ReconnectPause<RESPClientError>
    private var closedBy: RESPClientError?
    // Made once, so that a turn's end costs no closure.
    private var endTurn: () -> Void = {}

    private static let readBytes = 16 << 10
    /// Reads of one event, so that a server that sends without end does not keep others waiting.
    private static let readsMax = 64

    /// A connection that is not made yet.
    ///
    /// - Parameters:
    ///   - name: The server, for errors.
    ///   - loop: The loop it belongs to.
    ///   - configuration: Its bounds.
    ///   - isLasting: Whether it is made again after it was lost; one for exclusive use is not.
    ///   - dial: Makes it.
    init(
        name: String,
        loop: EventLoop,
        configuration: RESPClientConfiguration,
        isLasting: Bool = true,
        dial: @escaping RESPDial
    ) {
        self.name = name
        self.isLasting = isLasting
        self.loop = loop
        self.configuration = configuration
        self.dial = dial
        pause = ReconnectPause(first: configuration.pauseFirst, longest: configuration.pauseLongest)
        own = .allocate(capacity: 1)
        own.initialize(
            to: State(
                pipeline: RESPPipeline(configuration),
                input: RESPBuffer(bytesMax: configuration.replyBytesMax + Self.readBytes)
            )
        )
        endTurn = { [weak self] in
            guard let self else { return }
            own.pointee.isEnding = false
            flush()
        }
    }

    deinit {
        precondition(own.pointee.channel == nil, "a connection is closed before it is let go")
        own.deinitialize(count: 1)
        own.deallocate()
    }

    /// True while commands go out at once.
    var isReady: Bool { own.pointee.phase == .ready }
    /// Nothing is on its way, and nothing waits.
    var isQuiet: Bool { own.pointee.pipeline.outstanding == 0 }

    // MARK: Sending

    /// Puts commands behind those that wait; what cannot be sent fails at once.
    ///
    /// Only on the loop's own thread.
    ///
    /// - Parameters:
    ///   - wire: The commands' bytes.
    ///   - replies: How many replies there will be.
    ///   - waiter: Who waits for them.
    ///   - name: By what name the wait can be ended.
    ///   - deadline: Until when, in monotonic nanoseconds.
    @inline(__always)
    func submit(_ wire: [UInt8], replies: Int = 1, _ waiter: RESPWaiter, name: UInt64 = 0, deadline: Int64) {
        if own.pointee.phase != .ready, let error = beginConnecting() { return waiter.fail(error) }
        guard own.pointee.pipeline.outstanding &+ replies <= configuration.outstandingMax,
            own.pointee.pipeline.append(wire, replies: replies, waiter, name: name, deadline: deadline)
        else { return waiter.fail(overloaded()) }
        if deadline < own.pointee.armedFor { arm(deadline) }
        if own.pointee.isEnding || own.pointee.phase != .ready { return }
        own.pointee.isEnding = true
        loop.atTurnEnd(endTurn)
    }

    private func overloaded() -> RESPClientError {
        RESPClientError(
            .overloaded,
            "\(name): \(own.pointee.pipeline.outstanding) replies are awaited and \(own.pointee.pipeline.unsentBytes) B wait to be "
                + "sent; at most \(configuration.outstandingMax) and \(configuration.unsentBytesMax) B may"
        )
    }

    private func flush() {
        guard own.pointee.phase == .ready, !own.pointee.isBlocked, let channel = own.pointee.channel else { return }
        while own.pointee.pipeline.unsentBytes > 0 {
            switch channel.send(own.pointee.pipeline.offer()) {
            case .bytes(let count): own.pointee.pipeline.sent(count)
            case .wouldBlock:
                own.pointee.isBlocked = true
                return
            case .end, .failed: return lose(lost())
            }
        }
    }

    // MARK: Receiving

    private static let event: Channel.Callback = { context, _ in
        Unmanaged<RESPConnection>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.ready() }
    }

    /// Something changed: sends what waited for room, reads what there is.
    private func ready() {
        guard let channel = own.pointee.channel else { return }
        // Whoever is told of a loss here may let go of this.
        withExtendedLifetime(self) {
            if own.pointee.isBlocked {
                own.pointee.isBlocked = false
                flush()
            }
            read(channel)
        }
    }

    private func read(_ channel: Channel) {
        var reads = 0
        while own.pointee.channel == channel, channel.isReadReady {
            if reads == Self.readsMax { return loop.execute { [weak self] in self?.ready() } }
            reads += 1
            let missing = own.pointee.pipeline.bytesNeeded - own.pointee.input.count
            guard own.pointee.input.reserve(max(Self.readBytes, missing)) else { return lose(tooLong()) }
            switch channel.receive(into: own.pointee.input.room) {
            case .bytes(let count):
                own.pointee.input.advance(count)
                own.pointee.pipeline.heard()
                own.pointee.heardAt = loop.now.nanoseconds
                if !take() { return }
            case .wouldBlock: return
            case .end, .failed: return lose(lost())
            }
        }
    }

    /// Hands over all whole replies; false where the connection was given up.
    private func take() -> Bool {
        var used = 0
        let count = own.pointee.input.count
        while used < count {
            switch own.pointee.pipeline.received(own.pointee.input.base + used, count &- used) {
            case .incomplete:
                own.pointee.input.removeFirst(used)
                return true
            case .answered(let bytes): used &+= bytes
            case .push(let value, let bytes):
                used += bytes
                guard let onPush else {
                    lose(RESPClientError(.malformedReply, "\(name) says what nobody asked it for", wasSent: true))
                    return false
                }
                onPush(value)
                // Whoever hears it may close.
                if own.pointee.phase != .ready { return false }
            case .unasked:
                lose(RESPClientError(.malformedReply, "\(name) sent a reply to nothing", wasSent: true))
                return false
            case .malformed(let error):
                lose(
                    RESPClientError(
                        .malformedReply,
                        "\(name) does not speak RESP, or sends more than \(configuration.replyBytesMax) B: \(error)",
                        wasSent: true,
                        cause: error
                    )
                )
                return false
            }
        }
        own.pointee.input.removeAll()
        return true
    }

    private func lost() -> RESPClientError {
        RESPClientError(.connectionLost, "\(name): the connection was lost", wasSent: true)
    }

    private func tooLong() -> RESPClientError {
        RESPClientError(
            .malformedReply,
            "\(name) sends a reply of more than \(configuration.replyBytesMax) B; raise replyBytesMax, or ask for less",
            wasSent: true
        )
    }

    // MARK: Time

    @inline(never)
    private func arm(_ deadline: Int64) {
        if let timer = own.pointee.timer { loop.cancel(timer) }
        own.pointee.armedFor = deadline
        own.pointee.timer = loop.schedule(at: Instant(nanoseconds: deadline)) { [weak self] in self?.expire() }
    }

    private func expire() {
        own.pointee.armedFor = .max
        own.pointee.timer = nil
        let now = loop.preciseNow().nanoseconds
        for (waiter, wasSent) in own.pointee.pipeline.expire(at: now) {
            waiter.fail(RESPClientError(.timedOut, "\(name) did not answer in time", wasSent: wasSent))
        }
        var next = own.pointee.pipeline.deadline
        let silentSince = own.pointee.pipeline.silentSince
        if silentSince < .max, own.pointee.phase == .ready {
            let limit = silentSince &+ configuration.silenceLimit.nanoseconds
            if limit <= now {
                return lose(RESPClientError(.connectionLost, "\(name) has fallen silent; is it frozen?", wasSent: true))
            }
            next = min(next, limit)
        }
        if next < .max { arm(next) }
    }

    /// Ends the wait with this name, if it still goes on.
    func cancel(_ name: UInt64) {
        own.pointee.pipeline.cancel(name)?.waiter.fail(CancellationError())
    }

    // MARK: Connecting

    /// Starts to connect, unless that goes on or failed a moment ago.
    ///
    /// - Returns: Why nothing can be sent.
    @inline(never)
    private func beginConnecting() -> RESPClientError? {
        switch own.pointee.phase {
        case .ready, .connecting: return nil
        case .closed: return closedBy ?? RESPClientError(.closed, "the client was closed")
        case .idle: break
        }
        let now = loop.preciseNow()
        if let error = pause.error(at: now) { return error }
        own.pointee.phase = .connecting
        let deadline = now + configuration.connectLimit
        dialing = Task(executorPreference: loop) { [self] in
            do {
                connected(try await dial(loop, deadline))
            } catch let error as RESPClientError {
                failed(error)
            } catch {
                failed(RESPClientError(.unreachable, "\(name) cannot be reached: \(error)", cause: error))
            }
        }
        return nil
    }

    private func connected(_ line: RESPLine) {
        dialing = nil
        guard own.pointee.phase == .connecting else { return line.channel.close() }
        pause.succeeded()
        name = "\(line.node)"
        version = line.version
        own.pointee.channel = line.channel
        own.pointee.phase = .ready
        own.pointee.isBlocked = false
        own.pointee.heardAt = loop.now.nanoseconds
        line.channel.setCallback(Self.event, context: Unmanaged.passUnretained(self).toOpaque())
        resumeOpening(nil)
        // What happened before anybody listened is no event any more.
        ready()
        flush()
    }

    private func failed(_ error: RESPClientError) {
        dialing = nil
        guard own.pointee.phase == .connecting else { return }
        pause.failed(error, at: loop.preciseNow(), chance: loop.random())
        lose(error)
    }

    /// Waits until it is connected.
    ///
    /// - Throws: ``RESPClientError``.
    func open() async throws {
        if isReady { return }
        try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
            if let error = beginConnecting() { return continuation.resume(throwing: error) }
            opening.append(continuation)
        }
    }

    private func resumeOpening(_ error: RESPClientError?) {
        let waiting = opening
        opening = []
        for continuation in waiting {
            if let error { continuation.resume(throwing: error) } else { continuation.resume() }
        }
    }

    // MARK: Ending

    /// Gives the connection up; whoever waits is told, and the next command makes a new one.
    func lose(_ error: RESPClientError) {
        guard own.pointee.phase == .ready || own.pointee.phase == .connecting else { return }
        end(isLasting ? .idle : .closed, error)
    }

    /// Gives it up for good.
    func close() {
        guard own.pointee.phase != .closed else { return }
        dialing?.cancel()
        end(.closed, RESPClientError(.closed, "the client was closed"))
    }

    private func end(_ phase: Phase, _ error: RESPClientError) {
        own.pointee.phase = phase
        if phase == .closed { closedBy = error.sent(false) }
        if let channel = own.pointee.channel {
            own.pointee.channel = nil
            // A server that lies or is frozen gets no farewell.
            if error.code == .closed { channel.close() } else { channel.abort() }
        }
        if let timer = own.pointee.timer { loop.cancel(timer) }
        own.pointee.timer = nil
        own.pointee.armedFor = .max
        own.pointee.input.removeAll()
        for (waiter, wasSent) in own.pointee.pipeline.removeAll() { waiter.fail(error.sent(wasSent)) }
        resumeOpening(error)
        onLost?(error)
    }
}
