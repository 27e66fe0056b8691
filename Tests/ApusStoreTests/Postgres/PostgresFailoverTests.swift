#if PostgreSQL
import ApusCore
import ApusRuntime
import ApusStore
import ApusTesting
import Testing

/// A replica becomes the primary, by our command or by somebody else's: stores that are open go on there, and nothing that was
/// acknowledged is lost.
@Suite(.needsServer, .serialized, .ownThread, .timeLimit(.minutes(10)))
struct PostgresFailoverTests {
    /// What a caller may hear while one server gives way to another.
    private static let expected: Set<StoreError.Code> = [.unreachable, .outcomeUnknown, .deadlineExceeded, .readOnly]

    @Test
    func `a primary that answers is left alone, and hands over where that is asked for`() async throws {
        // Nobody waits for replicas here: a hand-over loses nothing all the same.
        let cluster = try await TestCluster.start(followers: 2, isConfirmed: false)
        let store = try await cluster.open()
        // A program that knows of no other server.
        let alone = try await openStore(cluster.servers[0].url)
        let error = await failure { try await cluster.promote() }
        #expect(error?.code == .statementInvalid)
        #expect(error?.detail.contains("--planned") == true)
        let heard = try await WriteLoad.run(store) { heard in
            let report = try await cluster.promote(isPlanned: true)
            #expect(report.timeline == 2)
            #expect(report.isConfirmed)
            #expect(report.following.count == 1)
            #expect(report.left == ["127.0.0.1:\(cluster.servers[0].port)"])
            let before = heard.acknowledged
            await eventually { heard.acknowledged > before + 100 }
        }
        #expect(heard.codes.isSubset(of: Self.expected))
        // The old one refuses what does not insist, also after a restart.
        let shard = try alone.shard(for: 1)
        for _ in 0..<2 {
            await eventually { try await shard.one("SELECT 1") == 1 }
            #expect(await code { try await shard.execute("DELETE FROM products") } == .readOnly)
            #expect(
                await code { try await shard.transaction { _ = try $0.execute("DELETE FROM products") } } == .readOnly
            )
            #expect(await code { _ = try await openStore(cluster.servers[0].url) } == .readOnly)
            await cluster.servers[0].kill()
            try await cluster.servers[0].start()
        }
        await alone.close()
        await store.close()
    }

    @Test
    func `a killed primary is replaced under load, and takes nothing of ours when it is back`() async throws {
        let cluster = try await TestCluster.start(followers: 2, isConfirmed: true)
        let store = try await cluster.open()
        let old = cluster.servers[0]
        let heard = try await WriteLoad.run(store) { heard in
            await old.kill()
            let report = try await cluster.promote()
            #expect(report.following.count == 1)
            #expect(report.isConfirmed)
            var before = heard.acknowledged
            await eventually { heard.acknowledged > before + 100 }
            try await old.start()
            let rows = try TestCluster.rows(on: old)
            // A program that has only just been started, too.
            let other = try await cluster.open()
            before = heard.acknowledged
            await eventually { heard.acknowledged > before + 500 }
            try await other.shard(for: 1).execute("INSERT INTO products (id, name) VALUES (-1, 'other')")
            #expect(try TestCluster.rows(on: old) == rows)
            #expect(try TestCluster.rows(on: try cluster.server(report.server)) > rows)
            try await other.shard(for: 1).execute("DELETE FROM products WHERE id = -1")
            await other.close()
        }
        #expect(heard.codes.isSubset(of: Self.expected))
        // With the new one away the old one is not taken for the primary again: the other replica has heard of the promotion.
        let new = try #require(try cluster.servers.dropFirst().first { try !$0.isFollowing() })
        await new.kill()
        let shard = try store.shard(for: 1)
        await eventually { await failure { let _: Int = try await shard.one("SELECT 1") }?.code == .unreachable }
        for error in [await failure { _ = try await cluster.open() }, await failure { try await cluster.promote() }] {
            #expect(error?.detail.contains("was succeeded") == true)
        }
        try await new.start()
        await eventually { try await shard.execute("UPDATE products SET stock = 1 WHERE id = 0") == 1 }
        await store.close()
    }

    @Test
    func `a frozen primary is replaced under load, and acknowledges nothing when it goes on`() async throws {
        let cluster = try await TestCluster.start(followers: 1, isConfirmed: true)
        let store = try await cluster.open()
        let old = cluster.servers[0]
        let heard = try await WriteLoad.run(store) { heard in
            old.freeze()
            let report = try await cluster.promote()
            // The only replica is the primary now, and waits for another one.
            #expect(!report.isConfirmed)
            old.thaw()
            let new = try cluster.server(report.server)
            try new.run("ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()")
            let before = heard.acknowledged
            await eventually { heard.acknowledged > before + 100 }
        }
        #expect(heard.codes.isSubset(of: Self.expected))
        await store.close()
    }

    @Test
    func `what somebody else promotes is found by open stores, and reads by replicas go on`() async throws {
        let cluster = try await TestCluster.start(followers: 2, isConfirmed: false)
        let store = try await cluster.open()
        let shard = try store.shard(for: 1)
        let (old, new, other) = (cluster.servers[0], cluster.servers[1], cluster.servers[2])
        try await shard.execute("INSERT INTO products (id, name) VALUES (1, 'a')")
        let stock: SQL = "SELECT stock FROM products WHERE id = 1"
        await eventually { try new.number("SELECT count(*) FROM test_0.products") == 1 }
        // It goes on beside the new one, and so does who follows it.
        try new.run("SELECT pg_promote()")
        try new.run("UPDATE test_0.products SET stock = 7 WHERE id = 1")
        await eventually { try await shard.one(stock) == 7 }
        try await shard.execute("UPDATE products SET stock = 8 WHERE id = 1")
        #expect(try new.number("SELECT stock FROM test_0.products") == 8)
        #expect(try old.number("SELECT stock FROM test_0.products") == 0)
        try old.run("UPDATE test_0.products SET stock = 1 WHERE id = 1")
        await eventually { try other.number("SELECT stock FROM test_0.products") == 1 }
        let before = store.statistics().shards[0].replicaReads
        for _ in 0..<20 { #expect(try await shard.replicas(staleAtMost: nil).one(stock) == 8) }
        #expect(store.statistics().shards[0].replicaReads == before)
        // Once it follows the new one, it is asked again.
        try await other.follow(new)
        await eventually {
            let found: Int = try await shard.replicas(staleAtMost: .seconds(5)).one(stock)
            return found == 8 && store.statistics().shards[0].replicaReads > before
        }
        await store.close()
    }

    @Test
    func `a commit that no replica confirms is not acknowledged`() async throws {
        let cluster = try await TestCluster.start(followers: 1, isConfirmed: true)
        let store = try await cluster.open()
        let shard = try store.shard(for: 1)
        try await shard.execute("INSERT INTO products (id, name) VALUES (1, 'a')")
        cluster.servers[1].freeze()
        let patience = Duration.milliseconds(300)
        let errors = [
            await failure {
                try await shard.execute("INSERT INTO products (id, name) VALUES (2, 'b')", deadline: patience)
            },
            await failure {
                try await shard.execute(
                    "INSERT INTO products (id, name) VALUES (3, 'c')",
                    mayShare: true,
                    deadline: patience
                )
            },
            await failure {
                try await shard.transaction(deadline: patience) {
                    _ = try $0.execute("INSERT INTO products (id, name) VALUES (4, 'd')")
                }
            },
        ]
        for error in errors {
            #expect(error?.code == .outcomeUnknown)
            #expect(error?.detail.contains("no replica has confirmed") == true)
        }
        cluster.servers[1].thaw()
        await eventually { try await shard.execute("UPDATE products SET stock = 1 WHERE id = 1") == 1 }
        await store.close()
    }

    @Test
    func `without enough replicas nobody is promoted, and the line says what to do`() async throws {
        let cluster = try await TestCluster.start(followers: 2, isConfirmed: false)
        await cluster.servers[0].kill()
        await cluster.servers[1].kill()
        let error = await failure { try await cluster.promote() }
        #expect(error?.code == .statementInvalid)
        #expect(error?.detail.contains("--force") == true)
        let opening = await failure { _ = try await cluster.open() }
        #expect(opening?.detail.contains("store promote") == true)
        let report = try await cluster.promote(isForced: true)
        #expect(report.server == "127.0.0.1:\(cluster.servers[2].port)")
        let store = try await cluster.open()
        try await store.shard(for: 1).execute("INSERT INTO products (id, name) VALUES (1, 'a')")
        await store.close()
        await cluster.servers[2].kill()
        #expect(await failure { try await cluster.promote() }?.detail.contains("no replica") == true)
    }

    @Test
    func `who may not promote is told what it takes, and nothing is changed`() async throws {
        let cluster = try await TestCluster.start(followers: 1, isConfirmed: false)
        try cluster.servers[0].run(
            "CREATE ROLE shop LOGIN PASSWORD 'shop'",
            "GRANT USAGE ON SCHEMA test_0 TO shop",
            "GRANT SELECT ON ALL TABLES IN SCHEMA test_0 TO shop"
        )
        let follower = cluster.servers[1]
        await eventually { try follower.number("SELECT count(*) FROM pg_roles WHERE rolname = 'shop'") == 1 }
        let site = BlockSite(
            url: cluster.url.replacing("\(TestServer.user):\(follower.password)@", with: "shop:shop@"),
            dataFolder: "/tmp"
        )
        for isPlanned in [true, false] {
            if !isPlanned { await cluster.servers[0].kill() }
            let error = await failure {
                try await TestCluster.declared.promote(shard: 0, at: site, isPlanned: isPlanned)
            }
            #expect(error?.detail.contains("superuser") == true)
        }
        #expect(try follower.isFollowing())
    }

    @Test
    func `what has no replicas is not promoted`() async throws {
        let declared = TestCluster.declared
        let folder = try TestFolder()
        #expect(
            await code { try await declared.promote(shard: 0, at: BlockSite(dataFolder: folder.path)) }
                == .statementInvalid
        )
        let one = BlockSite(url: "postgres://u:p@127.0.0.1:1/x", dataFolder: folder.path)
        #expect(await failure { try await declared.promote(shard: 0, at: one) }?.detail.contains("?replica=") == true)
        let two = BlockSite(url: "postgres://u:p@127.0.0.1:1/x?replica=127.0.0.1:2", dataFolder: folder.path)
        #expect(await failure { try await declared.promote(shard: 1, at: two) }?.detail.contains("no shard 1") == true)
    }
}
#endif
