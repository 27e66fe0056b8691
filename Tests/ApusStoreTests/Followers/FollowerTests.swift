import ApusCore
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusStore

@Suite(.timeLimit(.minutes(2))) struct FollowerTests {
    @Test
    func `each commit is on the follower before it is acknowledged`() async throws {
        let folder = try TestFolder()
        let followed = try await FollowedStore.open(folder.path)
        #expect(try followed.isSame())
        let copy = try followed.copy()
        for id in 0..<20 {
            try await followed.insert(id..<id + 1)
            #expect(try followed.isSame())
            #expect(try followed.status.lag == 0)
        }
        let shard = try followed.shard
        try await shard.execute("UPDATE products SET stock = 5, price = NULL WHERE id = 3")
        try await shard.execute("DELETE FROM parts WHERE product = 4")
        try await shard.execute("UPDATE products SET id = 103, name = 'moved' WHERE id = 4")
        try await shard.execute("INSERT OR REPLACE INTO products (id, name) VALUES (205, 'n5')")
        try await shard.execute("INSERT INTO counts VALUES ('products', 0) ON CONFLICT (what) DO UPDATE SET count = 7")
        #expect(try followed.isSame())
        // By the foreign key's own action, in one statement and without a condition.
        try await shard.execute("DELETE FROM products WHERE id < 3")
        #expect(try followed.isSame())
        try await shard.execute("DELETE FROM products")
        #expect(try followed.isSame())
        #expect(try FollowedStore.contents(followed.followerFile)["parts"]?.rows == 0)
        #expect(try followed.copy() == copy)
        await followed.store.close()
    }

    @Test
    func `a request of a group that fails leaves nothing on the follower`() async throws {
        let folder = try TestFolder()
        let followed = try await FollowedStore.open(folder.path)
        let shard = try followed.shard
        let failed = await withTaskGroup(of: StoreError.Code?.self) { group in
            for id in 0..<60 {
                group.addTask {
                    await code {
                        try await shard.transaction { transaction in
                            try transaction.execute("INSERT INTO products (id, name) VALUES (\(id), \("n\(id / 2)"))")
                            if id % 5 == 0 { throw StoreError(.cancelled, "on purpose") }
                        }
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 == nil ? 0 : 1 }
        }
        #expect(failed > 12)
        #expect(try followed.isSame())
        #expect(try FollowedStore.contents(followed.followerFile)["products"]?.rows == 60 - failed)
        await followed.store.close()
    }

    @Test
    func `a follower that nobody waits for comes to the same`() async throws {
        let folder = try TestFolder()
        let followed = try await FollowedStore.open(folder.path, "")
        try await followed.insert(0..<200)
        await eventually { try followed.status.lag == 0 && followed.status.isSound }
        #expect(try followed.isSame())
        await followed.store.close()
    }

    @Test
    func `two processes that write have one follower`() async throws {
        let folder = try TestFolder()
        let followed = try await FollowedStore.open(folder.path)
        let other = try await FollowedStore.open(folder.path)
        async let first: Void = followed.insert(0..<60)
        async let second: Void = other.insert(100..<160)
        _ = try await (first, second)
        #expect(try followed.isSame())
        #expect(try FollowedStore.contents(followed.followerFile)["products"]?.rows == 120)
        await other.store.close()
        await followed.store.close()
    }

    @Test
    func `values that are unique and change places are brought by a copy`() async throws {
        let folder = try TestFolder()
        let followed = try await FollowedStore.open(folder.path)
        try await followed.insert(0..<2)
        let copy = try followed.copy()
        try await followed.shard.transaction { transaction in
            try transaction.execute("UPDATE products SET name = 'x' WHERE id = 0")
            try transaction.execute("UPDATE products SET name = 'n0' WHERE id = 1")
            try transaction.execute("UPDATE products SET name = 'n1' WHERE id = 0")
        }
        #expect(try followed.isSame())
        #expect(try followed.copy() != copy)
        await followed.store.close()
    }

    @Test(arguments: ["follow=sync", ""])
    func `a migration runs on the follower, and one that changes rows is copied`(options: String) async throws {
        let folder = try TestFolder()
        var followed = try await FollowedStore.open(folder.path, options)
        try await followed.insert(0..<10)
        await eventually { try followed.status.lag == 0 && followed.status.isSound }
        await followed.store.close()
        let copy = try followed.copy()
        var migrations = FollowedStore.migrations
        migrations.append(
            Migration(
                2,
                "rate",
                "ALTER TABLE products ADD COLUMN rating INTEGER; CREATE TABLE notes (id INTEGER PRIMARY KEY)"
            )
        )
        migrations.append(
            Migration(
                3,
                "index",
                "CREATE INDEX stocks ON products (stock); DROP TRIGGER products_count; DROP TABLE counts"
            )
        )
        followed = try await FollowedStore.open(folder.path, options, migrations: migrations)
        try await followed.shard.execute("UPDATE products SET rating = 3 WHERE id = 5")
        await eventually { try followed.status.lag == 0 && followed.status.isSound }
        #expect(try followed.isSame())
        #expect(try followed.copy() == copy, "brought by its text")
        await followed.store.close()

        migrations.append(Migration(4, "rate all", "UPDATE products SET rating = 1"))
        followed = try await FollowedStore.open(folder.path, options, migrations: migrations)
        await eventually { try followed.copy() != copy && followed.isSame() }
        #expect(try followed.isSame())
        let changed = try followed.copy()
        // A table that a transaction makes has no text that anybody kept.
        try await followed.shard.transaction { transaction in
            try transaction.execute("CREATE TABLE extra (id INTEGER PRIMARY KEY, what TEXT)")
            try transaction.execute("INSERT INTO extra VALUES (1, 'one')")
        }
        await eventually { try followed.copy() != changed && followed.isSame() }
        #expect(try followed.isSame())
        await followed.store.close()
    }

    @Test(
        arguments: [
            ("CREATE TABLE t (id INTEGER, what TEXT)", "no PRIMARY KEY"),
            ("CREATE TABLE t (id TEXT PRIMARY KEY)", "NULL"),
            ("CREATE TABLE t (id INTEGER PRIMARY KEY, twice INTEGER AS (id * 2) STORED)", "generated"),
        ] as [(StaticString, String)]
    )
    func `a table whose rows cannot be told is refused by name`(text: StaticString, why: String) async throws {
        let folder = try TestFolder()
        let migrations = FollowedStore.migrations + [Migration(2, "t", text)]
        let found = await failure { _ = try await FollowedStore.open(folder.path, migrations: migrations) }
        let error = try #require(found)
        #expect(error.detail.contains("table t"))
        #expect(error.detail.contains(why))
        // Nor does a transaction make one.
        let other = try TestFolder()
        let followed = try await FollowedStore.open(other.path)
        let refused = await failure { try await followed.shard.execute(SQL(stringLiteral: text)) }
        #expect(refused?.detail.contains(why) == true)
        try await followed.insert(0..<1)
        #expect(try followed.isSame())
        await followed.store.close()
    }

    @Test
    func `a store that is followed is opened with its follower, or that is ended`() async throws {
        let folder = try TestFolder()
        var followed = try await FollowedStore.open(folder.path)
        try await followed.insert(0..<3)
        await followed.store.close()
        let store = Store("followed", sharding: .hash(slots: 64), migrations: FollowedStore.migrations)
        let found = await failure {
            try await store.open(BlockSite(url: "sqlite:\(followed.folder)", dataFolder: "/nowhere"))
        }
        #expect(found?.code == .mapMismatch)
        #expect(found?.detail.contains(followed.follower) == true)

        // Who has it open with the follower may not write any more once somebody ended that.
        followed = try await FollowedStore.open(folder.path)
        try await store.open(BlockSite(url: "sqlite:\(followed.folder)?follower=none", dataFolder: "/nowhere"))
        try await store.shard(for: 1).execute("INSERT INTO products (id, name) VALUES (50, 'unseen')")
        #expect(await code { try await followed.insert(60..<61) } == .wrongShard)
        await followed.store.close()

        // Nor without it, once it is there again.
        followed = try await FollowedStore.open(folder.path)
        #expect(await code { try await store.shard(for: 1).execute("DELETE FROM products") } == .wrongShard)
        #expect(try followed.isSame())
        #expect(try FollowedStore.contents(followed.followerFile)["products"]?.rows == 4)
        await store.close()
        await followed.store.close()

        let opened = Store("followed", sharding: .hash(slots: 64), migrations: FollowedStore.migrations)
        let mistaken = await failure {
            try await opened.open(BlockSite(url: "sqlite:\(followed.follower)", dataFolder: "/nowhere"))
        }
        #expect(mistaken?.code == .wrongShard)
    }

    @Test
    func `followers of another store, and a folder that is the shards' own, are refused`() async throws {
        let (folder, other) = (try TestFolder(), try TestFolder())
        let followed = try await FollowedStore.open(folder.path)
        await followed.store.close()
        let store = Store("followed", sharding: .hash(slots: 64), migrations: FollowedStore.migrations)
        for place in [followed.follower, other.path] {
            let url = "sqlite:\(other.path)?follower=\(place)"
            let found = await code { try await store.open(BlockSite(url: url, dataFolder: "/nowhere")) }
            #expect(found == (place == other.path ? .statementInvalid : .wrongShard))
        }
    }

    @Test
    func `a store with followers is not resharded`() async throws {
        let folder = try TestFolder()
        let followed = try await FollowedStore.open(folder.path)
        let plan = try followed.store.reshardPlan(shards: 2)
        let found = await failure { try await followed.store.reshard(plan) }
        #expect(found?.code == .statementInvalid)
        #expect(found?.detail.contains("follower=none") == true)
        await followed.store.close()
    }
}
