import ApusCore
import ApusObserve
public import ApusRuntime

/// What answers a server's requests: a router, or one function.
public protocol RequestHandler: Sendable {
    /// The names of the routes for metrics and spans, such as `GET /products/{id}`, by their index.
    var routeNames: [String] { get }
    /// Answers one request. What it throws becomes a problem document where nothing was answered yet.
    nonisolated(nonsending) func handle(_ exchange: Exchange) async throws
    /// Finds the function that answers a request, or answers at once.
    ///
    /// For handlers that choose between functions, such as a router: the server calls the function itself, which spares
    /// every request a frame and a look at the executor. `nil`, which is what every other handler says, has
    /// ``handle(_:)`` called if nothing was answered yet.
    func choose(_ exchange: Exchange) -> ChosenHandler?
}

extension RequestHandler {
    /// None: ``handle(_:)`` answers.
    public func choose(_ exchange: Exchange) -> ChosenHandler? { nil }
}

/// A function that a ``RequestHandler`` chose to answer a request; good while the handler lives.
public struct ChosenHandler {
    let place: UnsafePointer<RouteHandler>
}

/// An HTTP/1.1 server: a listener a loop, a task a connection, a handler for each request.
///
/// A connection never leaves its loop and its handlers run there, so a request pays no thread hop. What is ambiguous
/// is refused with 400 and a closed connection; every wait has a limit; every buffer has a bound.
///
/// - SeeAlso: RFC 9110, RFC 9112.
public final class Server<Handler: RequestHandler>: Sendable {
    private let configuration: ServerConfiguration
    private let makeHandler: @Sendable (EventLoop) throws -> Handler
    private let observation: ServerObservation
    private let state = Lock(State())

    private struct State {
        var workers: [ServerWorker] = []
        var listeners: [(EventLoop, Listener)] = []
        var drain: (@Sendable () -> Void)?
        var isDraining = false
    }

    /// A server that answers with handlers of each loop's own.
    ///
    /// - Parameters:
    ///   - configuration: Time-outs and limits.
    ///   - observation: Where metrics, log lines and spans go.
    ///   - makeHandler: Called once on each loop before it accepts; what it captures stays on that loop.
    /// - Throws: `ConfigurationError` for a configuration that makes no sense.
    public init(
        configuration: ServerConfiguration = ServerConfiguration(),
        observation: ServerObservation = ServerObservation(),
        makeHandler: @escaping @Sendable (EventLoop) throws -> Handler
    ) throws {
        self.configuration = try configuration.checked()
        self.makeHandler = makeHandler
        self.observation = observation
    }

    /// A server that answers with one handler on all loops.
    ///
    /// - Throws: `ConfigurationError` for a configuration that makes no sense.
    public convenience init(
        configuration: ServerConfiguration = ServerConfiguration(),
        observation: ServerObservation = ServerObservation(),
        handler: Handler
    ) throws {
        try self.init(configuration: configuration, observation: observation) { _ in handler }
    }

    /// Serves at `address` until ``drain()`` is called or the task is cancelled, and returns when all has ended.
    ///
    /// - Parameters:
    ///   - address: Where to listen.
    ///   - loops: The loops that serve; each gets its share of connections.
    ///   - ready: Called once with the address, whose port the kernel may have chosen.
    /// - Throws: `SystemError` when it cannot listen, such as `EADDRINUSE`.
    public func run(
        at address: SocketAddress,
        on loops: [EventLoop],
        ready: @escaping @Sendable (SocketAddress) -> Void = { _ in }
    ) async throws {
        var answering: [LoopHandler<Handler>] = []
        for loop in loops {
            let make = makeHandler
            let handler = try await Task(executorPreference: loop) { try make(loop) }.value
            answering.append(LoopHandler(handler, observation: observation))
        }
        let listeners = try await listen(at: address, on: loops)
        let bound = listeners.first?.address ?? address
        state.withLock { $0.listeners = Array(zip(loops, listeners)) }
        ready(bound)
        await withTaskGroup(of: Void.self) { group in
            for ((loop, listener), handler) in zip(zip(loops, listeners), answering) {
                let worker = ServerWorker(loop: loop, configuration: configuration, observation: observation)
                state.withLock { $0.workers.append(worker) }
                let unowned = UncheckedSendable(listener)
                group.addTask(executorPreference: loop) { [self] in
                    await accept(from: unowned.value, worker: worker, handler: handler)
                }
            }
            let alreadyDraining = state.withLock { $0.isDraining }
            if alreadyDraining { stopAccepting() }
            await withTaskCancellationHandler {
                await group.waitForAll()
            } onCancel: {
                stopAccepting()
                for worker in state.withLock({ $0.workers }) { worker.loop.execute { worker.cancelAll() } }
            }
        }
    }

    /// Accepts no more, answers what is being worked on, closes, and lets ``run(at:on:ready:)`` return.
    ///
    /// Requests that are not answered within ``ServerConfiguration/drainLimit`` are cut off. Calling it again does
    /// nothing more.
    public func drain() {
        let (isFirst, workers) = state.withLock { state in
            defer { state.isDraining = true }
            return (!state.isDraining, state.workers)
        }
        guard isFirst, let worker = workers.first else { return }
        if configuration.drainDelay <= .zero { return stopAccepting() }
        let delay = configuration.drainDelay
        worker.loop.execute { [self] in
            _ = worker.loop.schedule(at: worker.loop.now + delay) { self.stopAccepting() }
        }
    }

    /// Open connections, over all loops.
    public var connectionCount: Int { observation.connections.value }

    private func stopAccepting() {
        let (listeners, workers) = state.withLock { state in
            defer { state.listeners = [] }
            return (state.listeners.map { ($0.0, UncheckedSendable($0.1)) }, state.workers)
        }
        for (loop, listener) in listeners { loop.execute { listener.value.close() } }
        for worker in workers { worker.loop.execute { worker.beginDraining() } }
    }

    private func listen(at address: SocketAddress, on loops: [EventLoop]) async throws -> [Listener] {
        var listeners: [Listener] = []
        var bound = address
        let sharesPort = loops.count > 1 && address.port != nil
        for loop in loops {
            let first = listeners.first.map { UncheckedSendable($0) }
            let target = bound
            let listener = try await Task(executorPreference: loop) {
                if let first, target.port == nil {
                    return UncheckedSendable(try Listener(sharing: first.value, on: loop))
                }
                return UncheckedSendable(try Listener(at: target, on: loop, sharesPort: sharesPort))
            }.value.value
            bound = listener.address
            listeners.append(listener)
        }
        return listeners
    }

    private func accept(from listener: Listener, worker: ServerWorker, handler: LoopHandler<Handler>) async {
        await withDiscardingTaskGroup { group in
            while let channel = await listener.accept() {
                if worker.connectionCount >= configuration.connectionsPerLoopMax {
                    observation.refused.series("connections").increment()
                    channel.abort()
                    continue
                }
                let connection = UncheckedSendable(worker.add(channel))
                group.addTask(executorPreference: worker.loop) { [self] in
                    await serve(connection.value, handler)
                    worker.remove(connection.value)
                }
            }
            worker.beginDraining()
            await worker.waitUntilEmpty(by: worker.loop.now + configuration.drainLimit)
        }
    }

    // MARK: One connection

    private func serve(_ connection: UnsafeMutablePointer<ServerConnection>, _ handler: LoopHandler<Handler>) async {
        while true {
            switch connection.receiveHead() {
            case .request:
                if await !answer(connection, handler) { return await lingeringClose(connection) }
                connection.endRequest()
            case .wait:
                let inHead = connection.isInHead
                if !inHead && connection.pointee.isDraining { return }
                switch await connection.pointee.channel.readable(by: connection.readDeadline) {
                case .ready: continue
                case .cancelled:
                    if connection.pointee.isDraining && !inHead { return }
                    continue
                case .timedOut:
                    if inHead { await refuse(connection, .requestTimeout, reason: "headTooSlow") }
                    return
                }
            case .refuse(let error):
                await refuse(connection, error.status, reason: "\(error.code)")
                return await lingeringClose(connection)
            case .closed:
                return
            }
        }
    }

    /// Answers one request.
    ///
    /// - Returns: Whether the connection can take another.
    @inline(__always)
    private func answer(
        _ connection: UnsafeMutablePointer<ServerConnection>,
        _ handler: LoopHandler<Handler>
    ) async -> Bool {
        let exchange = Exchange(connection)
        beginSpan(connection)
        do {
            if connection.pointee.span.isRecording {
                try await Trace.$current.withValue(connection.pointee.span) {
                    try await handler.handler.handle(exchange)
                }
            } else if let chosen = handler.handler.choose(exchange) {
                try await chosen.place.pointee.run(exchange)
            } else if connection.pointee.stage == .none {
                try await handler.handler.handle(exchange)
            }
        } catch {
            answerError(error, exchange)
        }
        if connection.pointee.stage != .complete { answerMissing(exchange) }
        // What the handler left of the body stands between this request and the next.
        if !connection.pointee.body.isAtEnd { await discardBody(connection) }
        // Nearly always the kernel takes the whole answer at once.
        let step = connection.flush()
        let sent = step == .wait ? await exchange.flush() : step == .done
        finish(connection, handler.instruments)
        return sent && connection.pointee.keepAlive && !connection.pointee.isDraining
    }

    private func beginSpan(_ connection: UnsafeMutablePointer<ServerConnection>) {
        guard let tracer = observation.tracer, !Probe.isOne(Exchange(connection).path) else {
            connection.pointee.span = .none
            return
        }
        let workspace = connection.workspaceInUse
        var parent = TraceContext.none
        if let range = workspace.pointee.table.value(of: .traceparent) {
            parent = TraceContext(traceparent: range.bytes(in: connection.headBytes)) ?? .none
        }
        connection.pointee.span = tracer.begin("HTTP", kind: .server, parent: parent, at: connection.pointee.begun)
    }

    private func finish(
        _ connection: UnsafeMutablePointer<ServerConnection>,
        _ instruments: RouteTableInstruments
    ) {
        let now = connection.pointee.worker._withUnsafeGuaranteedRef { $0.loop.preciseNow() }
        let duration = now.nanoseconds &- connection.pointee.begun.nanoseconds
        let status = Int(connection.pointee.status.code)
        let route = instruments[Int(connection.pointee.route)]
        route.pointee.statuses[min(max(status / 100, 1), 5) - 1].increment()
        route.pointee.duration.record(duration)
        let span = connection.pointee.span
        if span.isRecording {
            span.rename(route.pointee.span)
            span.set(.httpRequestMethod, bytes: connection.pointee.head.methodText.bytes(in: connection.headBytes))
            span.set(.urlPath, bytes: connection.pointee.head.path.bytes(in: connection.headBytes))
            span.set(.httpResponseStatusCode, status)
            if status >= 500 { span.fail() }
            observation.tracer?.finish(span, at: now)
        }
        if let log = connection.pointee.worker._withUnsafeGuaranteedRef({ $0.accessLog }),
            !Probe.isOne(connection.pointee.head.path.bytes(in: connection.headBytes))
        {
            let head = connection.headBytes
            var entry = AccessEntry(
                finished: now,
                durationNanoseconds: duration,
                method: connection.pointee.head.methodText.bytes(in: head),
                target: connection.pointee.head.target.bytes(in: head),
                status: status,
                responseBytes: connection.pointee.answerBytes
            )
            entry.peer = connection.pointee.peer
            entry.requestBytes = connection.pointee.body.count
            entry.trace = span.context
            if let id = connection.workspaceInUse.pointee.table.value(of: .xRequestID) {
                entry.requestID = id.bytes(in: head)
            }
            log._withUnsafeGuaranteedRef { $0.record(entry) }
        }
    }

    @inline(never)
    private func answerError(_ error: any Error, _ exchange: Exchange) {
        let connection = exchange.connection
        let problem: Problem
        switch error {
        case let error as Problem: problem = error
        case let error as BodyError:
            problem = Problem(error.status, code: "http.body.\(error.code)", detail: error.description)
            connection.pointee.keepAlive = false
        case is CancellationError: problem = Problem(.serviceUnavailable, code: "draining")
        default:
            connection.pointee.span.fail(error)
            problem = Problem(.internalServerError, code: "internal")
            observation.failures?(error)
        }
        answerProblem(problem, exchange)
    }

    private func answerProblem(_ problem: Problem, _ exchange: Exchange) {
        let connection = exchange.connection
        guard connection.pointee.stage == .none else {
            // Half an answer is out: only the end of the connection can tell the client.
            connection.pointee.keepAlive = false
            connection.pointee.stage = .complete
            return
        }
        var problem = problem
        let context = connection.pointee.span.context
        if context.isValid { problem.traceID = String(context.traceparent.dropFirst(3).prefix(32)) }
        exchange.answer(problem.status, type: Problem.mediaType) { problem.write(to: &$0) }
    }

    @inline(never)
    private func answerMissing(_ exchange: Exchange) {
        if exchange.connection.pointee.stage == .streaming { exchange.connection.pointee.keepAlive = false }
        answerProblem(Problem(.internalServerError, code: "internal.noAnswer"), exchange)
    }

    /// Reads on to the end of a body that nobody wanted, within bounds; beyond them the connection ends.
    private func discardBody(_ connection: UnsafeMutablePointer<ServerConnection>) async {
        if connection.pointee.continueWanted {
            // The client waits for a word before it sends: it got its answer instead.
            connection.pointee.keepAlive = false
            return
        }
        guard connection.pointee.keepAlive else { return }
        var budget = 256 << 10
        while budget > 0 {
            switch connection.receiveBody() {
            case .part(let bytes): budget -= bytes.count
            case .end: return
            case .wait:
                let channel = connection.pointee.channel
                if await channel.readable(by: channel.loop.now + configuration.bodyLimit) != .ready { budget = 0 }
            case .malformed, .closed: budget = 0
            }
        }
        connection.pointee.keepAlive = false
    }

    private func refuse(
        _ connection: UnsafeMutablePointer<ServerConnection>,
        _ status: Status,
        reason: String
    ) async {
        observation.refused.series(reason).increment()
        guard connection.pointee.workspace != nil else { return }
        connection.pointee.stage = .none
        connection.pointee.keepAlive = false
        connection.pointee.head = RequestHead()
        connection.pointee.head.method = .get
        connection.pointee.generation &+= 1
        let exchange = Exchange(connection)
        let problem = Problem(status, code: "http.\(reason)")
        exchange.answer(status, type: Problem.mediaType) { problem.write(to: &$0) }
        _ = await exchange.flush()
    }

    /// Closes so that the client can still read the answer: says it is done, then reads until the client is too.
    ///
    /// Closing at once with unread input would reset the connection and could destroy the answer on its way.
    private func lingeringClose(_ connection: UnsafeMutablePointer<ServerConnection>) async {
        let channel = connection.pointee.channel
        channel.shutdownWriting()
        guard let workspace = connection.pointee.workspace, !channel.isPeerClosed else { return }
        let deadline = channel.loop.now + .seconds(2)
        var budget = 1 << 20
        while budget > 0 {
            workspace.pointee.inputStart = 0
            workspace.pointee.inputEnd = 0
            switch channel.receive(into: workspace.pointee.room) {
            case .bytes(let count): budget -= count
            case .wouldBlock:
                if await channel.readable(by: deadline) != .ready { return }
            case .end, .failed: return
            }
        }
    }
}

/// Hands a value to its own loop's thread, where alone it is used.
//
// Sound because every use carries a listener or connection from the thread that made it to the same thread.
struct UncheckedSendable<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// A loop's handler, and the instruments of its routes.
final class LoopHandler<Handler: RequestHandler>: Sendable {
    let handler: Handler
    let instruments: RouteTableInstruments

    init(_ handler: Handler, observation: ServerObservation) {
        self.handler = handler
        instruments = RouteTableInstruments(
            (handler.routeNames + ["none"]).map { observation.instruments(route: $0) }
        )
    }
}

/// Instruments by route, in memory that requests read without counting references; index -1 is no route.
//
// `@unchecked Sendable` is sound because the memory is written once, before the server serves.
final class RouteTableInstruments: @unchecked Sendable {
    private let memory: UnsafeMutablePointer<ServerObservation.RouteInstruments>
    private let count: Int

    init(_ routes: [ServerObservation.RouteInstruments]) {
        count = routes.count
        memory = .allocate(capacity: count)
        for (index, route) in routes.enumerated() { (memory + index).initialize(to: route) }
    }

    deinit {
        memory.deinitialize(count: count)
        memory.deallocate()
    }

    /// The last one is for requests that no route takes.
    @inline(__always)
    subscript(route: Int) -> UnsafeMutablePointer<ServerObservation.RouteInstruments> {
        memory + (route >= 0 && route < count - 1 ? route : count - 1)
    }
}
