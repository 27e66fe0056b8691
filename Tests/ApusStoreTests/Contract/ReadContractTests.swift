import ApusCore
import ApusRuntime
import ApusStore
import Testing

/// What every engine does with reads.
@Suite(.timeLimit(.minutes(5)))
struct ReadContractTests {
    @Test(arguments: TestEngine.withCitus)
    func `whoever was told of a commit sees it, on every loop and in every store on the same rows`(engine: TestEngine)
        async throws
    {
        let place = try TestPlace(engine)
        let first = try await openStore(place)
        let second = try await openStore(place)
        let group = try LoopGroup(count: 3)
        defer { group.shutdown() }
        try await first.shard(for: 1).execute("INSERT INTO products (id, name, stock) VALUES (1, 'a', 0)")
        // On SQLite readers keep read transactions open on every loop all the time.
        try await withThrowingTaskGroup(of: Int.self) { tasks in
            for task in 0..<6 {
                tasks.addTask(executorPreference: group.loops[task % 3]) {
                    let writes = try (task % 2 == 0 ? first : second).shard(for: 1)
                    let reads = try (task % 2 == 0 ? second : first).shard(for: 1)
                    var last = 0
                    var stale = 0
                    for _ in 0..<60 {
                        let before: Int = try await reads.one("SELECT stock FROM products WHERE id = 1")
                        if before < last { stale += 1 }
                        let written = try await writes.transaction { transaction in
                            try transaction.execute("UPDATE products SET stock = stock + 1 WHERE id = 1")
                            return try transaction.one("SELECT stock FROM products WHERE id = 1", as: Int.self)
                        }
                        last = try await reads.one("SELECT stock FROM products WHERE id = 1")
                        if last < written { stale += 1 }
                    }
                    return stale
                }
            }
            for try await stale in tasks { #expect(stale == 0) }
        }
        let total: Int = try await second.shard(for: 1).one("SELECT stock FROM products WHERE id = 1")
        #expect(total == 360)
        await first.close()
        await second.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `a scan stops at its deadline and at its caller's cancellation`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        let shard = try store.shard(for: 1)
        let endless: SQL = """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0
            """
        #expect(
            await code { _ = try await shard.scan(endless, as: Int.self, deadline: .milliseconds(60)) }
                == .deadlineExceeded
        )
        let task = Task { try await shard.scan(endless, as: Int.self) }
        task.cancel()
        #expect(await code { _ = try await task.value } == .cancelled)
        #expect(try await shard.one("SELECT 1", as: Int.self) == 1)
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `an answer with too many rows is refused`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        var configuration = StoreConfiguration()
        configuration.rowsMax = 10
        let store = try await openStore(place, configuration: configuration)
        let sql: SQL = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 11) SELECT i FROM n"
        #expect(await code { _ = try await store.shard(for: 1).scan(sql, as: Int.self) } == .tooLarge)
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        try await onLoop(group.loops[0]) {
            #expect(await code { _ = try await store.shard(for: 1).all(sql, as: Int.self) } == .tooLarge)
        }
        await store.close()
    }
}
