#if PostgreSQL
import ApusCore
import ApusRuntime
import ApusStore
import ApusTesting
import Testing

/// Reads answered by a streaming replica: never older than the caller allows.
@Suite(.needsServer, .serialized, .ownThread, .timeLimit(.minutes(5)))
struct PostgresReplicaTests {
    /// A server with a follower, and a store with one product that knows both.
    private struct Pair {
        let primary: TestServer
        let follower: TestServer
        let store: Store
        let shard: Shard<Int>

        init(_ configuration: StoreConfiguration = StoreConfiguration()) async throws {
            primary = try await TestServer.start()
            // Its tables are there before anybody follows.
            await (try await openStore(primary.url)).close()
            follower = try await primary.follower()
            let url = primary.url(database: "postgres?replica=127.0.0.1:\(follower.port)")
            store = try await openStore(url, configuration: configuration)
            shard = try store.shard(for: 1)
            try await shard.execute("INSERT INTO products (id, name) VALUES (1, 'a')")
        }

        /// Reads that the follower has answered.
        var replicaReads: Int { store.statistics().shards[0].replicaReads }

        /// Raises the stock, in one of the ways there are, and says where the log is then.
        func raise(_ round: Int) async throws -> ShardPosition {
            let sql: SQL = "UPDATE products SET stock = stock + 1 WHERE id = 1"
            if round % 2 == 0 {
                try await shard.execute(sql)
            } else {
                try await shard.transaction { _ = try $0.execute(sql) }
            }
            return try await shard.position()
        }
    }

    private static let stock: SQL = "SELECT stock FROM products WHERE id = 1"

    @Test
    func `a read after a write is never stale, and the replica answers most`() async throws {
        let pair = try await Pair()
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        let read = try await onLoop(group.loops[0]) {
            for round in 1...300 {
                let position = try await pair.raise(round)
                // Through its text, as a cookie brings it to another process.
                let seen = try #require(ShardPosition(position.description))
                let view = pair.shard.replicas(staleAtMost: nil, after: seen, wait: .seconds(5))
                if round % 3 == 0 {
                    #expect(try await view.scan(Self.stock, as: Int.self) == [round])
                } else {
                    #expect(try await view.one(Self.stock) == round)
                }
            }
            return pair.replicaReads
        }
        #expect(read >= 240)
        await pair.store.close()
    }

    @Test
    func `a replica that is behind is not asked, unless any age will do`() async throws {
        let pair = try await Pair()
        let first = try await pair.raise(0)
        let any = pair.shard.replicas(staleAtMost: nil)
        let fresh = pair.shard.replicas(staleAtMost: .nanoseconds(1))
        #expect(try await pair.shard.replicas(staleAtMost: nil, after: first, wait: .seconds(5)).one(Self.stock) == 1)
        #expect(pair.replicaReads == 1)

        try pair.follower.run("SELECT pg_wal_replay_pause()")
        await eventually { try pair.follower.number("SELECT (pg_get_wal_replay_pause_state() = 'paused')::int") == 1 }
        let second = try await pair.raise(1)
        #expect(try await pair.shard.replicas(staleAtMost: nil, after: second, wait: .zero).one(Self.stock) == 2)
        #expect(try await fresh.one(Self.stock) == 2)
        #expect(try await fresh.scan(Self.stock, as: Int.self) == [2])
        #expect(pair.replicaReads == 1)
        #expect(try await any.one(Self.stock) == 1)
        #expect(try await any.scan(Self.stock, as: Int.self) == [1])
        #expect(pair.replicaReads == 3)
        // What a replica cannot do, the primary does.
        try await any.execute("UPDATE products SET stock = 9 WHERE id = 1")
        #expect(try await pair.shard.one(Self.stock) == 9)

        try pair.follower.run("SELECT pg_wal_replay_resume()")
        await eventually { try await any.one(Self.stock) == 9 }
        let before = pair.replicaReads
        await eventually {
            let stock: Int = try await pair.shard.replicas(staleAtMost: .seconds(1)).one(Self.stock)
            return stock == 9 && pair.replicaReads > before
        }
        await pair.store.close()
    }

    @Test
    func `a replica that is killed or frozen is left out, and used again once it is back`() async throws {
        var configuration = StoreConfiguration()
        configuration.readDeadline = .seconds(2)
        configuration.scanDeadline = .seconds(2)
        let pair = try await Pair(configuration)
        let any = pair.shard.replicas(staleAtMost: nil)
        await eventually { try await any.one(Self.stock) == 0 && pair.replicaReads > 0 }

        await pair.follower.kill()
        for _ in 0..<20 { #expect(try await any.one(Self.stock) == 0) }
        #expect(try await any.scan(Self.stock, as: Int.self) == [0])
        try await pair.follower.start()
        var before = pair.replicaReads
        await eventually { try await any.one(Self.stock) == 0 && pair.replicaReads > before }

        pair.follower.freeze()
        for _ in 0..<5 { #expect(try await any.one(Self.stock) == 0) }
        #expect(try await any.scan(Self.stock, as: Int.self) == [0])
        pair.follower.thaw()
        before = pair.replicaReads
        await eventually { try await any.one(Self.stock) == 0 && pair.replicaReads > before }
        await pair.store.close()
    }

    @Test
    func `a server that does not follow this one is never read`() async throws {
        let primary = try await TestServer.start()
        let other = try await TestServer.start()
        for server in [other, primary] {
            let store = try await openStore(server.url)
            let name = server.port == primary.port ? "right" : "wrong"
            try await store.shard(for: 1).execute("INSERT INTO products (id, name) VALUES (1, \(name))")
            await store.close()
        }
        let store = try await openStore(primary.url(database: "postgres?replica=127.0.0.1:\(other.port)"))
        let any = try store.shard(for: 1).replicas(staleAtMost: nil)
        for _ in 0..<10 { #expect(try await any.one("SELECT name FROM products WHERE id = 1") == "right") }
        #expect(store.statistics().shards[0].replicaReads == 0)
        await store.close()
    }

    @Test(arguments: ["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"])
    func `a position's text is read back`(text: String) throws {
        #expect(try #require(ShardPosition(text)).description == text)
    }

    @Test(arguments: ["", "/", "1", "1/", "/1", "1/2/3", "1/-2", "+1/2", "g/1", "100000000/0", " 1/2"])
    func `what is no position is refused`(text: String) { #expect(ShardPosition(text) == nil) }
}
#endif
