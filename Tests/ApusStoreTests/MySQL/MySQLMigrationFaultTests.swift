#if MySQL
import ApusCore
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusStore

/// A process that dies while it migrates, and one that waits for another.
@Suite(.needsMariaDB, .serialized, .ownThread, .timeLimit(.minutes(10)))
struct MySQLMigrationFaultTests {
    private static let migrations = [
        Migration(1, "one", "CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT"),
        Migration(
            2,
            "two",
            """
            CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO a (id, n) VALUES (1, 1);
            ALTER TABLE b ADD COLUMN name TEXT; CREATE INDEX a_n ON a (n); UPDATE a SET n = n + 1
            """
        ),
    ]

    private static func migrate(
        _ name: String,
        _ url: String,
        _ migrations: [Migration] = migrations,
        clock: any Clock = SystemClock(),
        configuration: StoreConfiguration = StoreConfiguration()
    ) async throws -> Store {
        let store = Store(name, migrations: migrations, configuration: configuration)
        try await store.open(BlockSite(url: url, dataFolder: "/tmp", clock: clock))
        return store
    }

    @Test
    func `kill -9 at any step of a migration leaves what the next process goes on from`() async throws {
        let server = try await MariaDBServer.start()
        let counter = DeadlyClock()
        await (try Self.migrate("count", server.url(), clock: counter)).close()
        #expect(counter.count > 20)
        for look in 1...counter.count {
            let (name, url) = ("killed-\(look)", server.url())
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [name = name as String, url = url as String, look = look as Int] in
                await (try Self.migrate(name, url, clock: DeadlyClock(at: look))).close()
                // It may have looked less often this time.
                kill(getpid(), SIGKILL)
            }
            let store = try await Self.migrate(name, url)
            let shard = try store.shard(for: 1)
            #expect(try await shard.one("SELECT n FROM a") == 2)
            #expect(try await shard.all("SELECT name FROM b", as: String?.self).isEmpty)
            #expect(try await shard.one("SELECT count(*) FROM apus_migrations") == 2)
            #expect(try await shard.one("SELECT count(*) FROM apus_migrating") == 0)
            await store.close()
        }
    }

    @Test
    func `a statement that was under way is found done, or done then`() async throws {
        let server = try await MariaDBServer.start()
        let first = Array(Self.migrations.prefix(1))
        // As a crash leaves it: the statement has begun, and nobody knows whether it was done.
        for isDone in [false, true] {
            let name = isDone ? "done" : "begun"
            await (try Self.migrate(name, server.url(), first)).close()
            let session = try TestMySQL(server.url()).session()
            defer { session.close() }
            try session.control("USE \(name)_0")
            let translated = MySQLSchema.statements(Self.migrations[1].text)
            if isDone { try session.control(translated[0]) }
            let mark = String(XXHash64.hash(translated[0]), radix: 16)
            _ = try session.execute("INSERT INTO apus_migrating VALUES (0, \(mark), 0)")
            let store = try await Self.migrate(name, server.url())
            #expect(try await store.shard(for: 1).one("SELECT n FROM a") == 2)
            await store.close()
        }
    }

    @Test
    func `a step that is half done and was changed since is refused with the fix`() async throws {
        let server = try await MariaDBServer.start()
        func step(_ text: StaticString) -> [Migration] { [Migration(1, "one", text)] }
        let broken = step("CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE a (id INTEGER PRIMARY KEY)")
        #expect(await code { _ = try await Self.migrate("half", server.url(), broken) } == .migrationFailed)
        let other = step("CREATE TABLE b (id INTEGER PRIMARY KEY)")
        let error = await failure { _ = try await Self.migrate("half", server.url(), other) }
        #expect(error?.code == .migrationFailed)
        #expect(error?.detail.contains("apus_migrating") == true)
        let mended = step("CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY)")
        await (try Self.migrate("half", server.url(), mended)).close()
    }

    @Test
    func `who waits too long for another that migrates is told`() async throws {
        let server = try await MariaDBServer.start()
        await (try Self.migrate("held", server.url())).close()
        var place = MySQLPlace()
        place.database = "held_0"
        let session = try TestMySQL(server.url()).session()
        defer { session.close() }
        try session.control("DO GET_LOCK('\(MySQLAddress(place).migrationLock)', 30)")
        var configuration = StoreConfiguration()
        configuration.openDeadline = .seconds(1)
        let late = configuration
        #expect(
            await code { _ = try await Self.migrate("held", server.url(), configuration: late) } == .busy
        )
    }
}
#endif
