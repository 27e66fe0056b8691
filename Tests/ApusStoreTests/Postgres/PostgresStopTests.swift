#if PostgreSQL
import ApusCore
import ApusStore
import ApusTesting
import Testing

/// A statement whose caller has given it up is stopped on the server, and the connection goes on.
@Suite(.needsServer, .serialized, .ownThread, .timeLimit(.minutes(5)))
struct PostgresStopTests {
    /// Much longer than any test.
    private static let endless: SQL = "SELECT 1 FROM (SELECT pg_sleep(100000)) AS sleep"

    /// Statements at work on the server that sleep.
    private func sleeping(_ server: TestServer) throws -> Int {
        try server.number(
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE state = 'active' AND query LIKE '%pg_sleep(%' AND pid <> pg_backend_pid()
            """
        )
    }

    @Test
    func `a statement that stands alone is stopped at its deadline`() async throws {
        let server = try await TestServer.start()
        var configuration = StoreConfiguration()
        configuration.readDeadline = .milliseconds(500)
        let store = try await openStore(server.url, configuration: configuration)
        let shard = try store.shard(for: 1)

        let reader: Int = try await shard.one("SELECT pg_backend_pid()")
        #expect(await code { let _: Int? = try await shard.first(Self.endless) } == .deadlineExceeded)
        await eventually { try sleeping(server) == 0 }
        #expect(try await shard.one("SELECT pg_backend_pid()") == reader)

        #expect(
            await code { try await shard.execute(Self.endless, deadline: .milliseconds(200)) } == .deadlineExceeded
        )
        #expect(try sleeping(server) == 0)
        await store.close()
    }

    @Test
    func `a transaction and a scan are stopped at their deadline, and when their caller goes away`() async throws {
        let server = try await TestServer.start()
        let store = try await openStore(server.url)
        let shard = try store.shard(for: 1)
        let writer: Int = try await shard.transaction { try $0.one("SELECT pg_backend_pid()") }
        let scanner = try await shard.scan("SELECT pg_backend_pid()", as: Int.self)

        #expect(
            await code {
                try await shard.transaction(deadline: .milliseconds(200)) { transaction in
                    try transaction.execute("INSERT INTO products (name) VALUES ('never')")
                    try transaction.execute(Self.endless)
                }
            } == .deadlineExceeded
        )
        #expect(
            await code { _ = try await shard.scan(Self.endless, as: Int.self, deadline: .milliseconds(200)) }
                == .deadlineExceeded
        )
        #expect(try sleeping(server) == 0)

        let transaction = Task { try await shard.transaction { _ = try $0.execute(Self.endless) } }
        let scan = Task { _ = try await shard.scan(Self.endless, as: Int.self) }
        await eventually { try sleeping(server) == 2 }
        transaction.cancel()
        scan.cancel()
        #expect(await code { try await transaction.value } == .cancelled)
        #expect(await code { try await scan.value } == .cancelled)
        await eventually { try sleeping(server) == 0 }

        // No connection was given up for it, and nothing of it was kept.
        #expect(try await shard.transaction { try $0.one("SELECT pg_backend_pid()", as: Int.self) } == writer)
        #expect(try await shard.scan("SELECT pg_backend_pid()", as: Int.self) == scanner)
        #expect(try await shard.one("SELECT count(*) FROM products") == 0)
        await store.close()
    }
}
#endif
