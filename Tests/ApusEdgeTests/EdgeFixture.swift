import ApusCore
import ApusEdge
import ApusHTTP
import ApusObserve
import ApusRuntime

/// Holds requests back: a test waits until one has arrived, and lets it go on.
struct Gate: Sendable {
    let arrivals = AsyncStream<Void>.makeStream()
    let opening = AsyncStream<Void>.makeStream()

    /// Waits until a request is held.
    func arrival() async { for await _ in arrivals.stream { return } }
    /// Lets the requests that are held, and all later ones, go on.
    func open() { opening.continuation.finish() }
    func pass() async {
        arrivals.continuation.yield()
        for await _ in opening.stream {}
    }
}

/// A replica for tests: says who it is and what it got.
struct EchoHandler: RequestHandler {
    let name: String
    let gate: Gate
    var routeNames: [String] { [] }

    func handle(_ exchange: Exchange) async throws {
        switch String(decoding: exchange.path, as: UTF8.self) {
        case "/readyz", "/who":
            exchange.answer(type: "text/plain", text: name)
        case "/fields":
            let names: [HeaderName] = [
                .host, .xForwardedFor, .xForwardedHost, .xForwardedProto, .forwarded, .xRequestID, .traceparent,
                .connection, .te, .keepAlive,
            ]
            let lines = names.map { "\($0)=\(exchange.text($0) ?? "-")" }
            exchange.answer(type: "text/plain", text: lines.joined(separator: "\n"))
        case "/echo":
            exchange.beginStreaming(type: "application/octet-stream")
            while let part = try await exchange.nextBodyPart() {
                try await exchange.write(Array(part))
            }
            exchange.endStreaming()
        case "/length":
            let body = try await exchange.body(bytesMax: 16 << 20)
            exchange.answer(type: "text/plain", text: "\(body.count)")
        case "/big":
            exchange.answer(type: "application/octet-stream") { writer in
                for _ in 0..<200_000 { writer.append("0123456789") }
            }
        case "/held":
            await gate.pass()
            exchange.answer(type: "text/plain", text: "held \(name)")
        default:
            exchange.answer(.notFound)
        }
    }
}

/// One replica that can be stopped and started again at the same address.
struct TestReplica: Sendable {
    let server: Server<EchoHandler>
    let gate: Gate
    let address: SocketAddress
    let task: Task<Void, any Error>

    static func start(_ name: String, at address: SocketAddress = .loopback(port: 0), on loop: EventLoop) async throws
        -> TestReplica
    {
        let gate = Gate()
        let server = try Server(
            observation: ServerObservation(metrics: Metrics()),
            handler: EchoHandler(name: name, gate: gate)
        )
        let bound = AsyncStream<SocketAddress>.makeStream()
        let task = Task(executorPreference: loop) {
            defer { bound.continuation.finish() }
            try await server.run(at: address, on: [loop]) { bound.continuation.yield($0) }
        }
        var addresses = bound.stream.makeAsyncIterator()
        guard let at = await addresses.next() else {
            try await task.value
            throw CancellationError()
        }
        return TestReplica(server: server, gate: gate, address: at, task: task)
    }

    /// Ends it at once, cutting connections as a crash would.
    func kill() async {
        task.cancel()
        _ = await task.result
    }

    var replica: EdgeProxy.Replica { EdgeProxy.Replica(id: "\(address)", address: address) }
}

/// Runs an edge before `count` replicas and hands all of it to `body`, on one loop.
func withEdge(
    replicas count: Int = 2,
    configuration: EdgeConfiguration = EdgeConfiguration(),
    metrics: Metrics = Metrics(),
    _ body: @escaping @Sendable (EdgeProxy, SocketAddress, [TestReplica], EventLoop) async throws -> Void
) async throws {
    let group = try LoopGroup(count: 1)
    let loop = group.loops[0]
    let edge = try EdgeProxy(configuration: configuration, observation: EdgeObservation(metrics: metrics))
    let result = await Task(executorPreference: loop) {
        var replicas: [TestReplica] = []
        for index in 0..<count { replicas.append(try await TestReplica.start("replica-\(index)", on: loop)) }
        edge.setReplicas(replicas.map(\.replica))
        let bound = AsyncStream<SocketAddress>.makeStream()
        let serving = Task(executorPreference: loop) {
            try await edge.run(at: .loopback(port: 0), on: [loop]) { bound.continuation.yield($0) }
        }
        var addresses = bound.stream.makeAsyncIterator()
        guard let address = await addresses.next() else { return }
        let outcome: Result<Void, any Error>
        do {
            try await body(edge, address, replicas, loop)
            outcome = .success(())
        } catch { outcome = .failure(error) }
        edge.drain()
        serving.cancel()
        _ = await serving.result
        for replica in replicas { await replica.kill() }
        try outcome.get()
    }.result
    await Task.detached { group.shutdown() }.value
    try result.get()
}

/// Sends raw bytes to `address` and reads until the connection ends or `enough` says so.
func raw(
    _ bytes: [UInt8],
    to address: SocketAddress,
    on loop: EventLoop,
    until enough: (String) -> Bool = { _ in false }
) async throws -> String {
    let channel = try await Channel.connect(to: address, on: loop, by: loop.now + .seconds(5))
    defer { channel.close() }
    var offset = 0
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        if offset < bytes.count {
            switch bytes.withUnsafeBytes({ channel.send(UnsafeRawBufferPointer(rebasing: $0[offset...])) }) {
            case .bytes(let count): offset += count
            case .wouldBlock, .end, .failed: offset = bytes.count
            }
        }
        switch chunk.withUnsafeMutableBytes({ channel.receive(into: $0) }) {
        case .bytes(let count): all += chunk[..<count]
        case .wouldBlock:
            if await channel.readable(by: loop.clock.now() + .seconds(5)) != .ready {
                return "timed out after: " + String(decoding: all, as: UTF8.self)
            }
            continue
        case .end, .failed: return String(decoding: all, as: UTF8.self)
        }
        let text = String(decoding: all, as: UTF8.self)
        if enough(text) { return text }
    }
}
