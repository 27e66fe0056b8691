import ApusCore
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusCache

/// The client on a real Redis Cluster of three masters, whose slots move.
@Suite(.needs(.redisCluster), .serialized, .ownThread, .timeLimit(.minutes(3)))
struct RESPClusterTests {
    private let url: String

    init() throws {
        url = try #require(RealPart.redisCluster.location, "APUS_TEST_ALL=1, but APUS_TEST_REDIS_CLUSTER is not set")
    }

    /// What an administrator does: one plain connection to each node.
    private final class Administrator {
        struct Node {
            let port: UInt16
            let id: String
            let connection: PlainConnection
        }
        let nodes: [Node]

        init(_ url: String) throws {
            nodes = try url.split(separator: ",").map { place in
                let port = try #require(place.split(separator: ":").last.flatMap { UInt16($0) })
                let connection = try PlainConnection(port: port)
                return Node(port: port, id: try connection.call("cluster", "myid").text ?? "", connection: connection)
            }
        }

        /// The index of the node that has a slot.
        func owner(of slot: Int) throws -> Int {
            let reply = try nodes[0].connection.call("cluster", "slots")
            let map = try #require(ClusterMap(reply, of: .host("127.0.0.1", port: nodes[0].port)))
            return try #require(nodes.firstIndex { .host("127.0.0.1", port: $0.port) == map.node(ofSlot: slot) })
        }

        func begin(_ slot: Int, from: Int, to: Int) throws {
            try nodes[to].connection.call("cluster", "setslot", "\(slot)", "importing", nodes[from].id)
            try nodes[from].connection.call("cluster", "setslot", "\(slot)", "migrating", nodes[to].id)
        }

        /// Moves up to so many of a slot's keys; false where none was left.
        func moveKeys(_ slot: Int, from: Int, to: Int, most: Int) throws -> Bool {
            let keys = try nodes[from].connection.call("cluster", "getkeysinslot", "\(slot)", "\(most)").elements ?? []
            if keys.isEmpty { return false }
            let words =
                ["migrate", "127.0.0.1", "\(nodes[to].port)", "", "0", "5000", "keys"] + keys.compactMap(\.text)
            let reply = try nodes[from].connection.call(words.map { Array($0.utf8) })
            try #require(reply == .ok, "\(reply)")
            return true
        }

        func finish(_ slot: Int, to: Int) throws {
            for index in [to] + nodes.indices.filter({ $0 != to }) {
                try nodes[index].connection.call("cluster", "setslot", "\(slot)", "node", nodes[to].id)
            }
        }
    }

    @Test func `keys find their nodes, and rows of commands their order`() async throws {
        let prefix = "t:\(SecureRandom.token(bits: 64)):"
        try await withClient(url) { client in
            let keys = (0..<300).map { RESPArgument.text("\(prefix)\($0)") }
            for (number, key) in keys.enumerated() {
                #expect(try await client.send(RESPCommand("SET", key, .number(number), "EX", 60)) == .ok)
            }
            let replies = try await client.send(keys.map { RESPCommand("GET", $0) })
            #expect(replies == keys.indices.map { .text("\($0)") })
            #expect(client.core.cluster?.masters.count == 3)
            #expect(try await client.send(RESPCommand("PING")) == .simple("PONG"))
            let tagged = (0..<3).map { RESPArgument.text("{\(prefix)}\($0)") }
            _ = try await client.send(RESPCommand("MSET", tagged.flatMap { [$0, "v"] }))
            #expect(try await client.send(RESPCommand("MGET", tagged)) == .texts("v", "v", "v"))
            #expect(try await client.send(RESPCommand("DEL", tagged)) == .integer(3))
            #expect(await code { try await client.send(RESPCommand("MGET", keys)) } == .keysApart)
            let script = RESPScript("return {KEYS[1], ARGV[1]}")
            #expect(try await client.run(script, keys: [keys[0]], ["x"]) == .texts(prefix + "0", "x"))
        }
    }

    @Test func `a transaction on the node of its key`() async throws {
        try await withClient(url) { client in
            let key = "t:\(SecureRandom.token(bits: 64))"
            let reply = try await client.exclusively(for: key) { connection in
                _ = try await connection.send(RESPCommand("WATCH", .text(key)))
                _ = try await connection.send(RESPCommand("MULTI"))
                _ = try await connection.send(RESPCommand("SET", .text(key), "1", "EX", 60))
                return try await connection.send(RESPCommand("EXEC"))
            }
            #expect(reply == .array([.ok]))
            #expect(await code { try await client.exclusively { _ in } } == .keysApart)
        }
    }

    @Test func `slots move under load, and nothing is lost or done twice`() async throws {
        let tags = (0..<3).map { _ in "t:\(SecureRandom.token(bits: 64))" }
        let administrator = try Administrator(url)
        try await withClient(url) { client in
            let done = Lock(false)
            let counts = try await withThrowingTaskGroup(of: (String, Int).self) { group in
                for task in 0..<12 {
                    let key = "{\(tags[task % tags.count])}\(task)"
                    group.addTask {
                        var count = 0
                        while !done.withLock({ $0 }) || count < 100 {
                            count += 1
                            #expect(try await client.send(RESPCommand("INCR", .text(key))) == .integer(count))
                            // Two keys at once, which may be apart for a moment while their slot moves.
                            _ = try await client.send(RESPCommand("MGET", .text(key), .text(key + "x")))
                            let row = try await client.send([
                                RESPCommand("INCR", .text(key + "x")), RESPCommand("GET", .text(key)),
                            ])
                            #expect(row == [.integer(count), .text("\(count)")])
                        }
                        return (key, count)
                    }
                }
                let pool = BlockingPool(threadsMax: 1)
                defer { pool.shutdown() }
                let held = Unshared(administrator)
                for round in 0..<6 {
                    let slot = ClusterSlot.of(tags[round % tags.count].utf8)
                    try await pool.run {
                        let from = try held.value.owner(of: slot)
                        let to = (from + 1) % held.value.nodes.count
                        try held.value.begin(slot, from: from, to: to)
                        while try held.value.moveKeys(slot, from: from, to: to, most: 1) {}
                        try held.value.finish(slot, to: to)
                    }
                }
                done.withLock { $0 = true }
                var counts: [String: Int] = [:]
                while let (key, count) = try await group.next() { counts[key] = count }
                return counts
            }
            for (key, count) in counts {
                #expect(try await client.send(RESPCommand("GET", .text(key))) == .text("\(count)"))
                #expect(try await client.send(RESPCommand("DEL", .text(key), .text(key + "x"))) == .integer(2))
            }
        }
    }

    @Test func `changes on every node are heard`() async throws {
        let prefix = "t:\(SecureRandom.token(bits: 64)):"
        let heard = Lock<Set<String>>([])
        let lost = Count()
        try await withClient(url) { client in
            let tracking = try client.track(
                prefixes: [Array(prefix.utf8)],
                RESPTracking.Handlers(
                    onInvalidate: { keys in
                        let names = (keys ?? []).map { String(decoding: $0, as: UTF8.self) }
                        heard.withLock { $0.formUnion(names) }
                    },
                    onLost: { _ in lost.up() },
                    onEstablished: {}
                )
            )
            await eventually { tracking.isEstablished }
            let keys = (0..<50).map { "\(prefix)\($0)" }
            for key in keys { _ = try await client.send(RESPCommand("SET", .text(key), "v", "EX", 60)) }
            await eventually { heard.withLock { $0 } == Set(keys) }
            #expect(lost.value == 0)
            tracking.close()
        }
    }

    @Test func `messages reach whoever listens to another node`() async throws {
        let channel = "t:\(SecureRandom.token(bits: 64))"
        try await withClient(url) { client in
            var messages = try client.subscribe(channels: [channel]).makeAsyncIterator()
            #expect(await messages.next() == .established)
            let other = try Administrator(url).nodes[2].connection
            #expect(try other.call("publish", channel, "m") == .integer(0))
            #expect(await messages.next() == .message(channel: channel, pattern: nil, payload: Array("m".utf8)))
        }
    }

    @Test(.needs(.redis)) func `a server that is no cluster says what to write`() async throws {
        let one = try #require(RealPart.redis.location).replacing("redis://", with: "redis+cluster://")
        let error = await failure { try await withClient(one) { try await $0.send(RESPCommand("GET", "a")) } }
        #expect((error as? RESPClientError)?.detail.contains("redis://") == true, "\(String(describing: error))")
    }

    @Test func `a node that is frozen keeps only its own keys from being served`() async throws {
        try await OwnServers.with { servers in
            // A cluster of the test's own, without replicas.
            let ports = try (0..<3).map { _ in try FreePort.take() }
            let buses = try (0..<3).map { _ in try FreePort.take() }
            for index in 0..<3 {
                try await servers.start(
                    port: ports[index],
                    "--cluster-enabled yes --cluster-config-file n\(index).conf --cluster-port \(buses[index])",
                    "--cluster-require-full-coverage no --cluster-node-timeout 60000"
                )
            }
            let pool = BlockingPool(threadsMax: 1)
            defer { pool.shutdown() }
            try await pool.run {
                for index in 0..<3 {
                    let connection = try PlainConnection(port: ports[index])
                    let (first, last) = (index * 16384 / 3, (index + 1) * 16384 / 3 - 1)
                    #expect(try connection.call("cluster", "addslotsrange", "\(first)", "\(last)") == .ok)
                    let other = (index + 1) % 3
                    #expect(
                        try connection.call("cluster", "meet", "127.0.0.1", "\(ports[other])", "\(buses[other])") == .ok
                    )
                }
            }
            let list = ports.map { "127.0.0.1:\($0)" }.joined(separator: ",")
            try await withClient("redis+cluster://\(list)") {
                $0.commandLimit = .milliseconds(300)
                $0.silenceLimit = .milliseconds(100)
                $0.connectLimit = .milliseconds(200)
            } _: { client async throws in
                // Each node's keys, once all know of each other.
                var keys: [Int: RESPArgument] = [:]
                var number = 0
                while keys.count < 3 {
                    keys[ClusterSlot.of("\(number)".utf8) * 3 / 16384] = .text("\(number)")
                    number += 1
                }
                for key in keys.values {
                    await eventually { (try? await client.send(RESPCommand("SET", key, "v"))) == .ok }
                }
                servers.signal(SIGSTOP, ports[0])
                let began = SystemClock().now()
                #expect(await code { try await client.send(RESPCommand("GET", keys[0] ?? "")) } == .timedOut)
                for _ in 0..<5 {
                    _ = await failure { try await client.send(RESPCommand("GET", keys[0] ?? "")) }
                    #expect(try await client.send(RESPCommand("GET", keys[1] ?? "")) == .text("v"))
                    #expect(try await client.send(RESPCommand("GET", keys[2] ?? "")) == .text("v"))
                }
                #expect((SystemClock().now() - began).seconds < 20)
                servers.signal(SIGCONT, ports[0])
                await eventually { (try? await client.send(RESPCommand("GET", keys[0] ?? ""))) == .text("v") }
            }
        }
    }
}
