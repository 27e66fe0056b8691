import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime
import ApusTesting
import Testing

/// Waits until the server has let go of every connection, and says whether it did within 10 s.
private func isLetGo(_ server: Server<TestHandler>, on loop: EventLoop) async throws -> Bool {
    let deadline = loop.now + .seconds(10)
    while server.connectionCount > 0 {
        if loop.now > deadline { return false }
        try await loop.sleep(for: .milliseconds(2))
    }
    return true
}

/// One request over a connection of its own: the answer up to the connection's end.
private func ask(_ request: [UInt8], _ address: SocketAddress, on loop: EventLoop) async throws -> String {
    let client = try await RawClient(address, on: loop)
    await client.send(request)
    let answer = await client.read()
    client.close()
    return answer
}

private func isAlive(_ address: SocketAddress, on loop: EventLoop) async throws -> Bool {
    try await ask(Array("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".utf8), address, on: loop)
        .hasSuffix("\r\n\r\nhello")
}

@Suite(.timeLimit(.minutes(5)))
struct BadClientTests {
    @Test func `a request torn anywhere in two gets the same answer`() async throws {
        try await withServer { server, address, loop async throws in
            let first = "POST /echo?a=b HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n"
            let request = Array(
                (first + "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n"
                    + "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").utf8
            )
            for split in 1..<request.count {
                let client = try await RawClient(address, on: loop)
                await client.send(Array(request[..<split]))
                // The server sees the first part alone: it shares this loop.
                for _ in 0..<3 { await Task.yield() }
                await client.send(Array(request[split...]))
                let answer = await client.read()
                #expect(answer.contains("\r\n\r\nabcdeHTTP/1.1 200 OK"), "split at \(split): \(answer)")
                #expect(answer.hasSuffix("\r\n\r\nhello"), "split at \(split)")
                client.close()
            }
            #expect(try await isLetGo(server, on: loop))
        }
    }

    static let refused: [(name: String, request: [UInt8], status: Int)] = {
        let host = "Host: a\r\n"
        func head(_ text: String) -> [UInt8] { Array(("GET /hello HTTP/1.1\r\n" + text).utf8) }
        return [
            (
                "a head over 32 KiB",
                head(host + "A: " + String(repeating: "a", count: 7000) + "\r\n")
                    + Array(repeating: "B: \(String(repeating: "b", count: 7000))\r\n", count: 5).joined().utf8, 431
            ),
            ("a field that never ends", head(host + "A: " + String(repeating: "a", count: 40_000)), 431),
            ("129 fields", head(host + (0..<128).map { "F\($0): x\r\n" }.joined() + "\r\n"), 431),
            ("a long target", Array("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\n\(host)\r\n".utf8), 414),
            ("a target that never ends", Array("GET /\(String(repeating: "a", count: 20_000))".utf8), 414),
            ("a method that never ends", Array(String(repeating: "A", count: 9000).utf8), 400),
            (
                "a raw byte in the path", Array("GET /".utf8) + [0xFF, 0xFE] + Array(" HTTP/1.1\r\n\(host)\r\n".utf8),
                400
            ),
            ("NUL in a value", head(host + "A: b\0c\r\n\r\n"), 400),
            ("NUL at once", [0, 0, 0, 0, 13, 10, 13, 10], 400),
            ("TLS", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03, 13, 10, 13, 10], 400),
            ("HTTP/2", Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8), 505),
        ]
    }()

    @Test(arguments: refused)
    func `what is no request is refused by name and the connection ends`(
        name: String,
        request: [UInt8],
        status: Int
    ) async throws {
        try await withServer { server, address, loop async throws in
            let answer = try await ask(request, address, on: loop)
            let allowed = status == 400 || status == 505 ? [400, 414, 501, 505] : [status]
            #expect(allowed.contains(Int(answer.dropFirst(9).prefix(3)) ?? 0), "\(name): \(answer.prefix(200))")
            #expect(answer.contains("Connection: close\r\n"))
            #expect(answer.components(of: "HTTP/1.1 ") == 1)
            #expect(try await isAlive(address, on: loop))
            #expect(try await isLetGo(server, on: loop))
        }
    }

    @Test func `bytes that are no UTF-8 in a field are the handler's to judge, and pass no text`() async throws {
        try await withServer { server, address, loop async throws in
            let request =
                Array("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Name: ".utf8)
                + [0xC3, 0x28, 0xFF] + Array("\r\n\r\n".utf8)
            let answer = try await ask(request, address, on: loop)
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            #expect(try await isLetGo(server, on: loop))
        }
    }

    @Test func `a body that comes too slowly is cut off with 408, and holds up nobody`() async throws {
        var configuration = ServerConfiguration()
        configuration.bodyLimit = .milliseconds(50)
        try await withServer(configuration: configuration) { server, address, loop async throws in
            var slow: [RawClient] = []
            for _ in 0..<20 {
                let client = try await RawClient(address, on: loop)
                await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
                slow.append(client)
            }
            #expect(try await isAlive(address, on: loop))
            for client in slow {
                #expect(await client.read().hasPrefix("HTTP/1.1 408 "))
                client.close()
            }
            #expect(try await isLetGo(server, on: loop))
        }
    }

    @Test func `a client that says it sends no more still gets its answer`() async throws {
        try await withServer { server, address, loop async throws in
            for request in [
                "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n", "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
            ] {
                let client = try await RawClient(address, on: loop)
                await client.send(request)
                client.channel.shutdownWriting()
                let answer = await client.read()
                #expect(answer.hasPrefix("HTTP/1.1 200"), "\(request)")
                client.close()
            }
            // Half a head, half a body, nothing at all: nobody is left to answer.
            for request in ["", "GET /he", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na"] {
                let client = try await RawClient(address, on: loop)
                await client.send(request)
                client.channel.shutdownWriting()
                #expect(!(await client.read()).contains("200 OK"))
                client.close()
            }
            #expect(try await isLetGo(server, on: loop))
        }
    }

    @Test func `clients that leave in the middle of an answer are let go`() async throws {
        try await withServer { server, address, loop async throws in
            for index in 0..<40 {
                let client = try await RawClient(address, on: loop)
                await client.send("GET /long HTTP/1.1\r\nHost: a\r\n\r\nGET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
                if index % 2 == 0 { _ = await client.channel.readable(by: loop.now + .seconds(5)) }
                if index % 3 == 0 { client.channel.abort() } else { client.close() }
            }
            #expect(try await isAlive(address, on: loop))
            #expect(try await isLetGo(server, on: loop))
        }
    }

    @Test func `200 random connections leave a server that answers and holds none of them`() async throws {
        let seed = TestRun.seed
        var configuration = ServerConfiguration()
        configuration.headLimit = .milliseconds(300)
        configuration.bodyLimit = .milliseconds(300)
        configuration.idleLimit = .milliseconds(300)
        try await withServer(configuration: configuration) { server, address, loop async throws in
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    // Ten at a time.
                    if number >= 10 { await group.next() }
                    group.addTask(executorPreference: loop) {
                        var random = SeededRandom(seed: seed ^ UInt64(number) &* 0x9E37)
                        guard let client = try? await RawClient(address, on: loop) else { return }
                        var left = randomBytes(&random)
                        while !left.isEmpty {
                            let count = min(left.count, 1 + Int(random.next() % 400))
                            await client.send(Array(left[..<count]))
                            left.removeFirst(count)
                            if random.next() % 4 == 0 { await Task.yield() }
                        }
                        switch random.next() % 4 {
                        case 0: client.channel.abort()
                        case 1: client.close()
                        case 2:
                            client.channel.shutdownWriting()
                            _ = await client.read()
                            client.close()
                        default:
                            _ = await client.read()
                            client.close()
                        }
                    }
                }
                await group.waitForAll()
            }
            #expect(try await isAlive(address, on: loop), "seed \(seed)")
            #expect(try await isLetGo(server, on: loop), "seed \(seed)")
        }
    }
}

/// Something between a good request and noise.
private func randomBytes(_ random: inout SeededRandom) -> [UInt8] {
    let parts = [
        "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "GET /stream HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
        "HEAD /long HTTP/1.1\r\n",
        "Host: a\r\n\r\n", "POST /ignore HTTP/1.0\r\nContent-Length: 1\r\n\r\nxGET ", "\r\n\r\n", "0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n", "Content-Length: 99999\r\n", "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n",
    ]
    var bytes: [UInt8] = []
    for _ in 0..<1 + random.next() % 5 { bytes += parts[Int(random.next() % UInt64(parts.count))].utf8 }
    for _ in 0..<random.next() % 4 where !bytes.isEmpty {
        let place = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 3 {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: place)
        default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
        }
    }
    return bytes
}

extension String {
    /// How often `part` is in the text.
    fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
