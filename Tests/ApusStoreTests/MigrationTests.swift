import ApusCore
import ApusRuntime
import ApusStore
import Testing

@Suite(.timeLimit(.minutes(5)))
struct MigrationTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private let one = Migration(1, "one", "CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT")
    private let two = Migration(2, "two", "CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO b VALUES (1)")

    private func opened(_ migrations: [Migration], shards: Int = 2) async throws {
        let store = try await openStore(folder, shards: shards, migrations: migrations)
        await store.close()
    }

    @Test
    func `each step is applied once a shard, in order, also when more come later`() async throws {
        try await opened([one])
        try await opened([one])
        let store = try await openStore(folder, shards: 2, migrations: [one, two])
        for shard in try store.everyShard.handles {
            #expect(try await shard.one("SELECT count(*) FROM b") == 1)
            #expect(try await shard.all("SELECT name FROM apus_migrations ORDER BY number") == ["one", "two"])
        }
        await store.close()
    }

    @Test
    func `an edited past is refused`() async throws {
        try await opened([one, two])
        let edited = Migration(1, "one", "CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT) STRICT")
        #expect(await code { try await opened([edited, two]) } == .migrationEdited)
        #expect(await code { try await opened([two]) } == .migrationEdited)
        #expect(await code { try await opened([Migration(0, "zero", "SELECT 1"), one, two]) } == .migrationEdited)
        // A new name for the same step is no edit.
        try await opened([Migration(1, "first", "CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT"), two])
    }

    @Test
    func `a file newer than the program is refused by name`() async throws {
        try await opened([one, two])
        do {
            try await opened([one])
            Issue.record("opened")
        } catch let error as StoreError {
            #expect(error.code == .newerSchema)
            #expect(error.detail.contains("migration 2"))
        }
    }

    @Test
    func `a step that fails leaves the steps before it, and goes on once it is mended`() async throws {
        let broken = Migration(2, "two", "CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO nothing VALUES (1)")
        #expect(await code { try await opened([one, broken]) } == .migrationFailed)
        let ending = Migration(2, "two", "CREATE TABLE b (id INTEGER PRIMARY KEY); COMMIT; CREATE TABLE c (id INTEGER)")
        #expect(await code { try await opened([one, ending]) } == .migrationFailed)
        let store = try await openStore(folder, shards: 2, migrations: [one, two])
        for shard in try store.everyShard.handles { #expect(try await shard.one("SELECT count(*) FROM b") == 1) }
        await store.close()
    }

    @Test
    func `shards that stopped at different steps all arrive`() async throws {
        // As after a crash between two shards: one shard has both steps, one has the first.
        try await opened([one])
        let path = folder.path + "/shard-0001.sqlite"
        let kept = try Files.read(path)
        try await opened([one, two])
        for suffix in ["", "-wal", "-shm"] { try Files.remove(path + suffix) }
        try Files.writeAtomically(kept, to: path)
        let store = try await openStore(folder, shards: 2, migrations: [one, two])
        for shard in try store.everyShard.handles { #expect(try await shard.one("SELECT count(*) FROM b") == 1) }
        await store.close()
    }

    @Test
    func `many runners at a time apply each step once`() async throws {
        let counting = Migration(2, "count", "INSERT INTO a (id) SELECT coalesce(max(id), 0) + 1 FROM a")
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<8 { tasks.addTask { try await opened([one, counting]) } }
            try await tasks.waitForAll()
        }
        let store = try await openStore(folder, shards: 2, migrations: [one, counting])
        for shard in try store.everyShard.handles { #expect(try await shard.one("SELECT count(*) FROM a") == 1) }
        await store.close()
    }

    @Test
    func `numbers out of order are the author's mistake`() async throws {
        await #expect(throws: ConfigurationError.self) { try await opened([two, one]) }
        await #expect(throws: ConfigurationError.self) { try await opened([one, one]) }
    }

    @Test
    func `a shard file in another shard's place, or another store's, is refused`() async throws {
        try await opened([one], shards: 2)
        let (first, second) = (folder.path + "/shard-0000.sqlite", folder.path + "/shard-0001.sqlite")
        try Files.writeAtomically(try Files.read(first), to: second)
        #expect(await code { try await opened([one], shards: 2) } == .wrongShard)
        let other = try TestFolder()
        let store = try await openStore(other, shards: 2, migrations: [one])
        await store.close()
        try Files.writeAtomically(try Files.read(other.path + "/shard-0001.sqlite"), to: second)
        #expect(await code { try await opened([one], shards: 2) } == .wrongShard)
    }

    @Test(arguments: ["postgres://u:secret@h/d", "sqlite:relative", "sqlite:/a?mode=ro", "nonsense"])
    func `a URL that cannot be used is refused without telling what it holds`(url: String) async throws {
        let store = Store("test")
        do {
            try await store.open(BlockSite(url: url, dataFolder: folder.path))
            Issue.record("opened")
        } catch let error as ConfigurationError {
            #expect(error.field == "STORE_URL")
            #expect(!error.description.contains("secret"))
        }
    }
}
