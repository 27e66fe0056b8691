import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime
import Testing

/// Answers by path; the paths say what they test.
struct TestHandler: RequestHandler {
    var routeNames: [String] { [] }

    func handle(_ exchange: Exchange) async throws {
        switch String(decoding: exchange.path, as: UTF8.self) {
        case "/hello":
            exchange.answer(type: "text/plain", text: "hello")
        case "/written":
            exchange.setField("X-Field", "yes")
            exchange.answer(type: "application/json") { $0.append(#"{"a":1}"#) }
        case "/long":
            exchange.answer(type: "text/plain") { writer in
                for _ in 0..<30_000 { writer.append("0123456789") }
            }
        case "/echo":
            let body = try await exchange.body()
            body.withUnsafeBytes { exchange.answer(type: "application/octet-stream", bytes: $0) }
        case "/stream":
            exchange.beginStreaming(type: "text/plain")
            for number in 0..<1000 { try await exchange.write(Array("line \(number)\n".utf8)) }
            exchange.endStreaming(trailers: [("X-Count", "1000")])
        case "/ignore":
            exchange.answer(type: "text/plain", text: "ignored")
        case "/problem":
            throw Problem(.conflict, code: "test.conflict", detail: "said so")
        case "/error":
            throw SystemError("secret detail", errno: 5)
        case "/nothing":
            return
        case "/slow":
            try await exchange.loop.sleep(for: .milliseconds(50))
            exchange.answer(type: "text/plain", text: "slow")
        default:
            exchange.answer(.notFound)
        }
    }
}

/// Runs a server on a loop of its own and lets `body` talk to it over a raw socket.
func withServer(
    _ handler: TestHandler = TestHandler(),
    configuration: ServerConfiguration = ServerConfiguration(),
    loops: Int = 1,
    _ body: @escaping @Sendable (Server<TestHandler>, SocketAddress, EventLoop) async throws -> Void
) async throws {
    let group = try LoopGroup(count: loops)
    let server = try Server(
        configuration: configuration,
        observation: ServerObservation(metrics: Metrics()),
        handler: handler
    )
    let loop = group.loops[0]
    let result = await Task(executorPreference: loop) {
        let bound = AsyncStream<SocketAddress>.makeStream()
        let serving = Task(executorPreference: loop) {
            try await server.run(at: .loopback(port: 0), on: group.loops) { bound.continuation.yield($0) }
        }
        var addresses = bound.stream.makeAsyncIterator()
        guard let address = await addresses.next() else { return }
        do {
            try await body(server, address, loop)
        } catch {
            serving.cancel()
            throw error
        }
        server.drain()
        try await serving.value
    }.result
    await Task.detached { group.shutdown() }.value
    try result.get()
}

/// A raw client: sends bytes, reads until a condition or the end.
struct RawClient {
    let channel: Channel

    init(_ address: SocketAddress, on loop: EventLoop) async throws {
        channel = try await Channel.connect(to: address, on: loop, by: loop.now + .seconds(5))
    }

    func send(_ text: String) async { await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async {
        var offset = 0
        while offset < bytes.count {
            switch bytes.withUnsafeBytes({ channel.send(UnsafeRawBufferPointer(rebasing: $0[offset...])) }) {
            case .bytes(let count): offset += count
            case .wouldBlock: _ = await channel.writable(by: channel.loop.now + .seconds(10))
            case .end, .failed: return
            }
        }
    }

    /// Reads until `isEnough` or the connection's end.
    func read(until isEnough: (String) -> Bool = { _ in false }) async -> String {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            switch chunk.withUnsafeMutableBytes({ channel.receive(into: $0) }) {
            case .bytes(let count): all += chunk[..<count]
            case .wouldBlock:
                guard await channel.readable(by: channel.loop.now + .seconds(10)) == .ready else {
                    return "timed out after: " + String(decoding: all, as: UTF8.self)
                }
                continue
            case .end, .failed: return String(decoding: all, as: UTF8.self)
            }
            let text = String(decoding: all, as: UTF8.self)
            if isEnough(text) { return text }
        }
    }

    func close() { channel.close() }
}

@Suite(.timeLimit(.minutes(5)))
struct ServerTests {
    func exchange(_ request: String, configuration: ServerConfiguration = ServerConfiguration()) async throws -> String
    {
        let answer = Lock("")
        try await withServer(configuration: configuration) { _, address, loop in
            let client = try await RawClient(address, on: loop)
            await client.send(request)
            let text = await client.read()
            client.close()
            answer.withLock { $0 = text }
        }
        return answer.withLock { $0 }
    }

    @Test func `a request gets its answer with date, length and type`() async throws {
        let answer = try await exchange("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\nServer: Apus\r\nDate: "))
        #expect(answer.contains("\r\nContent-Length: 5\r\n"))
        #expect(answer.contains("\r\nConnection: close\r\n"))
        #expect(answer.hasSuffix("\r\n\r\nhello"))
    }

    @Test func `a written body's length is filled in, short and long`() async throws {
        let short = try await exchange("GET /written HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(short.contains("\r\nX-Field: yes\r\n"))
        #expect(short.hasSuffix("Content-Length: 7\r\n\r\n{\"a\":1}"))
        let long = try await exchange("GET /long HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(long.contains("\r\nContent-Length: 300000\r\n\r\n0123"))
        #expect(long.hasSuffix("\r\n\r\n" + String(repeating: "0123456789", count: 30_000)))
    }

    @Test func `pipelined requests are answered in order on one connection`() async throws {
        let answer = try await exchange(
            "GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
                + "GET /problem HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        let parts = answer.split(separator: "HTTP/1.1 ", omittingEmptySubsequences: false)
        #expect(parts.count == 4)
        #expect(parts[1].hasSuffix("slow"))
        #expect(parts[2].hasSuffix("hello"))
        #expect(parts[3].hasPrefix("409 Conflict"))
        #expect(parts[3].contains(#""code":"test.conflict""#))
    }

    @Test(arguments: [
        "Content-Length: 6\r\n\r\nabcdef",
        "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n4;x=1\r\ncdef\r\n0\r\nT: v\r\n\r\n",
    ])
    func `a body arrives whole, whatever its framing`(body: String) async throws {
        let answer = try await exchange("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + body)
        #expect(answer.hasSuffix("\r\n\r\nabcdef"))
    }

    @Test func `a body in single bytes arrives whole`() async throws {
        try await withServer { _, address, loop in
            let client = try await RawClient(address, on: loop)
            let request = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            for byte in Array(request.utf8) {
                await client.send([byte])
                await Task.yield()
            }
            let answer = await client.read { $0.hasSuffix("abc") }
            #expect(answer.hasSuffix("\r\n\r\nabc"))
            client.close()
        }
    }

    @Test func `a large body streams through a small buffer`() async throws {
        try await withServer { _, address, loop in
            let client = try await RawClient(address, on: loop)
            let body = String(repeating: "x", count: 900_000)
            await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\nConnection: close\r\n\r\n")
            async let sent: Void = client.send(body)
            let answer = await client.read()
            _ = await sent
            #expect(answer.hasSuffix(body))
            client.close()
        }
    }

    @Test func `a body that nobody reads does not disturb the next request`() async throws {
        let answer = try await exchange(
            "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789"
                + "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        #expect(answer.contains("ignored"))
        #expect(answer.hasSuffix("hello"))
    }

    @Test func `a body over the limit is refused before it is read`() async throws {
        let answer = try await exchange("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 413 "))
        #expect(answer.contains("Connection: close"))
    }

    @Test func `a client that waits for 100 gets it, and only when the body is wanted`() async throws {
        try await withServer { _, address, loop in
            let client = try await RawClient(address, on: loop)
            await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            let interim = await client.read { $0.hasSuffix("\r\n\r\n") }
            #expect(interim == "HTTP/1.1 100 Continue\r\n\r\n")
            await client.send("ok")
            #expect(await client.read { $0.hasSuffix("ok") }.hasPrefix("HTTP/1.1 200"))
            client.close()
            let other = try await RawClient(address, on: loop)
            await other.send("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            let answer = await other.read()
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            other.close()
        }
    }

    @Test func `a stream goes out in chunks with trailers, and without them to HTTP 1.0`() async throws {
        let chunked = try await exchange("GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(chunked.contains("Transfer-Encoding: chunked\r\n"))
        #expect(chunked.hasSuffix("0\r\nX-Count: 1000\r\n\r\n"))
        let old = try await exchange("GET /stream HTTP/1.0\r\n\r\n")
        #expect(!old.contains("chunked"))
        #expect(old.hasSuffix("line 998\nline 999\n"))
    }

    @Test func `HEAD gets the head alone`() async throws {
        let answer = try await exchange(
            "HEAD /written HTTP/1.1\r\nHost: a\r\n\r\nHEAD /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        #expect(answer.contains("Content-Length: 7\r\n\r\nHTTP/1.1 200 OK"))
        #expect(answer.contains("Content-Length: 5\r\n"))
        #expect(!answer.contains("hello"))
    }

    @Test func `an error of the handler tells the client nothing of its inside`() async throws {
        let answer = try await exchange("GET /error HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 500 "))
        #expect(!answer.contains("secret"))
        let silent = try await exchange("GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(silent.hasPrefix("HTTP/1.1 500 "))
    }

    @Test(arguments: [
        "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ])
    func `what is ambiguous gets 400 and a closed connection`(request: String) async throws {
        let answer = try await exchange(request + "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 400 "))
        #expect(!answer.contains("hello"))
    }

    @Test func `a head that never ends is cut off with 408, an idle connection silently`() async throws {
        var configuration = ServerConfiguration()
        configuration.headLimit = .milliseconds(20)
        configuration.idleLimit = .milliseconds(20)
        let late = try await exchange("GET /hello HTTP/1.1\r\nHost:", configuration: configuration)
        #expect(late.hasPrefix("HTTP/1.1 408 "))
        let idle = try await exchange("", configuration: configuration)
        #expect(idle == "")
    }

    @Test func `a drain lets the running request finish and closes idle connections`() async throws {
        try await withServer { server, address, loop in
            let idle = try await RawClient(address, on: loop)
            await idle.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = await idle.read { $0.hasSuffix("hello") }
            let busy = try await RawClient(address, on: loop)
            await busy.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
            // The handler waits for the body: the request is under way.
            #expect(await busy.read { $0.hasSuffix("\r\n\r\n") } == "HTTP/1.1 100 Continue\r\n\r\n")
            server.drain()
            await busy.send("late")
            let answer = await busy.read()
            #expect(answer.hasSuffix("late"))
            #expect(answer.contains("Connection: close"))
            #expect(await idle.read() == "")
            busy.close()
            idle.close()
            await #expect(throws: SystemError.self) { _ = try await RawClient(address, on: loop) }
        }
    }

    @Test func `a slow reader holds its own answer back and nobody else's`() async throws {
        try await withServer { _, address, loop in
            let slow = try await RawClient(address, on: loop)
            for _ in 0..<40 { await slow.send("GET /long HTTP/1.1\r\nHost: a\r\n\r\n") }
            let quick = try await RawClient(address, on: loop)
            await quick.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await quick.read { $0.hasSuffix("hello") }.hasSuffix("hello"))
            quick.close()
            slow.close()
        }
    }
}
