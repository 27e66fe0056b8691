#if PostgreSQL
import ApusCore
import ApusObserve
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusStore

/// What the server says besides its answers.
@Suite(.ownThread, .timeLimit(.minutes(5)))
struct PostgresNoticeTests {
    @Test(.needsServer)
    func `a notice of a function is a line of the log, on every kind of connection`() async throws {
        let tail = LogTail()
        LogOutput.process.keep(in: tail)
        defer { LogOutput.process.keep(in: nil) }
        let server = try await TestServer.start()
        let store = Store(
            "test",
            migrations: [
                Migration(
                    1,
                    "warn",
                    """
                    CREATE FUNCTION warn(text TEXT) RETURNS BIGINT LANGUAGE plpgsql AS $$
                    BEGIN RAISE WARNING 'stock is low: %', text; RAISE NOTICE 'told: %', text; RETURN 1; END $$
                    """
                )
            ]
        )
        try await store.open(BlockSite(url: server.url, dataFolder: "/tmp"))
        let shard = try store.shard(for: 1)
        #expect(try await shard.one("SELECT warn('read')") == 1)
        #expect(try await shard.transaction { try $0.one("SELECT warn('transaction')", as: Int.self) } == 1)
        try await shard.execute("SELECT warn('write')")
        await store.close()
        let lines = tail.lines(from: 0, most: 1000).records.filter { line in
            // Other tests' servers say things too.
            line.logger == "store" && line.fields.contains { $0.value.contains("\(server.port)") }
        }
        for way in ["read", "transaction", "write"] {
            let warning = lines.first { $0.fields.contains { $0.value == "stock is low: \(way)" } }
            #expect(warning?.level == .warning)
            #expect(warning?.fields.contains { $0.key == "database" && $0.value.contains("\(server.port)") } == true)
            #expect(lines.first { $0.fields.contains { $0.value == "told: \(way)" } }?.level == .info)
        }
        // That what was to be made is there already is not worth a line.
        #expect(!lines.contains { $0.fields.contains { $0.value.contains("skipping") } })
    }

    @Test
    func `a flood of notices is cut short`() {
        let notices = PostgresNotices("db")
        #expect((0..<100).count { _ in notices.mayWrite(at: 1) } == PostgresNotices.linesMax)
        #expect(notices.mayWrite(at: 2))
    }
}
#endif
