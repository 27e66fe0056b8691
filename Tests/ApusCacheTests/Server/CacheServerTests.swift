import ApusCore
import ApusObserve
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusCache

/// The server on a real socket.
@Suite(.ownThread, .timeLimit(.minutes(5)))
struct CacheServerTests {
    /// Runs `body` with the port of a server on a loop of its own.
    func withServer<Result: Sendable>(
        _ change: (inout CacheServerConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (UInt16) throws -> Result
    ) async throws -> Result {
        try await withCacheServer(change) { try body($0.redis) }
    }

    @Test func `commands are served in order, however they are cut`() async throws {
        try await withServer { port in
            let client = try PlainConnection(port: port)
            var wire: [UInt8] = []
            for number in 0..<500 {
                wire += CoreClient.wire([Array("incrby".utf8), Array("n".utf8), Array("\(number)".utf8)])
            }
            var random = SeededRandom(seed: TestRun.seed)
            var start = 0
            while start < wire.count {
                let end = min(wire.count, start + Int.random(in: 1...700, using: &random))
                try client.send(Array(wire[start..<end]))
                start = end
            }
            var sum = 0
            for number in 0..<500 {
                sum += number
                #expect(try client.next() == .integer(sum))
            }
        }
    }

    @Test func `a value as large as may be comes back`() async throws {
        try await withServer { port in
            let client = try PlainConnection(port: port)
            let value = (0..<(16 << 20)).map { UInt8(truncatingIfNeeded: $0) }
            #expect(try client.call([Array("set".utf8), Array("a".utf8), value]) == .ok)
            #expect(try client.call("get", "a") == .bulk(value))
        }
    }

    @Test(arguments: ["*1\r\n$536870912\r\n", "*1\r\n+x\r\n", "GET \"a\r\n", "*99999999\r\n", "*-7\r\n"])
    func `garbage is told so, and cut off`(garbage: String) async throws {
        try await withServer { port in
            let client = try PlainConnection(port: port)
            try client.send(Array(garbage.utf8))
            guard case .error(let text) = try client.next() else {
                Issue.record("\(garbage) was not refused")
                return
            }
            #expect(text.hasPrefix("ERR Protocol error"))
            #expect(client.isClosed())
            #expect(try PlainConnection(port: port).call("ping") == .simple("PONG"))
        }
    }

    @Test func `a client that never reads is cut off, and the others go on`() async throws {
        try await withServer {
            $0.stallLimit = .milliseconds(300)
        } _: { port in
            let other = try PlainConnection(port: port)
            let client = try PlainConnection(port: port)
            try client.call([Array("set".utf8), Array("a".utf8), [UInt8](repeating: 7, count: 8 << 20)])
            // Gigabytes are asked for; what is kept is what one command may say.
            for _ in 0..<200 { try client.send(CoreClient.wire([Array("get".utf8), Array("a".utf8)])) }
            var isThere = true
            while isThere {
                let list = try other.call("client", "list").text ?? ""
                isThere = list.split(separator: "\n").count > 1
                let memory = try other.call("memory", "stats").elements ?? []
                let place = memory.firstIndex(of: .text("clients.bytes")) ?? 0
                #expect((memory[place + 1].integer ?? .max) < 64 << 20)
            }
            #expect(try other.call("ping") == .simple("PONG"))
        }
    }

    @Test func `a listener that never reads is cut off at its bound`() async throws {
        try await withServer {
            $0.valueBytesMax = 1 << 20
            $0.outputBytesMax = 4 << 20
        } _: { port in
            let (listener, speaker) = (try PlainConnection(port: port), try PlainConnection(port: port))
            try listener.call("subscribe", "c")
            let message = [UInt8](repeating: 1, count: 1 << 20)
            var heard = 1
            while heard > 0 {
                heard = try speaker.call([Array("publish".utf8), Array("c".utf8), message]).integer ?? 0
            }
            #expect(listener.isClosed())
        }
    }

    @Test func `so many clients and no more`() async throws {
        try await withServer {
            $0.clientsMax = 2
        } _: { port in
            let kept = [try PlainConnection(port: port), try PlainConnection(port: port)]
            for client in kept { #expect(try client.call("ping") == .simple("PONG")) }
            #expect(try PlainConnection(port: port).next() == .error("ERR max number of clients reached"))
            // Connected until here: they would close after their last use.
            withExtendedLifetime(kept) {}
        }
    }

    @Test func `listening for everybody takes a password`() async throws {
        let server = try CacheServer(metrics: Metrics())
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        await #expect(throws: ConfigurationError.self) {
            try await server.run(at: .inet(address: 0, port: 0), on: group.loops[0])
        }
    }

    @Test func `configurations that make no sense are refused`() {
        func refused(_ change: (inout CacheServerConfiguration) -> Void) -> Bool {
            var configuration = CacheServerConfiguration()
            change(&configuration)
            return (try? configuration.checked()) == nil
        }
        #expect(!refused { _ in })
        #expect(refused { $0.memoryBytesMax = 1000 })
        #expect(refused { $0.valueBytesMax = (512 << 20) + 1 })
        #expect(refused { $0.memcachedValueBytesMax = 10 })
        #expect(refused { $0.inputBytesMax = 1 << 20 })
        #expect(refused { $0.outputBytesMax = 1 << 20 })
        #expect(refused { $0.stallLimit = .zero })
        #expect(refused { $0.idleLimit = .zero })
        #expect(refused { $0.clientsMax = 0 })
        #expect(refused { $0.trackedKeysMax = 0 })
        #expect(refused { $0.password = Secret("") })
    }

    // MARK: Stock clients

    @Test(.needs(.redis)) func `redis-cli works on it unchanged`() async throws {
        try await withServer { port throws in
            func cli(_ words: String...) throws -> String {
                try output(of: "/usr/bin/redis-cli", ["-p", "\(port)"] + words)
            }
            #expect(try cli("set", "a", "1") == "OK\n")
            #expect(try cli("-3", "hset", "h", "f", "v") == "1\n")
            #expect(try cli("-3", "hgetall", "h") == "f v\n")
            #expect(try cli("--scan").split(separator: "\n").sorted() == ["a", "h"])
            #expect(try cli("info", "keyspace").contains("db0:keys=2"))
            #expect(try cli("command", "docs", "get").contains("Gets the value of a key"))
            #expect(try cli("--bigkeys").contains("Sampled 2 keys"))
        }
    }

    @Test(.needs(.redis)) func `redis-benchmark works on it unchanged`() async throws {
        try await withServer { port in
            let report = try output(
                of:
                    "/usr/bin/redis-benchmark",
                [
                    "-p", "\(port)", "-n", "1000", "-P", "8", "-c", "10", "--csv", "-t",
                    "ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange,mset",
                ]
            )
            #expect(!report.contains("ERR"))
            #expect(report.split(separator: "\n").count >= 18)
            #expect(!report.contains("WARNING"))
        }
    }

    @Test(.needs(.cachePython)) func `redis for Python works on it unchanged`() async throws {
        let python = try cachePython()
        try await withServer { port in
            let report = try output(of: python, ["\(testsFolder)/Cache/redis_test.py", "\(port)"])
            #expect(report.hasSuffix("all good\n"), "\(report)")
        }
    }

    @Test(.needs(.cachePython)) func `pymemcache works on its other port unchanged`() async throws {
        let python = try cachePython()
        try await withCacheServer { ports in
            let report = try output(of: python, ["\(testsFolder)/Cache/memcached_test.py", "\(ports.memcached)"])
            #expect(report.hasSuffix("all good\n"), "\(report)")
        }
    }

    private func cachePython() throws -> String {
        try #require(RealPart.cachePython.location, "APUS_TEST_ALL=1, but APUS_TEST_CACHE_PYTHON is not set")
    }
}
