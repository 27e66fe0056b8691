import ApusCore
import ApusRuntime
import ApusStore
import Testing

@Suite(.timeLimit(.minutes(5)))
struct GroupCommitTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test
    func `a full queue refuses, and who waits too long is told so`() async throws {
        var configuration = StoreConfiguration()
        configuration.writesWaitingMax = 4
        let store = try await openStore(folder, configuration: configuration)
        let shard = try store.shard(for: 1)
        let other = Holder(path: folder.path + "/shard-0000.sqlite.lock")
        try other.take()
        let codes = try await withThrowingTaskGroup(of: StoreError.Code?.self) { tasks in
            for index in 0..<20 {
                tasks.addTask {
                    await code {
                        try await shard.execute(
                            "INSERT INTO products (name) VALUES (\("\(index)"))",
                            deadline: .milliseconds(100)
                        )
                    }
                }
            }
            return try await tasks.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.count { $0 == .overloaded } == 16)
        #expect(codes.count { $0 == .deadlineExceeded } == 4)
        #expect(store.statistics().shards[0].refused == 16)
        other.release()
        try await shard.execute("INSERT INTO products (name) VALUES ('later')")
        #expect(try await shard.all("SELECT name FROM products", as: String.self) == ["later"])
        await store.close()
    }

    @Test
    func `whoever was answered while it waited takes up no room`() async throws {
        var configuration = StoreConfiguration()
        configuration.writesWaitingMax = 3
        let store = try await openStore(folder, configuration: configuration)
        let shard = try store.shard(for: 1)
        let other = Holder(path: folder.path + "/shard-0000.sqlite.lock")
        try other.take()
        // It waits as long as all the others together.
        let first = Task {
            try await shard.execute("INSERT INTO products (name) VALUES ('first')", deadline: .seconds(60))
        }
        await eventually { store.statistics().shards[0].waiting == 1 }
        for _ in 0..<20 {
            let task = Task { try await shard.execute("INSERT INTO products (name) VALUES ('never')") }
            await eventually { store.statistics().shards[0].waiting == 2 }
            task.cancel()
            #expect(await code { _ = try await task.value } == .cancelled)
        }
        #expect(store.statistics().shards[0].waiting == 1)
        other.release()
        _ = try await first.value
        #expect(try await shard.all("SELECT name FROM products", as: String.self) == ["first"])
        await store.close()
    }

    @Test
    func `a cancelled write that waits does nothing`() async throws {
        let store = try await openStore(folder)
        let shard = try store.shard(for: 1)
        let other = Holder(path: folder.path + "/shard-0000.sqlite.lock")
        try other.take()
        let task = Task { try await shard.execute("INSERT INTO products (name) VALUES ('never')") }
        task.cancel()
        #expect(await code { _ = try await task.value } == .cancelled)
        other.release()
        #expect(try await shard.one("SELECT count(*) FROM products") == 0)
        await store.close()
    }

    @Test
    func `a single statement that fails half way undoes itself alone, also where it says to keep what it did`()
        async throws
    {
        let store = try await openStore(folder)
        let shard = try store.shard(for: 1)
        try await shard.execute("INSERT INTO products (id, name) VALUES (2, 'two')")
        let commits = store.statistics().shards[0].commits
        for conflict in ["ABORT", "FAIL", "ROLLBACK"] {
            let other = Holder(path: folder.path + "/shard-0000.sqlite.lock")
            try other.take()
            let failing: SQL =
                switch conflict {
                case "FAIL": "INSERT OR FAIL INTO products (id, name) VALUES (1, 'half'), (2, 'done')"
                case "ROLLBACK": "INSERT OR ROLLBACK INTO products (id, name) VALUES (1, 'half'), (2, 'done')"
                default: "INSERT INTO products (id, name) VALUES (1, 'half'), (2, 'done')"
                }
            let codes = try await withThrowingTaskGroup(of: StoreError.Code?.self) { tasks in
                for index in 0..<9 {
                    let name = "\(conflict) \(index)"
                    let sql: SQL = index == 4 ? failing : "INSERT INTO products (name) VALUES (\(name))"
                    tasks.addTask { await code { try await shard.execute(sql, deadline: .seconds(120)) } }
                }
                while store.statistics().shards[0].waiting < 9 { await Task.yield() }
                other.release()
                return try await tasks.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.compactMap { $0 } == [.uniqueViolation])
        }
        #expect(try await shard.one("SELECT count(*) FROM products WHERE id > 2 AND name LIKE '% %'") == 24)
        #expect(try await shard.one("SELECT count(*) FROM products") == 25)
        #expect(try await shard.one("SELECT count(*) FROM products WHERE name = 'half'") == 0)
        #expect(store.statistics().shards[0].commits > commits)
        await store.close()
    }
}
