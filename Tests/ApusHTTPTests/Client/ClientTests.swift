import ApusCore
import ApusHTTP
import ApusRuntime
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ClientTests {
    @Test func `requests share a connection, with lengths and with chunks`() async throws {
        try await withServer { server, address, loop in
            let client = Client(address, on: loop)
            for round in 0..<20 {
                var request = ClientRequest(.post, "/echo", body: Array("round \(round)".utf8))
                request.chunkBytes = round % 2 == 0 ? 3 : nil
                let response = try await client.send(request)
                #expect(response.status == .ok)
                #expect(response.text == "round \(round)")
            }
            #expect(server.connectionCount == 1)
            client.close()
        }
    }

    @Test func `a streamed answer with trailers is read whole`() async throws {
        try await withServer { _, address, loop in
            let client = Client(address, on: loop)
            let response = try await client.send(ClientRequest(.get, "/stream"))
            #expect(response.text.hasSuffix("line 999\n"))
            #expect(response.field("transfer-encoding") == "chunked")
            client.close()
        }
    }

    @Test func `an answer over the bound is refused and the next request still works`() async throws {
        try await withServer { _, address, loop in
            let client = Client(address, on: loop)
            await #expect(throws: ClientError.self) {
                _ = try await client.send(ClientRequest(.get, "/long"), bytesMax: 1000)
            }
            let next = try await client.send(ClientRequest(.get, "/hello"))
            #expect(next.text == "hello")
            client.close()
        }
    }

    @Test func `nobody there, a silent server and a full pool are told apart`() async throws {
        try await onLoop { loop in
            let nobody = Client(.unix(path: "/nowhere/s"), on: loop)
            let unreachable = await failure { _ = try await nobody.send(ClientRequest(.get, "/")) }
            #expect(unreachable?.code == .unreachable)
            let listener = try Listener(at: .loopback(port: 0), on: loop)
            let silent = Client(listener.address, on: loop, connectionsMax: 1)
            async let first = failure {
                _ = try await silent.send(ClientRequest(.get, "/"), within: .milliseconds(60))
            }
            async let second = failure {
                _ = try await silent.send(ClientRequest(.get, "/"), within: .milliseconds(10))
            }
            #expect(await first?.code == .timedOut)
            #expect(await second?.code == .timedOut)
            listener.close()
        }
    }

    @Test(arguments: ["no slash", "/with space", "/line\r\nX: y"])
    func `a target that is no encoded path is never sent`(target: String) async throws {
        try await onLoop { loop in
            let listener = try Listener(at: .loopback(port: 0), on: loop)
            let real = Client(listener.address, on: loop)
            #expect(await failure { _ = try await real.send(ClientRequest(.get, target)) }?.code == .badRequest)
            listener.close()
        }
    }

    @Test func `an answer that is no HTTP is said so`() async throws {
        try await onLoop { loop in
            let listener = try Listener(at: .loopback(port: 0), on: loop)
            let address = listener.address
            async let error = failure {
                let client = Client(address, on: loop)
                _ = try await client.send(ClientRequest(.get, "/"))
            }
            let channel = try #require(await listener.accept())
            let answer = Array("HTTP/1.1 200 OK\nContent-Length: 0\n\n".utf8)
            _ = answer.withUnsafeBytes { channel.send($0) }
            #expect(await error?.code == .malformedResponse)
            channel.close()
            listener.close()
        }
    }
}

/// The client's error that `body` throws, or `nil`.
func failure(_ body: () async throws -> Void) async -> ClientError? {
    do {
        try await body()
        return nil
    } catch { return error as? ClientError }
}

/// Runs `body` on a loop of its own.
func onLoop(_ body: @escaping @Sendable (EventLoop) async throws -> Void) async throws {
    let group = try LoopGroup(count: 1)
    let result = await Task(executorPreference: group.loops[0]) { try await body(group.loops[0]) }.result
    await Task.detached { group.shutdown() }.value
    try result.get()
}
