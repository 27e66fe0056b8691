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
    case sqlite, postgres

    var testDescription: String { rawValue }

    /// The engines that are there; `./apus test` promises all.
    static var here: [TestEngine] {
        RealPart.postgres.location != nil || RealPart.mustRun ? [.sqlite, .postgres] : [.sqlite]
    }
}

/// Where one test's stores are: a folder, or schemas whose names nobody else uses; gone when the test is.
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
        url = engine == .postgres ? RealPart.postgres.location : nil
        if engine == .postgres { _ = try #require(url as String?, "APUS_TEST_POSTGRES is not set") }
    }

    deinit {
        #if PostgreSQL
        guard let url else { return }
        try? TestDatabase(url).run((0..<Self.shardsMax).map { "DROP SCHEMA IF EXISTS \(schema($0)) CASCADE" })
        #endif
    }

    /// The schema of a shard.
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

/// Runs `body` on `loop`.
func onLoop<Value: Sendable>(
    _ loop: EventLoop,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await Task(executorPreference: loop) { try await body() }.value
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
