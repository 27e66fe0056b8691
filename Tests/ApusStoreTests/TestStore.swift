import ApusCore
import ApusRuntime
import ApusStore
import Glibc

/// A folder that is gone when the test is.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = "/tmp/apus-store-\(SecureRandom.token(bits: 64))"
        try Files.makeFolder(path)
    }

    deinit { try? Files.remove(path) }
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
