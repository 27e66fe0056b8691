import ApusCore
import ApusRuntime
import ApusStore
import Testing

@Suite(.timeLimit(.minutes(5)))
struct LoopReadTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

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

}
