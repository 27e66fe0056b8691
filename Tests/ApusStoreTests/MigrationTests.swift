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

    @Test(arguments: ["oracle://u:secret@h/d", "sqlite:relative", "sqlite:/a?mode=ro", "nonsense"])
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
