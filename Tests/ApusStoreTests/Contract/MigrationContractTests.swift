import ApusCore
import ApusRuntime
import ApusStore
import Testing

/// How every engine takes a schema step by step.
@Suite(.timeLimit(.minutes(5)))
struct MigrationContractTests {
    private let one = Migration(1, "one", "CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT")
    private let two = Migration(2, "two", "CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO b VALUES (1)")

    private func opened(_ place: TestPlace, _ migrations: [Migration], shards: Int = 2) async throws {
        let store = try await openStore(place, shards: shards, migrations: migrations)
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `each step is applied once a shard, in order, also when more come later`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        try await opened(place, [one])
        try await opened(place, [one])
        let store = try await openStore(place, shards: 2, migrations: [one, two])
        for shard in try store.everyShard.handles {
            #expect(try await shard.one("SELECT count(*) FROM b") == 1)
            #expect(try await shard.all("SELECT name FROM apus_migrations ORDER BY number") == ["one", "two"])
        }
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `an edited past is refused`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        try await opened(place, [one, two])
        let edited = Migration(1, "one", "CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT) STRICT")
        #expect(await code { try await opened(place, [edited, two]) } == .migrationEdited)
        #expect(await code { try await opened(place, [two]) } == .migrationEdited)
        #expect(
            await code { try await opened(place, [Migration(0, "zero", "SELECT 1"), one, two]) } == .migrationEdited
        )
        // A new name for the same step is no edit.
        try await opened(place, [Migration(1, "first", "CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT"), two])
    }

    @Test(arguments: TestEngine.withCitus)
    func `a schema newer than the program is refused by name`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        try await opened(place, [one, two])
        do {
            try await opened(place, [one])
            Issue.record("opened")
        } catch let error as StoreError {
            #expect(error.code == .newerSchema)
            #expect(error.detail.contains("migration 2"))
        }
    }

    @Test(arguments: TestEngine.withCitus)
    func `a step that fails leaves the steps before it, and goes on once it is mended`(engine: TestEngine) async throws
    {
        let place = try TestPlace(engine)
        let broken = Migration(2, "two", "CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO nothing VALUES (1)")
        #expect(await code { try await opened(place, [one, broken]) } == .migrationFailed)
        let ending = Migration(2, "two", "CREATE TABLE b (id INTEGER PRIMARY KEY); COMMIT; CREATE TABLE c (id INTEGER)")
        #expect(await code { try await opened(place, [one, ending]) } == .migrationFailed)
        let store = try await openStore(place, shards: 2, migrations: [one, two])
        for shard in try store.everyShard.handles { #expect(try await shard.one("SELECT count(*) FROM b") == 1) }
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `many runners at a time apply each step once`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let counting = Migration(2, "count", "INSERT INTO a (id) SELECT coalesce(max(id), 0) + 1 FROM a")
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<8 { tasks.addTask { try await opened(place, [one, counting]) } }
            try await tasks.waitForAll()
        }
        let store = try await openStore(place, shards: 2, migrations: [one, counting])
        for shard in try store.everyShard.handles { #expect(try await shard.one("SELECT count(*) FROM a") == 1) }
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `numbers out of order are the author's mistake`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        await #expect(throws: ConfigurationError.self) { try await opened(place, [two, one]) }
        await #expect(throws: ConfigurationError.self) { try await opened(place, [one, one]) }
    }
}
