public import ApusCore
import ApusRuntime

/// A database in several shards, each row on the shard that its key belongs to.
///
/// ```swift
/// let store = Store("shop", shards: 4, sharding: .hash(slots: 4096), migrations: [
///     Migration(1, "create products", "CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT")
/// ])
///
/// let name: String? = try await store.shard(for: id).first("SELECT name FROM products WHERE id = \(id)")
/// try await store.shard(for: id).transaction { transaction in
///     try transaction.execute("UPDATE products SET name = \(new) WHERE id = \(id)")
/// }
/// ```
/// A key leads to one shard, and one shard is all that a transaction can touch. Questions to all shards are asked
/// through ``everyShard``, where they look like what they are.
///
/// The embedded engine keeps each shard in a SQLite file of the data folder; several processes may open the same store.
public final class Store: Block {
    /// `store`: its engine is chosen by `STORE_URL`.
    public static let kind = "store"
    /// The store's name within its system.
    public let name: String
    /// How keys come to slots.
    public let sharding: Sharding
    /// How many shards a new store has.
    public let shards: Int
    let migrations: [Migration]
    let tables: [StoreTable]
    let configuration: StoreConfiguration
    private let opened = Published<OpenStore>()

    /// Declares a store; nothing is opened yet.
    ///
    /// - Parameters:
    ///   - name: Lower-case, such as `shop`.
    ///   - shards: How many databases a new store is spread over, 1 to 1024.
    ///   - sharding: How keys come to slots; 4,096 slots by hash unless said.
    ///   - migrations: The schema's steps, by ascending number; each shard gets all of them.
    ///   - tables: What the rows of each table belong to; needed where the store is to be resharded or backed up, or where
    ///     Citus spreads it.
    ///   - configuration: Bounds and sizes.
    public init(
        _ name: String,
        shards: Int = 1,
        sharding: Sharding = .hash(slots: 4096),
        migrations: [Migration] = [],
        tables: [StoreTable] = [],
        configuration: StoreConfiguration = StoreConfiguration()
    ) {
        self.name = name
        self.shards = shards
        self.sharding = sharding
        self.migrations = migrations
        self.tables = tables
        self.configuration = configuration
    }

    /// Opens the engine that the site names, checks the stored map and applies the migrations that are missing.
    ///
    /// A shard whose file is damaged does not keep the others from serving: its own calls say what is wrong with it.
    ///
    /// - Throws: `ConfigurationError`; ``StoreError``: `mapMismatch`, `migrationEdited`, `migrationFailed`,
    ///   `newerSchema`, `wrongShard`, `corrupt` for the map itself, `readOnly`, `diskFull`.
    public func open(_ site: BlockSite) async throws {
        guard opened.value == nil else { return }
        _ = try configuration.checked()
        _ = try sharding.checked(shards: shards)
        try Migration.check(migrations)
        try StoreTable.check(tables)
        let store = try await StoreThread.run { [self] in try OpenStore.open(self, site) }
        opened.publish(store)
    }

    /// Commits what was accepted and closes the files; calls that come later get code `closed`.
    public func close() async {
        guard let store = opened.take() else { return }
        await store.close()
    }

    /// `sqlite3` or `psql` on the first shard.
    public var stockClient: String? { opened.value?.latest.stockClient }

    /// The shards that cannot be used, each with its file or database and the fix.
    public var problems: [String] { opened.value?.latest.engines.compactMap(\.problem) ?? [] }

    /// The map of slots in force.
    ///
    /// - Throws: ``StoreError`` with code `closed`.
    public var map: ShardMap { get throws { try current().map } }

    /// The shard that has the rows of `key`.
    ///
    /// - Throws: ``StoreError``: `closed`; `notInMap` for a name without slots; what is wrong with the shard's file.
    /// - Complexity: O(1), some tens of nanoseconds.
    @inlinable
    public func shard<Key: ShardKey>(for key: Key) throws -> Shard<Key> {
        try route(key.shardValue, name: key.directoryName).handle()
    }

    // Not generic, so that it is compiled once and called directly.
    @usableFromInline
    func route(_ value: ShardValue, name: String?) throws -> ShardRoute {
        guard let store = opened.borrowed else { throw closed }
        return try store._withUnsafeGuaranteedRef { store in
            let place = try store.map.place(value, name: name)
            let index = store.map.table.shard(of: place)
            return ShardRoute(index: index, place: place, engine: try store.shards.engine(index))
        }
    }

    private var closed: StoreError { StoreError(.closed, "the store \"\(name)\" is not open") }

    func current() throws -> OpenStore {
        guard let store = opened.value else { throw closed }
        return store.latest
    }

    /// What the shards have done since the store was opened.
    public func statistics() -> StoreStatistics {
        StoreStatistics(shards: opened.value?.latest.statistics() ?? [])
    }

    /// What is wrong with each shard's file, by SQLite's full check; empty for a sound store.
    ///
    /// It reads every page.
    ///
    /// - Throws: ``StoreError`` where the check itself cannot run.
    public func integrity() async throws -> [Int: [String]] { try await current().integrity() }
}
