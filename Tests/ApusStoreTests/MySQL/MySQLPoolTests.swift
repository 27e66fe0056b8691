#if MySQL
import ApusCore
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusStore

/// Statements that stand alone, on the connections of their callers' loops: bounded, stopped when nobody waits, and answered
/// as the tables are now.
@Suite(.needsMariaDB, .serialized, .ownThread, .timeLimit(.minutes(5)))
struct MySQLPoolTests {
    /// Much longer than any test.
    private static let endless: SQL = "SELECT SLEEP(100000)"
    private static let endlessWrite: SQL = "INSERT INTO products (id, name) SELECT 9, SLEEP(100000)"

    /// Statements at work on the server that sleep.
    private func sleeping(_ server: MariaDBServer) throws -> Int {
        try server.number(
            """
            SELECT count(*) FROM information_schema.processlist
            WHERE command IN ('Execute', 'Query') AND info LIKE '%SLEEP(%' AND id <> connection_id()
            """
        )
    }

    /// Connections to the store's only shard.
    private func connections(_ server: MariaDBServer) throws -> Int {
        try server.number("SELECT count(*) FROM information_schema.processlist WHERE db = 'test_0'")
    }

    @Test
    func `a statement is stopped at its deadline, and what follows is done`() async throws {
        let server = try await MariaDBServer.start()
        var configuration = StoreConfiguration()
        configuration.readDeadline = .milliseconds(300)
        let store = try await openStore(server.url(), configuration: configuration)
        let shard = try store.shard(for: 1)
        #expect(await code { let _: Int? = try await shard.first(Self.endless) } == .deadlineExceeded)
        let write = await code { try await shard.execute(Self.endlessWrite, deadline: .milliseconds(300)) }
        #expect(write == .deadlineExceeded)
        await eventually { try sleeping(server) == 0 }
        #expect(try await shard.one("SELECT count(*) FROM products") == 0)
        try await shard.execute("INSERT INTO products (id, name) VALUES (1, 'a')")
        await store.close()
    }

    @Test
    func `a statement whose caller goes away is stopped on the server`() async throws {
        let server = try await MariaDBServer.start()
        var configuration = StoreConfiguration()
        configuration.readDeadline = .seconds(100)
        let store = try await openStore(server.url(), configuration: configuration)
        let shard = try store.shard(for: 1)
        let read = Task { let _: Int? = try await shard.first(Self.endless) }
        let write = Task { _ = try await shard.execute(Self.endlessWrite, deadline: .seconds(100)) }
        await eventually { try sleeping(server) == 2 }
        read.cancel()
        write.cancel()
        #expect(await code { try await read.value } == .cancelled)
        #expect(await code { try await write.value } == .cancelled)
        await eventually { try sleeping(server) == 0 }
        #expect(try await shard.one("SELECT count(*) FROM products") == 0)
        await store.close()
    }

    @Test
    func `what waits is bounded, ends at its deadline and its caller's cancellation, else is done`()
        async throws
    {
        let server = try await MariaDBServer.start()
        var configuration = StoreConfiguration()
        configuration.pipelines = 1
        configuration.writesWaitingMax = 2
        let store = try await openStore(server.url(), configuration: configuration)
        let shard = try store.shard(for: 1)
        // The store's own loop has one connection for writes, which is busy for as long as this lock is held.
        let holder = try TestMySQL(server.url()).session()
        defer { holder.close() }
        try holder.control("DO GET_LOCK('held', 60)")
        func insert(_ id: Int) -> SQL { "INSERT INTO products (id, name) VALUES (\(id), \("name \(id)"))" }
        let first = Task {
            let locked: SQL = "INSERT INTO products (id, name) SELECT 1, GET_LOCK('held', 60)"
            _ = try await shard.execute(locked, deadline: .seconds(60))
        }
        await eventually {
            try server.number(
                "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'INSERT%GET_LOCK(%'"
            ) == 1
        }
        let second = Task { _ = try await shard.execute(insert(2), deadline: .seconds(60)) }
        await eventually { store.statistics().shards[0].waiting == 1 }
        let third = Task { _ = try await shard.execute(insert(3), deadline: .seconds(60)) }
        await eventually { store.statistics().shards[0].waiting == 2 }
        let fourth = Task { _ = try await shard.execute(insert(4)) }
        #expect(await code { try await fourth.value } == .overloaded)
        third.cancel()
        #expect(await code { try await third.value } == .cancelled)
        let late = Task { _ = try await shard.execute(insert(5), deadline: .milliseconds(100)) }
        #expect(await code { try await late.value } == .deadlineExceeded)
        try holder.control("DO RELEASE_LOCK('held')")
        try await first.value
        try await second.value
        #expect(try await shard.all("SELECT id FROM products ORDER BY id", as: Int.self) == [1, 2])
        #expect(store.statistics().shards[0].refused == 1)
        await store.close()
    }

    @Test
    func `loops have a connection each, and share what there may be beyond`() async throws {
        let server = try await MariaDBServer.start()
        let store = try await openStore(server.url())
        let shard = try store.shard(for: 1)
        let group = try LoopGroup(count: 3)
        let read: @Sendable () async throws -> Void = {
            // Each has the others wait for long enough that all connections are made that may be.
            let _: Int = try await shard.one("SELECT SLEEP(0.05)")
        }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for loop in group.loops {
                for _ in 0..<20 { tasks.addTask { try await onLoop(loop) { try await read() } } }
            }
            try await tasks.waitForAll()
        }
        // Three loops, and three more beside the first of four.
        await eventually { try connections(server) == 6 }
        await store.close()
        await eventually { try connections(server) == 0 }
        group.shutdown()
    }

    @Test
    func `a column that is of another type since the last time is read as what it is`() async throws {
        let server = try await MariaDBServer.start()
        let store = try await openStore(server.url())
        let shard = try store.shard(for: 1)
        try server.run("CREATE TABLE test_0.things (thing BIGINT)", "INSERT INTO test_0.things VALUES (7)")
        let thing: SQL = "SELECT thing FROM things"
        func number() async throws -> Int { try await shard.one(thing) }
        func text() async throws -> String { try await shard.one(thing) }
        #expect(try await number() == 7)
        try server.run("ALTER TABLE test_0.things MODIFY thing VARCHAR(400)")
        #expect(try await text() == "7")
        let long = String(repeating: "x", count: 400)
        try await shard.execute("UPDATE things SET thing = \(long)")
        #expect(try await text() == long)
        #expect(await code { _ = try await number() } == .rowMismatch)
        await store.close()
    }

    @Test
    func `more statements than a connection keeps are prepared again`() async throws {
        let server = try await MariaDBServer.start(["--max-prepared-stmt-count=600"])
        var configuration = StoreConfiguration()
        configuration.pipelines = 1
        let store = try await openStore(server.url(), configuration: configuration)
        let shard = try store.shard(for: 1)
        for _ in 0..<2 {
            for count in 1...(MySQLStatements.statementsMax + 10) {
                let ids = Array(1...count)
                #expect(try await shard.one("SELECT count(*) FROM products WHERE id IN (\(list: ids))") == 0)
            }
        }
        let kept = try server.number(
            "SELECT CAST(variable_value AS SIGNED) FROM information_schema.global_status WHERE variable_name = 'Prepared_stmt_count'"
        )
        #expect(kept <= MySQLStatements.statementsMax * 2)
        await store.close()
    }

    @Test
    func `an answer that is too large is refused, and the next one comes`() async throws {
        let server = try await MariaDBServer.start()
        var configuration = StoreConfiguration()
        configuration.answerBytesMax = 1 << 20
        configuration.rowsMax = 1000
        let store = try await openStore(server.url(), configuration: configuration)
        let shard = try store.shard(for: 1)
        let rows: SQL = "SELECT seq FROM seq_1_to_2000"
        #expect(await code { let _: [Int] = try await shard.all(rows) } == .tooLarge)
        let wide: SQL = "SELECT repeat('x', 4000) FROM seq_1_to_900"
        #expect(await code { let _: [String] = try await shard.all(wide) } == .tooLarge)
        #expect(try await shard.all("SELECT seq FROM seq_1_to_1000", as: Int.self).count == 1000)
        await store.close()
    }

    @Test
    func `reads do not notice that the server has ended their connection`() async throws {
        let server = try await MariaDBServer.start()
        let store = try await openStore(server.url())
        let shard = try store.shard(for: 1)
        let other = try TestMySQL(server.url()).session()
        defer { other.close() }
        for _ in 1...20 {
            #expect(try await shard.one("SELECT count(*) FROM products") == 0)
            let numbers: [Int] = try Transaction(other).all(
                "SELECT id FROM information_schema.processlist WHERE db = 'test_0'"
            )
            for number in numbers { try other.control("KILL \(number)") }
        }
        await store.close()
    }
}
#endif
