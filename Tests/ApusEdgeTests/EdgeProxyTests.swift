import ApusCore
import ApusEdge
import ApusHTTP
import ApusObserve
import ApusRuntime
import Testing

@Suite(.timeLimit(.minutes(5)))
struct EdgeProxyTests {
    @Test(arguments: [EdgeConfiguration.Balancing.peakEWMA, .roundRobin, .leastRequests])
    func `requests reach every replica over kept connections`(balancing: EdgeConfiguration.Balancing) async throws {
        var configuration = EdgeConfiguration()
        configuration.balancing = balancing
        configuration.healthPath = nil
        let metrics = Metrics()
        try await withEdge(configuration: configuration, metrics: metrics) { _, address, _, loop in
            var seen: Set<String> = []
            for _ in 0..<20 {
                let answers = try await withThrowingTaskGroup(of: String.self) { group in
                    for _ in 0..<4 {
                        group.addTask(executorPreference: loop) {
                            let client = Client(address, on: loop)
                            defer { client.close() }
                            return try await client.send(ClientRequest(.get, "/who")).text
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                seen.formUnion(answers)
            }
            #expect(seen == ["replica-0", "replica-1"])
        }
        let opened = metrics.counter("edge_upstream_connections_total", help: "").value
        #expect(metrics.counter("edge_upstream_requests_total", help: "").value == 80)
        #expect(opened <= 8)
    }

    @Test func `a replica learns who asked, and a client's own claims are replaced`() async throws {
        try await withEdge { _, address, _, loop in
            let client = Client(address, on: loop, host: "shop.example:8080")
            defer { client.close() }
            let fields: [(name: String, value: String)] = [
                ("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("Forwarded", "for=6.6.6.6"),
                ("Connection", "x-secret"), ("X-Secret", "hop"), ("TE", "trailers"), ("X-Request-Id", "abc-123"),
                ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ]
            let response = try await client.send(ClientRequest(.get, "/fields", fields: fields))
            let lines = response.text.split(separator: "\n")
            #expect(lines.contains("host=shop.example:8080"))
            #expect(lines.contains("xForwardedFor=127.0.0.1"))
            #expect(lines.contains("xForwardedHost=shop.example:8080"))
            #expect(lines.contains("xForwardedProto=http"))
            #expect(lines.contains(#"forwarded=for=127.0.0.1;host="shop.example:8080";proto=http"#))
            #expect(lines.contains("xRequestID=abc-123"))
            #expect(lines.contains { $0.hasPrefix("traceparent=00-0af7651916cd43dd8448eb211c80319c-") })
            #expect(lines.contains("connection=-"))
            #expect(lines.contains("te=-"))
            #expect(response.field("X-Request-Id") == "abc-123")
            let other = try await client.send(ClientRequest(.get, "/fields"))
            #expect(other.field("X-Request-Id")?.count == 32)
        }
    }

    @Test(arguments: [nil, 7, 5000])
    func `bodies stream through both ways, whole and in order`(chunk: Int?) async throws {
        try await withEdge { _, address, _, loop in
            let client = Client(address, on: loop)
            defer { client.close() }
            let body = (0..<(chunk == 7 ? 20_000 : 700_000)).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            var request = ClientRequest(.post, "/echo", body: body)
            request.chunkBytes = chunk
            let response = try await client.send(request)
            #expect(response.status == .ok)
            #expect(response.body == body)
            let who = try await client.send(ClientRequest(.get, "/who"))
            #expect(who.status == .ok)
        }
    }

    @Test func `a client that takes its answer slowly gets all of it, and holds nobody else back`() async throws {
        try await withEdge { _, address, _, loop in
            let slow = try await Channel.connect(to: address, on: loop, by: loop.now + .seconds(5))
            let request = Array("GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".utf8)
            _ = request.withUnsafeBytes { slow.send($0) }
            let client = Client(address, on: loop)
            let who = try await client.send(ClientRequest(.get, "/who"))
            #expect(who.status == .ok)
            client.close()
            var count = 0
            var chunk = [UInt8](repeating: 0, count: 3000)
            reading: while true {
                switch chunk.withUnsafeMutableBytes({ slow.receive(into: $0) }) {
                case .bytes(let more): count += more
                case .wouldBlock:
                    if await slow.readable(by: loop.clock.now() + .seconds(5)) != .ready { break reading }
                case .end, .failed: break reading
                }
                await Task.yield()
            }
            slow.close()
            #expect(count > 2_000_000 && count < 2_001_000)
        }
    }

    @Test func `HEAD, an old client, and requests sent ahead get what they should`() async throws {
        try await withEdge { _, address, _, loop in
            let head = try await raw(
                Array("HEAD /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".utf8),
                to: address,
                on: loop
            )
            #expect(head.contains("Content-Length: 2000000\r\n"))
            #expect(head.hasSuffix("\r\n\r\n"))
            let old = try await raw(
                Array("POST /echo HTTP/1.0\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc".utf8),
                to: address,
                on: loop
            )
            #expect(!old.contains("chunked"))
            #expect(old.hasSuffix("\r\n\r\nabc"))
            let ahead = try await raw(
                Array(
                    ("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345"
                        + "POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
                        + "GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").utf8
                ),
                to: address,
                on: loop
            )
            let parts = ahead.split(separator: "HTTP/1.1 200 OK")
            #expect(parts.count == 3)
            #expect(parts.first?.hasSuffix("\r\n\r\n5") == true)
            #expect(parts.dropFirst().first?.hasSuffix("\r\n\r\n2") == true)
        }
    }

    @Test func `100 Continue comes from the replica`() async throws {
        try await withEdge { _, address, _, loop in
            let text = try await raw(
                Array("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n".utf8),
                to: address,
                on: loop
            ) { $0.contains("\r\n\r\n") }
            #expect(text.hasPrefix("HTTP/1.1 100 Continue\r\n\r\n"))
        }
    }

    @Test func `a replica that does not answer in time is 504`() async throws {
        var configuration = EdgeConfiguration()
        configuration.responseLimit = .milliseconds(20)
        configuration.healthPath = nil
        try await withEdge(replicas: 1, configuration: configuration) { _, address, replicas, loop in
            let client = Client(address, on: loop)
            defer { client.close() }
            let late = try await client.send(ClientRequest(.get, "/held"))
            #expect(late.status.code == 504)
            #expect(late.field("Content-Type") == "application/problem+json")
            replicas[0].gate.open()
        }
    }

    @Test func `with a dead replica there is 502, without one 503`() async throws {
        var configuration = EdgeConfiguration()
        configuration.healthPath = nil
        try await withEdge(replicas: 1, configuration: configuration) { edge, address, replicas, loop in
            let client = Client(address, on: loop)
            defer { client.close() }
            await replicas[0].kill()
            let dead = try await client.send(ClientRequest(.get, "/who"))
            #expect(dead.status.code == 502)
            edge.setReplicas([])
            let none = try await client.send(ClientRequest(.get, "/who"))
            #expect(none.status.code == 503)
            #expect(none.field("Retry-After") == "1")
            #expect(none.text.contains(#""code":"edge.noReplica""#))
        }
    }

    @Test func `a replica killed under load costs nothing that is safe to repeat`() async throws {
        try await withEdge(replicas: 2) { _, address, replicas, loop in
            let failures = Lock(0)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask(executorPreference: loop) {
                        let client = Client(address, on: loop)
                        defer { client.close() }
                        for _ in 0..<60 {
                            let response = try? await client.send(ClientRequest(.get, "/who"))
                            if response?.status != .ok { failures.withLock { $0 += 1 } }
                        }
                    }
                }
                group.addTask(executorPreference: loop) {
                    for _ in 0..<20 { await Task.yield() }
                    await replicas[0].kill()
                }
            }
            #expect(failures.withLock { $0 } == 0)
        }
    }

    @Test func `replicas come and go under load and nothing fails`() async throws {
        try await withEdge(replicas: 3) { edge, address, replicas, loop in
            let failures = Lock(0)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask(executorPreference: loop) {
                        let client = Client(address, on: loop)
                        defer { client.close() }
                        for round in 0..<80 {
                            let request =
                                round % 3 == 0
                                ? ClientRequest(.post, "/length", body: [1, 2, 3]) : ClientRequest(.get, "/who")
                            let response = try? await client.send(request)
                            if response?.status != .ok { failures.withLock { $0 += 1 } }
                        }
                    }
                }
                group.addTask(executorPreference: loop) {
                    for round in 0..<30 {
                        edge.setReplicas((0...(round % 3)).map { replicas[($0 + round) % 3].replica })
                        for _ in 0..<5 { await Task.yield() }
                    }
                }
            }
            #expect(failures.withLock { $0 } == 0)
        }
    }

    @Test func `what is no request is refused at the edge`() async throws {
        let metrics = Metrics()
        try await withEdge(metrics: metrics) { _, address, _, loop in
            for request in [
                "GET / HTTP/1.1\nHost: a\n\n", "GET /who HTTP/1.1\r\nHost : a\r\n\r\n", "GET /who HTTP/1.1\r\n\r\n",
                "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0_2e\r\n\r\n",
            ] {
                let answer = try await raw(Array(request.utf8), to: address, on: loop)
                #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(request): \(answer)")
                #expect(answer.contains("Connection: close"))
            }
        }
    }

    @Test(arguments: ["HTTP/1.1 200 OK\nContent-Length: 0\n\n", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Le"])
    func `a replica that talks nonsense gets its client 502`(answer: String) async throws {
        var configuration = EdgeConfiguration()
        configuration.healthPath = nil
        try await withEdge(replicas: 0, configuration: configuration) { edge, address, _, loop in
            let listener = try Listener(at: .loopback(port: 0), on: loop)
            edge.setReplicas([EdgeProxy.Replica(id: "bad", address: listener.address)])
            async let response: ClientResponse = {
                let client = Client(address, on: loop)
                defer { client.close() }
                return try await client.send(ClientRequest(.post, "/x", body: [1]))
            }()
            if let channel = await listener.accept() {
                _ = await channel.readable(by: loop.now + .seconds(5))
                let bytes = Array(answer.utf8)
                _ = bytes.withUnsafeBytes { channel.send($0) }
                channel.close()
            }
            #expect(try await response.status.code == 502)
            listener.close()
        }
    }

    @Test func `a head in single bytes is put together`() async throws {
        try await withEdge { _, address, _, loop in
            let channel = try await Channel.connect(to: address, on: loop, by: loop.now + .seconds(5))
            for byte in Array("GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".utf8) {
                _ = withUnsafeBytes(of: byte) { channel.send($0) }
                await Task.yield()
                await Task.yield()
            }
            var chunk = [UInt8](repeating: 0, count: 4096)
            _ = await channel.readable(by: loop.clock.now() + .seconds(5))
            guard case .bytes(let count) = chunk.withUnsafeMutableBytes({ channel.receive(into: $0) }) else {
                Issue.record("no answer")
                return
            }
            #expect(String(decoding: chunk[..<count], as: UTF8.self).contains("replica-"))
            channel.close()
        }
    }

    @Test func `a drain finishes what is under way`() async throws {
        try await withEdge(replicas: 1) { edge, address, replicas, loop in
            async let answer = raw(
                Array("GET /held HTTP/1.1\r\nHost: a\r\n\r\n".utf8),
                to: address,
                on: loop
            )
            await replicas[0].gate.arrival()
            edge.drain()
            replicas[0].gate.open()
            let text = try await answer
            #expect(text.contains("held replica-0"))
            #expect(text.contains("Connection: close"))
        }
    }
}
