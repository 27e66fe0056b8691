import ApusCore
import ApusRuntime
import ApusStore
import Testing

/// What every engine does with writes.
@Suite(.timeLimit(.minutes(5)))
struct WriteContractTests {
    private struct Refused: Error {}

    @Test(arguments: TestEngine.withCitus)
    func `of many writers each failure undoes its own request only`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        let shard = try store.shard(for: 1)
        let group = try LoopGroup(count: 2)
        defer { group.shutdown() }
        let results = try await withThrowingTaskGroup(of: (Int, Bool).self) { tasks in
            for writer in 0..<400 {
                tasks.addTask(executorPreference: group.loops[writer % 2]) {
                    do {
                        // Long enough for the last of them, however busy the machine is.
                        try await shard.transaction(deadline: .seconds(120)) { transaction in
                            try transaction.execute(
                                "INSERT INTO products (id, name, stock) VALUES (\(writer * 2), \("a\(writer)"), 1)"
                            )
                            if writer % 5 == 0 { throw Refused() }
                            if writer % 7 == 0 {
                                try transaction.execute("UPDATE products SET stock = -1 WHERE id = \(writer * 2)")
                            }
                            if writer % 11 == 0 { try transaction.execute("INSERT INTO nothing VALUES (1)") }
                            try transaction.execute(
                                "INSERT INTO products (id, name) VALUES (\(writer * 2 + 1), \("b\(writer)"))"
                            )
                        }
                        return (writer, true)
                    } catch {
                        return (writer, false)
                    }
                }
            }
            return try await tasks.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        for writer in 0..<400 {
            let mustFail = writer % 5 == 0 || writer % 7 == 0 || writer % 11 == 0
            #expect(results[writer] == !mustFail)
            let ids = [writer * 2, writer * 2 + 1]
            let rows: [Int] = try await shard.all("SELECT id FROM products WHERE id IN (\(list: ids)) ORDER BY id")
            #expect(rows == (mustFail ? [] : ids))
        }
        let counted = store.statistics().shards[0]
        #expect(counted.requests + counted.failures == 400)
        // Transactions of a database server commit on their own; SQLite's share.
        if engine == .sqlite { #expect(counted.commits < counted.requests) }
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `constraints have their codes`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(
            place,
            migrations: productsSchema + [
                Migration(
                    2,
                    "entries",
                    "CREATE TABLE entries (product INTEGER NOT NULL REFERENCES products (id)) STRICT"
                )
            ]
        )
        let shard = try store.shard(for: 1)
        try await shard.execute("INSERT INTO products (id, name) VALUES (1, 'a')")
        #expect(
            await code { try await shard.execute("INSERT INTO products (id, name) VALUES (1, 'b')") }
                == .uniqueViolation
        )
        #expect(
            await code { try await shard.execute("INSERT INTO products (id, name) VALUES (2, 'a')") }
                == .uniqueViolation
        )
        #expect(await code { try await shard.execute("UPDATE products SET stock = -1") } == .checkViolation)
        #expect(await code { try await shard.execute("UPDATE products SET name = NULL") } == .notNullViolation)
        #expect(await code { try await shard.execute("INSERT INTO entries VALUES (9)") } == .foreignKeyViolation)
        #expect(try await shard.execute("UPDATE products SET stock = 3 WHERE id = 1") == 1)
        #expect(try await shard.execute("UPDATE products SET stock = 3 WHERE id = 2") == 0)
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `a foreign key that is checked at the commit undoes only who broke it`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(
            place,
            migrations: productsSchema + [
                Migration(
                    2,
                    "entries",
                    """
                    CREATE TABLE entries (product INTEGER NOT NULL REFERENCES products (id) DEFERRABLE INITIALLY DEFERRED)
                    STRICT
                    """
                )
            ]
        )
        let shard = try store.shard(for: 1)
        try await shard.execute("INSERT INTO products (id, name) VALUES (1, 'a')")
        let good = try await withThrowingTaskGroup(of: Bool.self) { tasks in
            for index in 0..<100 {
                tasks.addTask {
                    let product = index % 10 == 0 ? 99 : 1
                    let found = await code { try await shard.execute("INSERT INTO entries VALUES (\(product))") }
                    #expect(found == (product == 1 ? nil : .foreignKeyViolation))
                    return found == nil
                }
            }
            return try await tasks.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(good == 90)
        #expect(try await shard.one("SELECT count(*) FROM entries") == 90)
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `a statement that runs past its deadline is stopped and harms nobody else`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        let shard = try store.shard(for: 1)
        let outcomes = try await withThrowingTaskGroup(of: StoreError.Code?.self) { tasks in
            for index in 0..<20 {
                tasks.addTask {
                    await code {
                        if index == 3 {
                            // Endless unless it is stopped.
                            try await shard.execute(
                                """
                                INSERT INTO products (name) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                                SELECT i FROM n WHERE i < 0
                                """,
                                deadline: .milliseconds(150)
                            )
                        } else {
                            try await shard.execute("INSERT INTO products (id, name) VALUES (\(index), \("p\(index)"))")
                        }
                    }
                }
            }
            return try await tasks.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == nil } == 19)
        #expect(outcomes.count { $0 == .deadlineExceeded } == 1)
        #expect(try await shard.one("SELECT count(*) FROM products") == 19)
        await store.close()
    }
}
