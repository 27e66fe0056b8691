import ApusCore
import ApusRuntime

extension OpenStore {
    static func fileName(_ index: Int) -> String {
        let digits = "\(index)"
        return "shard-" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ".sqlite"
    }

    /// Reads the map, opens every shard and migrates it; blocks.
    convenience init(_ store: Store, folder: String, following: Following, clock: any Clock) throws {
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
        if map.isRelocated { _ = try Relocation.expect(folder) }
        if let place = following.place { try FollowerFolder.prepare(place, of: folder, store, map) }
        let watcher = DeadlineWatcher()
        let relocated = RelocatedStore(store, folder: folder, identity: map.identity, clock: clock)
        let place = ShardPlace(
            store: store,
            folder: folder,
            following: following,
            identity: map.identity,
            clock: clock,
            watcher: watcher,
            table: map.table,
            relocated: relocated
        )
        let shards = try ShardList(
            map.table,
            first: { index, list in
                let look = place.look(index, list)
                return try BrokenShard.unless(
                    [.corrupt, .inputOutput, .unreachable, .overloaded],
                    configuration: store.configuration,
                    clock: clock,
                    look: look
                )
            },
            later: { index, list in
                BrokenShard(configuration: place.configuration, clock: clock, look: place.look(index, list))
            }
        )
        let moves = FolderMoves(
            store: store,
            folder: folder,
            map: map,
            shards: shards,
            following: following,
            relocated: relocated,
            clock: clock
        )
        self.init(
            map: map,
            shards: shards,
            resharder: Resharder(store: store, site: moves, map: map, shards: shards, clock: clock),
            questions: .still(moves),
            stockClient: "sqlite3 \(folder)/\(Self.fileName(0))",
            relocated: relocated
        ) {
            await relocated.close()
            watcher.close()
        }
    }
}

/// What it takes to open a shard of a folder.
private struct ShardPlace: Sendable {
    let store: String
    let folder: String
    let following: Following
    let identity: String
    let configuration: StoreConfiguration
    let migrations: [Migration]
    let clock: any Clock
    let watcher: DeadlineWatcher
    let table: SlotTable
    let relocated: RelocatedStore

    init(
        store: Store,
        folder: String,
        following: Following,
        identity: String,
        clock: any Clock,
        watcher: DeadlineWatcher,
        table: SlotTable,
        relocated: RelocatedStore
    ) {
        self.store = store.name
        self.folder = folder
        self.following = following
        self.identity = identity
        configuration = store.configuration
        migrations = store.migrations
        self.clock = clock
        self.watcher = watcher
        self.table = table
        self.relocated = relocated
    }

    /// Opens a shard and migrates it; one object, however often it is tried.
    func look(_ index: Int, _ list: ShardList) -> @Sendable () throws -> any ShardEngine {
        if table.isOnServer(index) { return relocated.look(index, list) }
        let made = Lock<SQLiteShard?>(nil)
        let path = "\(folder)/\(OpenStore.fileName(index))"
        return { [self, weak list] in
            let shard = try made.withLock { made in
                let shard =
                    try made
                    ?? SQLiteShard(
                        path: path,
                        store: store,
                        index: index,
                        configuration: configuration,
                        clock: clock,
                        watcher: watcher,
                        shards: list,
                        following: following
                    )
                made = shard
                return shard
            }
            try shard.prepare(migrations, identity: identity)
            return shard
        }
    }
}
