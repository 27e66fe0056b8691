import ApusCore
import ApusObserve
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusCache

/// The second port on a real socket: clients that ask for too much are bounded.
@Suite(.ownThread, .timeLimit(.minutes(5)))
struct MemcachedPortTests {
    private func text(_ connection: PlainConnection, _ request: String) throws -> String {
        String(decoding: try connection.exchange(Array(request.utf8)), as: UTF8.self)
    }

    @Test func `a value as large as may be comes back`() async throws {
        try await withCacheServer { ports in
            let client = try PlainConnection(port: ports.memcached)
            let value = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0) }
            let stored = try client.exchange(Array("set a 0 0 \(value.count)\r\n".utf8) + value + [13, 10])
            #expect(stored == Array("STORED\r\n".utf8))
            let got = try client.exchange(Array("get a\r\n".utf8))
            #expect(got == Array("VALUE a 0 \(value.count)\r\n".utf8) + value + Array("\r\nEND\r\n".utf8))
        }
    }

    @Test(arguments: [
        "set a 0 0 536870912\r\n", "GET / HTTP/1.1\r\n", "ms a 536870912 T1\r\n",
        String(repeating: "x", count: 4000), "delete " + String(repeating: "x", count: 4000) + "\r\n",
    ])
    func `garbage, and who asks for 512 MB, is told so and cut off`(garbage: String) async throws {
        try await withCacheServer { ports in
            let client = try PlainConnection(port: ports.memcached)
            try client.send(Array(garbage.utf8))
            let answer = String(decoding: try client.some(), as: UTF8.self)
            #expect(answer.contains("_ERROR"), "\(answer)")
            #expect(client.isClosed())
            #expect(try text(try PlainConnection(port: ports.memcached), "get a\r\n") == "END\r\n")
        }
    }

    @Test func `a client that never reads is cut off, and the others go on`() async throws {
        try await withCacheServer {
            $0.stallLimit = .milliseconds(300)
        } _: { ports in
            let redis = try PlainConnection(port: ports.redis)
            let client = try PlainConnection(port: ports.memcached)
            let value = String(repeating: "v", count: 1 << 20)
            #expect(try text(client, "set a 0 0 \(value.utf8.count)\r\n\(value)\r\n") == "STORED\r\n")
            for _ in 0..<1000 { try client.send(Array("mg a v\r\n".utf8)) }
            var isThere = true
            while isThere {
                let list = try redis.call("client", "list").text ?? ""
                isThere = list.split(separator: "\n").count > 1
                let memory = try redis.call("memory", "stats").elements ?? []
                let place = memory.firstIndex(of: .text("clients.bytes")) ?? 0
                #expect((memory[place + 1].integer ?? .max) < 64 << 20)
            }
            #expect(try text(try PlainConnection(port: ports.memcached), "mg a s\r\n") == "HD s1048576\r\n")
        }
    }

    @Test func `so many clients and no more, of both kinds together`() async throws {
        try await withCacheServer {
            $0.clientsMax = 2
        } _: { ports in
            let kept = [try PlainConnection(port: ports.memcached), try PlainConnection(port: ports.redis)]
            #expect(try text(kept[0], "") == "")
            #expect(try kept[1].call("ping") == .simple("PONG"))
            let refused = String(decoding: try PlainConnection(port: ports.memcached).some(), as: UTF8.self)
            #expect(refused == "SERVER_ERROR max number of clients reached\r\n")
            // Connected until here: they would close after their last use.
            withExtendedLifetime(kept) {}
        }
    }

    @Test func `its port takes a password for everybody too`() async throws {
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        let server = try CacheServer(metrics: Metrics())
        await #expect(throws: ConfigurationError.self) {
            try await server.run(
                at: .loopback(port: 0),
                memcachedAt: .inet(address: 0, port: 0),
                on: group.loops[0]
            )
        }
    }
}
