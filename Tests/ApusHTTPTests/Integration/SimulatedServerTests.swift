import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime
import ApusTesting
import Testing

/// What a simulated run came to.
private struct Run: Equatable, Sendable {
    var trace: UInt64 = 0
    var answers = 0
    var failures = 0
    var events = 0
    var nanoseconds: Int64 = 0
}

private let simulatedAddress = SocketAddress.loopback(port: 8080)

/// Runs the real server on every loop of a simulated machine, and `body` on the first.
private func simulate(
    _ machine: SimulatedMachine,
    configuration: ServerConfiguration = ServerConfiguration(),
    _ body: @escaping @Sendable (EventLoop, Server<TestHandler>) async throws -> Void
) throws {
    let loops = machine.loops
    let server = try Server(
        configuration: configuration,
        observation: ServerObservation(metrics: Metrics()),
        handler: TestHandler()
    )
    try machine.run { _ in
        let loop = loops[0]
        let bound = AsyncStream<Void>.makeStream()
        let serving = Task(executorPreference: loop) {
            try await server.run(at: simulatedAddress, on: loops) { _ in bound.continuation.yield() }
        }
        var ready = bound.stream.makeAsyncIterator()
        await ready.next()
        try await body(loop, server)
        server.drain()
        try await serving.value
        #expect(server.connectionCount == 0)
    }
}

/// Clients on all loops send requests with bodies of many sizes; every answer must be the right one.
private func traffic(seed: UInt64, network: SimulatedNetwork = SimulatedNetwork()) throws -> Run {
    var network = network
    // Every other seed has so little room that both sides wait for one another.
    if seed % 2 == 1 { network.bufferBytes = 1500 }
    let machine = try SimulatedMachine(seed: seed, loops: 3, network: network)
    let loops = machine.loops
    let run = Lock(Run())
    try simulate(machine) { _, _ in
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<6 {
                let loop = loops[number % loops.count]
                group.addTask(executorPreference: loop) {
                    let client = Client(simulatedAddress, on: loop, connectionsMax: 2)
                    var random = SeededRandom(seed: seed ^ UInt64(number))
                    for _ in 0..<6 {
                        let count = Int(random.next() % 20_000)
                        let body = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
                        var request = ClientRequest(.post, "/echo", body: body)
                        request.chunkBytes = random.next() % 2 == 0 ? nil : 1 + Int(random.next() % 5000)
                        do {
                            let response = try await client.send(request, within: .seconds(60))
                            #expect(response.status == .ok && response.body == body)
                            run.withLock { $0.answers += 1 }
                        } catch {
                            run.withLock { $0.failures += 1 }
                        }
                    }
                    client.close()
                }
            }
        }
    }
    run.withLock {
        $0.trace = machine.trace
        $0.events = machine.eventCount
        $0.nanoseconds = machine.clock.now().nanoseconds
    }
    return run.withLock { $0 }
}

/// The seeds of this run: the one given, or a number of them.
private let simulationSeeds: [UInt64] = (0..<UInt64(min(TestRun.seeds, 2000) / 5)).map { TestRun.seed &+ $0 }

@Suite(.serialized, .timeLimit(.minutes(5)))
struct SimulatedServerTests {
    @Test(arguments: simulationSeeds)
    func `whatever the network does with the bytes, every answer is right`(seed: UInt64) throws {
        let run = try traffic(seed: seed)
        #expect(run.answers == 36 && run.failures == 0, "seed \(seed)")
    }

    @Test func `the same seed is the same run, another seed is another`() throws {
        let first = try traffic(seed: 7)
        #expect(try traffic(seed: 7) == first)
        #expect(try traffic(seed: 8).trace != first.trace)
        #expect(first.answers == 36 && first.events > 300)
    }

    @Test(arguments: simulationSeeds)
    func `connections that break fail their requests and nothing else`(seed: UInt64) throws {
        var network = SimulatedNetwork()
        network.resetsPerThousand = 60
        let run = try traffic(seed: seed, network: network)
        #expect(run.answers + run.failures == 36, "seed \(seed)")
        #expect(run.answers > 0, "seed \(seed)")
    }

    @Test func `time-outs come in their own time without anybody waiting`() throws {
        let machine = try SimulatedMachine(seed: 1)
        let waits = Lock<[String: Double]>([:])
        try simulate(machine) { loop, _ async throws in
            func measure(_ name: String, _ request: String) async throws -> String {
                let channel = try await Channel.connect(to: simulatedAddress, on: loop, by: loop.now + .seconds(5))
                let begun = loop.now
                if !request.isEmpty { _ = Array(request.utf8).withUnsafeBytes { channel.send($0) } }
                let answer = await readAll(channel, by: begun + .seconds(600))
                let wait = (loop.now - begun).seconds
                waits.withLock { $0[name] = wait }
                channel.close()
                return answer
            }
            #expect(try await measure("head", "GET /hello HTTP/1.1\r\nHo").hasPrefix("HTTP/1.1 408 "))
            #expect(try await measure("idle", "") == "")
            #expect(
                try await measure("kept", "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").hasSuffix("hello")
            )
            #expect(
                try await measure("body", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab")
                    .hasPrefix("HTTP/1.1 408 ")
            )
        }
        let configuration = ServerConfiguration()
        for (name, limit) in [
            ("head", configuration.headLimit), ("idle", configuration.idleLimit), ("kept", configuration.idleLimit),
            ("body", configuration.bodyLimit),
        ] {
            let wait = waits.withLock { $0[name] ?? 0 }
            // Deadlines have a grain of 64 ms, and the way there and back is a few more.
            #expect(wait >= limit.seconds - 0.01 && wait < limit.seconds + 0.2, "\(name) took \(wait) s")
        }
    }

    @Test func `what nothing can end is said with its seed`() throws {
        let machine = try SimulatedMachine(seed: 5)
        #expect(throws: SimulatedMachine.Stalled.self) {
            try machine.run { _ in await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }
        }
    }
}

/// Everything that comes until the other side closes.
private func readAll(_ channel: Channel, by deadline: Instant) async -> String {
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
        switch chunk.withUnsafeMutableBytes({ channel.receive(into: $0) }) {
        case .bytes(let count): all += chunk[..<count]
        case .wouldBlock:
            guard await channel.readable(by: deadline) == .ready else { return "nothing came" }
        case .end, .failed: return String(decoding: all, as: UTF8.self)
        }
    }
}
