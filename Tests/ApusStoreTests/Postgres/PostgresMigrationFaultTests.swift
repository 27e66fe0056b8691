#if PostgreSQL
import ApusCore
import ApusRuntime
import ApusStore
import ApusTesting
import Glibc
import Testing

/// A process that dies while it migrates, and two that want to.
@Suite(.needsServer, .serialized, .ownThread, .timeLimit(.minutes(10)))
struct PostgresMigrationFaultTests {
    private static let migrations = [
        Migration(1, "one", "CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT"),
        Migration(2, "two", "CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO a (id, n) VALUES (1, 1)"),
        Migration(3, "three", "UPDATE a SET n = n + 1; INSERT INTO b (id) SELECT coalesce(max(id), 0) + 1 FROM b"),
    ]

    private static func migrate(_ name: String, _ url: String, clock: any Clock = SystemClock()) async throws -> Store {
        let store = Store(name, shards: 2, migrations: migrations)
        try await store.open(BlockSite(url: url, dataFolder: "/tmp", clock: clock))
        return store
    }

    @Test
    func `kill -9 at any step of a migration leaves whole steps, and the next process goes on`() async throws {
        let server = try await TestServer.start()
        let counter = DeadlyClock()
        await (try Self.migrate("count", server.url, clock: counter)).close()
        #expect(counter.count > 20)
        for look in 1...counter.count {
            let (name, url) = ("killed-\(look)", server.url)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [name = name as String, url = url as String, look = look as Int] in
                await (try Self.migrate(name, url, clock: DeadlyClock(at: look))).close()
                // It may have looked less often this time.
                kill(getpid(), SIGKILL)
            }
            let store = try await Self.migrate(name, url)
            for shard in try store.everyShard.handles {
                #expect(
                    try await shard.all("SELECT name FROM apus_migrations ORDER BY number") == ["one", "two", "three"]
                )
                #expect(try await shard.all("SELECT n FROM a", as: Int.self) == [2])
                #expect(try await shard.all("SELECT id FROM b", as: Int.self) == [1])
            }
            await store.close()
        }
    }

    @Test
    func `while one process migrates another waits, and gives up at its deadline`() async throws {
        let server = try await TestServer.start()
        await (try await openStore(server.url)).close()
        let holder = try PostgresHold(server.url)
        try holder.run("SELECT pg_advisory_lock(\(PostgresHold.migrationLock(schema: "test_0")))")
        var configuration = StoreConfiguration()
        configuration.openDeadline = .milliseconds(200)
        let error = await failure { _ = try await openStore(server.url, configuration: configuration) }
        #expect(error?.code == .busy)
        #expect(error?.detail.contains("schema test_0 was made ready by another process") == true)
        let waiting = Task { try await openStore(server.url) }
        await eventually {
            try server.number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1
        }
        // Its end lets go of the lock, however it ends.
        holder.close()
        await (try await waiting.value).close()
    }
}
#endif
