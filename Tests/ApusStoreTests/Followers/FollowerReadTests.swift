import ApusCore
import ApusRuntime
import Testing

@testable import ApusStore

/// What `replicas(…)` promises, on the embedded engine.
@Suite(.timeLimit(.minutes(2))) struct FollowerReadTests {
    private static let stock: SQL = "SELECT stock FROM products WHERE id = 1"

    /// Keeps the follower from being written, as another process does that is at it.
    private func held(_ followed: FollowedStore) throws -> LockFile {
        let lock = try LockFile(path: followed.file + ".follower")
        try lock.acquire(within: .seconds(10))
        return lock
    }

    private func reads(_ followed: FollowedStore) -> Int { followed.store.statistics().shards[0].replicaReads }

    @Test(arguments: ["follow=sync", ""])
    func `a user reads what they wrote from the follower, also in another process`(options: String) async throws {
        let folder = try TestFolder()
        let followed = try await FollowedStore.open(folder.path, options)
        let other = try await FollowedStore.open(folder.path, options)
        await eventually { try followed.status.isSound }
        try await followed.insert(1..<2)
        for stock in 1...50 {
            try await followed.shard.execute("UPDATE products SET stock = \(stock) WHERE id = 1")
            let seen = try await followed.shard.position()
            let token = try #require(ShardPosition("\(seen)"))
            for reader in [followed, other] {
                let view = try reader.shard.replicas(staleAtMost: nil, after: token, wait: .seconds(5))
                #expect(try await view.one(Self.stock) == stock)
                #expect(try await view.scan(Self.stock, as: Int.self) == [stock])
            }
        }
        #expect(reads(followed) >= 100)
        #expect(reads(other) >= 100)
        await other.store.close()
        await followed.store.close()
    }

    @Test
    func `a follower that lags answers only who takes that`() async throws {
        let folder = try TestFolder()
        let followed = try await FollowedStore.open(folder.path, "")
        await eventually { try followed.status.isSound }
        try await followed.insert(1..<2)
        await eventually { try followed.status.lag == 0 }
        let lock = try held(followed)
        try await followed.shard.execute("UPDATE products SET stock = 7 WHERE id = 1")
        let seen = try await followed.shard.position()
        let any = try followed.shard.replicas(staleAtMost: nil)
        #expect(try await any.one(Self.stock) == 0)
        let before = reads(followed)
        #expect(before > 0)
        // Too late, and too old: the shard answers.
        let after = try followed.shard.replicas(staleAtMost: nil, after: seen, wait: .milliseconds(1))
        #expect(try await after.one(Self.stock) == 7)
        let fresh = try followed.shard.replicas(staleAtMost: .nanoseconds(1), wait: .zero)
        #expect(try await fresh.one(Self.stock) == 7)
        #expect(reads(followed) == before)
        let old = try followed.shard.replicas(staleAtMost: .seconds(3600), wait: .zero)
        #expect(try await old.one(Self.stock) == 0)
        #expect(reads(followed) == before + 1)
        // Who waits is answered when it has come.
        async let waited: Int = followed.shard.replicas(staleAtMost: nil, after: seen, wait: .seconds(60)).one(
            Self.stock
        )
        lock.release()
        #expect(try await waited == 7)
        await eventually { try await fresh.one(Self.stock) == 7 && reads(followed) > before + 2 }
        await followed.store.close()
    }

    @Test
    func `a statement that only the shard can answer is answered by it, and writes go there`() async throws {
        let folder = try TestFolder()
        let followed = try await FollowedStore.open(folder.path)
        let view = try followed.shard.replicas(staleAtMost: nil)
        try await view.execute("INSERT INTO products (id, name) VALUES (1, 'one')")
        #expect(try await view.one(Self.stock) == 0)
        #expect(await code { _ = try await view.one("SELECT nothing FROM nowhere", as: Int.self) } == .statementInvalid)
        #expect(
            await code { _ = try await view.one("SELECT 1 FROM products WHERE id = 9", as: Int.self) } == .rowMissing
        )
        #expect(
            await code { _ = try await view.scan("DELETE FROM products RETURNING id", as: Int.self) }
                == .statementInvalid
        )
        await followed.store.close()
        #expect(await code { _ = try await view.one(Self.stock, as: Int.self) } == .closed)
    }
}
