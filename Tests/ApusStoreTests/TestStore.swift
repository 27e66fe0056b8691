import ApusCore
import ApusRuntime
import ApusStore
import ApusTesting
import Glibc
import Testing

/// A folder that is gone when the test is.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = "/tmp/apus-store-\(SecureRandom.token(bits: 64))"
        try Files.makeFolder(path)
    }

    deinit { try? Files.remove(path) }
}

/// An engine that the contract's tests run against.
enum TestEngine: String, Sendable, CustomTestStringConvertible {
    case sqlite, postgres, mysql
    /// PostgreSQL with functions of Citus's names, which do not spread anything.
    case citus

    var testDescription: String { rawValue }

    /// The server that a test needs for it; `nil` for the folder.
    var part: RealPart? {
        switch self {
        case .sqlite: nil
        case .postgres, .citus: .postgres
        case .mysql: .mariadb
        }
    }

    /// Those of them whose shards can be resharded.
    static var moving: [TestEngine] { here }

    /// Whether a server of PostgreSQL is asked.
    var isPostgres: Bool { self == .postgres || self == .citus }

    /// The same with the one that has one shard, however many are declared, and no reference to what is not declared.
    static var withCitus: [TestEngine] { here + (here.contains(.postgres) ? [.citus] : []) }

    /// The engines that are there; `./apus test` promises all.
    static var here: [TestEngine] {
        [.sqlite, .postgres, .mysql].filter { $0.part.map { $0.location != nil || RealPart.mustRun } ?? true }
    }
}

/// Where one test's stores are: a folder, or schemas or databases whose names nobody else uses; gone when the test is.
final class TestPlace: Sendable {
    let engine: TestEngine
    let folder: TestFolder
    /// The store's name.
    let name: String
    /// The engine's URL; `nil` for the folder.
    let url: String?
    static let shardsMax = 4

    init(_ engine: TestEngine) throws {
        self.engine = engine
        folder = try TestFolder()
        name = "test-\(SecureRandom.token(bits: 48).lowercased().filter { $0.isLetter || $0.isNumber })"
        let location = engine.part?.location
        url = engine == .citus ? location.map { $0 + ($0.contains("?") ? "&citus" : "?citus") } : location
        if let part = engine.part { _ = try #require(url as String?, "\(part.rawValue) is not set") }
        #if PostgreSQL
        if engine == .citus, let url { try TestDatabase(url).run(FakeCitus(schema(0)).installation()) }
        #endif
    }

    deinit { drop(self) }

    /// Drops what a place's store has on this one's server.
    func drop(_ place: TestPlace) {
        guard let url else { return }
        let names = (0..<Self.shardsMax).map(place.schema)
        switch engine {
        case .sqlite: break
        case .postgres, .citus:
            #if PostgreSQL
            let schemas = names + names.prefix(1).map(FakeCitus.records)
            try? TestDatabase(url).run(schemas.map { "DROP SCHEMA IF EXISTS \($0) CASCADE" })
            #endif
        case .mysql:
            #if MySQL
            try? TestMySQL(url).run(names.map { "DROP DATABASE IF EXISTS \($0)" })
            #endif
        }
    }

    /// The schema, or database, of a shard.
    func schema(_ index: Int) -> String { name.replacing("-", with: "_") + "_\(index)" }

    func site(clock: any Clock = SystemClock()) -> BlockSite {
        BlockSite(url: url, dataFolder: folder.path, clock: clock)
    }
}

/// Opens a store over `productsSchema` in `place`.
func openStore(
    _ place: TestPlace,
    shards: Int = 1,
    sharding: Sharding = .hash(slots: 64),
    migrations: [Migration] = productsSchema,
    configuration: StoreConfiguration = StoreConfiguration()
) async throws -> Store {
    let store = Store(
        place.name,
        shards: shards,
        sharding: sharding,
        migrations: migrations,
        tables: place.tables(migrations),
        configuration: configuration
    )
    try await store.open(place.site())
    return store
}

/// A schema that most tests use.
let productsSchema: [Migration] = [
    Migration(
        1,
        "create products",
        """
        CREATE TABLE products (
          id INTEGER PRIMARY KEY, name TEXT NOT NULL, stock INTEGER NOT NULL DEFAULT 0 CHECK (stock >= 0),
          price REAL, picture BLOB) STRICT;
        CREATE UNIQUE INDEX products_name ON products (name);
        """
    )
]

struct Product: Row, Codable, Hashable, Sendable {
    var id: Int
    var name: String
    var stock: Int

    init(id: Int, name: String, stock: Int = 0) {
        self.id = id
        self.name = name
        self.stock = stock
    }

    init(from row: inout RowReader) throws {
        id = try row.next()
        name = try row.next()
        stock = try row.next()
    }
}

/// Opens a store over `productsSchema` in `folder`.
func openStore(
    _ folder: TestFolder,
    shards: Int = 1,
    sharding: Sharding = .hash(slots: 64),
    migrations: [Migration] = productsSchema,
    configuration: StoreConfiguration = StoreConfiguration()
) async throws -> Store {
    let store = Store(
        "test",
        shards: shards,
        sharding: sharding,
        migrations: migrations,
        configuration: configuration
    )
    try await store.open(BlockSite(dataFolder: folder.path))
    return store
}

/// Runs `body` in a task of `loop`, which ends with the test: also where the test's time is up.
func onLoop<Value: Sendable>(
    _ loop: EventLoop,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let task = Task(executorPreference: loop) { try await body() }
    return try await withTaskCancellationHandler {
        try await task.value
    } onCancel: {
        task.cancel()
    }
}

/// The code of the error that `body` throws, or `nil` where it throws none of ours.
func code(_ body: () async throws -> Void) async -> StoreError.Code? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? StoreError)?.code
    }
}

/// Waits for what another task or the server is about to do; a suite's time limit bounds it.
func eventually(_ condition: () async throws -> Bool) async {
    var looks = 0
    while !Task.isCancelled, (try? await condition()) != true {
        looks += 1
        // Whoever waits long leaves the cores to those it waits for.
        if looks < 100 { await Task.yield() } else { try? await Task.sleep(for: .milliseconds(1)) }
    }
}

/// Opens a store over `productsSchema` on a server.
func openStore(
    _ url: String,
    shards: Int = 1,
    configuration: StoreConfiguration = StoreConfiguration()
) async throws -> Store {
    let store = Store("test", shards: shards, migrations: productsSchema, configuration: configuration)
    try await store.open(BlockSite(url: url, dataFolder: "/tmp"))
    return store
}

/// The error that `body` throws, or `nil` where it throws none of ours.
func failure(_ body: () async throws -> Void) async -> StoreError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? StoreError
    }
}
