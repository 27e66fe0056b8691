#if PostgreSQL
import ApusCore

/// The map of slots in the schema of the first shard, where every process finds the same.
struct PostgresMap {
    let session: PostgresSession

    /// Reads the map, or writes the first one; the caller holds the shard's lock.
    ///
    /// - Throws: ``StoreError``: `mapMismatch`, `wrongShard`, `corrupt`, `newerSchema`.
    func open(_ store: Store) throws -> ShardMap {
        try session.checkText(of: session.name)
        try session.run("CREATE TABLE IF NOT EXISTS apus_map (version INTEGER PRIMARY KEY, document TEXT NOT NULL)")
        let transaction = Transaction(session)
        let document: String? = try transaction.first("SELECT document FROM apus_map ORDER BY version DESC LIMIT 1")
        let place = "\(session.name), table apus_map"
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
#endif
