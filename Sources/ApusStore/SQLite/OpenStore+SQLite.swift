import ApusCore
import ApusRuntime

extension OpenStore {
    static func fileName(_ index: Int) -> String {
        let digits = "\(index)"
        return "shard-" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ".sqlite"
    }

    /// Reads the map, opens every shard and migrates it; blocks.
    convenience init(_ store: Store, folder: String, clock: any Clock) throws {
        do {
            try Files.makeFolder(folder)
        } catch {
            throw StoreError(wrapping: error, folder)
        }
        let map = try ShardMap.open(
            folder: folder,
            store: store.name,
            sharding: store.sharding,
            shards: store.shards,
            deadline: store.configuration.openDeadline
        )
        let watcher = DeadlineWatcher()
        let engines = try (0..<map.shards).map { index in
            let made = Lock<SQLiteShard?>(nil)
            let path = "\(folder)/\(Self.fileName(index))"
            return try BrokenShard.unless([.corrupt, .inputOutput], configuration: store.configuration, clock: clock) {
                [
                    name = store.name, configuration = store.configuration, migrations = store.migrations,
                    identity = map.identity
                ] in
                // One object, however often it is tried.
                let shard = try made.withLock { made in
                    let shard =
                        try made
                        ?? SQLiteShard(
                            path: path,
                            store: name,
                            index: index,
                            configuration: configuration,
                            clock: clock,
                            watcher: watcher
                        )
                    made = shard
                    return shard
                }
                try shard.prepare(migrations, identity: identity)
                return shard
            }
        }
        self.init(map: map, engines: engines, stockClient: "sqlite3 \(folder)/\(Self.fileName(0))") { watcher.close() }
    }
}
