import ApusCore

/// The map of slots beside the tables of the first shard, where every process finds the same.
struct ServerMap {
    let session: any MigrationSession
    /// Where it is, for people.
    let name: String

    /// Reads the map, or writes the first one; the caller holds the shard's lock.
    ///
    /// - Throws: ``StoreError``: `mapMismatch`, `wrongShard`, `corrupt`, `newerSchema`.
    func open(_ store: Store) throws -> ShardMap {
        try session.checkText(of: name)
        try session.run("CREATE TABLE IF NOT EXISTS apus_map (version INTEGER PRIMARY KEY, document TEXT NOT NULL)")
        let transaction = Transaction(session)
        let document: String? = try transaction.first("SELECT document FROM apus_map ORDER BY version DESC LIMIT 1")
        let place = "\(name), table apus_map"
        if let document {
            return try ShardMap.read(
                Array(document.utf8),
                from: place,
                store: store.name,
                sharding: store.sharding,
                shards: store.shards
            )
        }
        let map = ShardMap.first(store.sharding, shards: store.shards)
        let text = String(decoding: try map.encoded(store: store.name), as: UTF8.self)
        try transaction.execute("INSERT INTO apus_map (version, document) VALUES (\(map.version), \(text))")
        return map
    }
}

extension Store {
    /// The beginning of its schemas' names: the store's own name, as an identifier.
    var schemaName: String { String(name.map { $0.isLetter || $0.isNumber ? $0 : "_" }) }
}

extension OpenStore {
    /// The shards of a store on servers, each made ready.
    ///
    /// A server that cannot be reached does not keep the others from serving.
    static func servers(
        _ store: Store,
        _ map: ShardMap,
        _ count: Int,
        _ clock: any Clock,
        _ make: (Int) -> any ShardEngine
    ) throws -> [any ShardEngine] {
        try (0..<count).map { index in
            let shard = make(index)
            return try BrokenShard.unless(
                [.unreachable, .overloaded, .inputOutput, .corrupt],
                configuration: store.configuration,
                clock: clock
            ) { [migrations = store.migrations, identity = map.identity] in
                try shard.prepare(migrations, identity: identity)
                return shard
            }
        }
    }
}
