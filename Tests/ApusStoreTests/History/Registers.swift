import ApusCore
import ApusStore

/// A table of numbers that many clients read and write at once.
enum Registers {
    static let migrations: [Migration] = [
        Migration(
            1,
            "create registers",
            "CREATE TABLE registers (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) STRICT"
        )
    ]

    static let tables = [StoreTable("registers", primaryKey: ["id"], key: ["id"]) { try $0.next(Int.self) }]

    /// Declares a store of them: nothing is opened yet.
    static func store(_ name: String, shards: Int = 2) -> Store {
        var configuration = StoreConfiguration()
        configuration.moveShare = 1
        return Store(
            name,
            shards: shards,
            sharding: .hash(slots: 64),
            migrations: migrations,
            tables: tables,
            configuration: configuration
        )
    }

    /// Has a row, of 0, for each key.
    static func fill(_ store: Store, _ keys: Range<Int>) async throws {
        try await store.insert(keys, into: "registers", ["id", "value"], key: { $0 }) { [$0, 0] }
    }
}
