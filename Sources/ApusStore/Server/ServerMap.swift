import ApusCore

/// The map of slots beside the tables of the first shard, where every process finds the same.
struct ServerMap {
    let session: any MigrationSession
    /// Where it is, for people.
    let name: String

    /// Reads the map, or writes the first one; the caller holds the shard's lock.
    ///
    /// - Parameters:
    ///   - store: The store as it is declared.
    ///   - shards: How many shards it has here; as declared unless said.
    /// - Returns: The map.
    /// - Throws: ``StoreError``: `mapMismatch`, `wrongShard`, `corrupt`, `newerSchema`.
    func open(_ store: Store, shards: Int? = nil) throws -> ShardMap {
        let shards = shards ?? store.shards
        try session.checkText(of: name)
        try session.run("CREATE TABLE IF NOT EXISTS apus_map (version INTEGER PRIMARY KEY, document TEXT NOT NULL)")
        try session.run("CREATE TABLE IF NOT EXISTS apus_reshard (id INTEGER PRIMARY KEY, document TEXT NOT NULL)")
        let transaction = Transaction(session)
        let document: String? = try transaction.first("SELECT document FROM apus_map ORDER BY version DESC LIMIT 1")
        let place = "\(name), table apus_map"
        let filling = store.configuration.filling
        if let document {
            let map = try ShardMap.read(
                Array(document.utf8),
                from: place,
                store: store.name,
                sharding: store.sharding,
                shards: shards
            )
            if let filling, map.identity != filling.identity {
                throw StoreError(.wrongShard, "\(name) has another store of this name; name another database")
            }
            if filling == nil, map.isRelocated {
                throw StoreError(
                    .restoreUnfinished,
                    "\(place): rows come from a folder's files, or that was cut off; until `store reshard --finish` "
                        + "there the store is open to programs of that folder alone"
                )
            }
            return map
        }
        let map = ShardMap.first(store.sharding, shards: shards, identity: filling?.identity)
        let format = filling == nil ? 1 : ShardMap.relocated
        let text = String(decoding: try map.encoded(store: store.name, format: format), as: UTF8.self)
        try transaction.execute("INSERT INTO apus_map (version, document) VALUES (\(map.version), \(text))")
        return map
    }
}

extension Store {
    /// The beginning of its schemas' names: the store's own name, as an identifier.
    var schemaName: String { String(name.map { $0.isLetter || $0.isNumber ? $0 : "_" }) }
}

/// Opens the shards of a store on servers, those that come later too.
///
/// A server that cannot be reached does not keep the others from serving.
struct ServerShards: Sendable {
    let store: Store
    let identity: String
    let clock: any Clock
    let make: @Sendable (Int, ShardList) throws -> any ShardEngine

    func list(_ table: SlotTable) throws -> ShardList {
        let (configuration, clock) = (store.configuration, clock)
        return try ShardList(
            table,
            first: { [self] index, list in
                try BrokenShard.unless(
                    [.unreachable, .overloaded, .inputOutput, .corrupt],
                    configuration: configuration,
                    clock: clock,
                    look: try look(index, list)
                )
            },
            later: { [self] index, list in
                BrokenShard(configuration: configuration, clock: clock, look: try look(index, list))
            }
        )
    }

    private func look(_ index: Int, _ list: ShardList) throws -> @Sendable () throws -> any ShardEngine {
        let shard = try make(index, list)
        return { [migrations = store.migrations, identity] in
            try shard.prepare(migrations, identity: identity)
            return shard
        }
    }
}
