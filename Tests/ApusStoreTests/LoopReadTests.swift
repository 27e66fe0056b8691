import ApusCore
import ApusRuntime
import ApusStore
import Testing

@Suite(.timeLimit(.minutes(5)))
struct LoopReadTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test
    func `whoever was told of a commit sees it, on every loop and in every store on the file`() async throws {
        let first = try await openStore(folder)
        let second = try await openStore(folder)
        let group = try LoopGroup(count: 3)
        defer { group.shutdown() }
        try await first.shard(for: 1).execute("INSERT INTO products (id, name, stock) VALUES (1, 'a', 0)")
        // Readers keep read transactions open on every loop all the time.
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

    @Test
    func `reads of one turn see one moment`() async throws {
        let store = try await openStore(folder)
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        try await store.shard(for: 1).execute("INSERT INTO products (id, name, stock) VALUES (1, 'a', 5), (2, 'b', 5)")
        let torn = try await withThrowingTaskGroup(of: Int.self) { tasks in
            tasks.addTask {
                for _ in 0..<100 {
                    try await store.shard(for: 1).transaction { transaction in
                        try transaction.execute("UPDATE products SET stock = stock - 1 WHERE id = 1 AND stock > 0")
                        try transaction.execute(
                            "UPDATE products SET stock = 10 - (SELECT stock FROM products WHERE id = 1) WHERE id = 2"
                        )
                    }
                }
                return 0
            }
            tasks.addTask(executorPreference: group.loops[0]) {
                var torn = 0
                for _ in 0..<300 {
                    let sum: Int = try await store.shard(for: 1).one("SELECT sum(stock) FROM products")
                    if sum != 10 { torn += 1 }
                    await Task.yield()
                }
                return torn
            }
            return try await tasks.reduce(0, +)
        }
        #expect(torn == 0)
        await store.close()
    }

    @Test
    func `a read on the loop that looks at too much is stopped and told to scan`() async throws {
        let store = try await openStore(folder)
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        try await onLoop(group.loops[0]) {
            let shard = try store.shard(for: 1)
            let sql: SQL = """
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
                SELECT sum(i) FROM n
                """
            #expect(await code { _ = try await shard.one(sql, as: Int.self) } == .budgetExceeded)
            #expect(try await shard.scan(sql, as: Int.self) == [20_000_100_000])
            // The next read is not in its debt.
            #expect(try await shard.one("SELECT 1", as: Int.self) == 1)
            for _ in 0..<300 { #expect(try await shard.one("SELECT count(*) FROM products", as: Int.self) == 0) }
        }
        await store.close()
    }

    @Test
    func `a scan stops at its deadline and at its caller's cancellation`() async throws {
        let store = try await openStore(folder)
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

    @Test
    func `an answer with too many rows is refused`() async throws {
        var configuration = StoreConfiguration()
        configuration.rowsMax = 10
        let store = try await openStore(folder, configuration: configuration)
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
