import ApusCore

/// A store while it is open: its map and its shards.
final class OpenStore: Sendable {
    let map: ShardMap
    let shards: ShardList
    /// Moves slots while the store serves.
    let resharder: Resharder
    /// How a question to all shards sees each row once.
    let questions: Questions
    /// The command of a client that works on the first shard.
    let stockClient: String
    /// Where the database spreads the rows itself: why the library neither moves nor copies them, with who does.
    let leftToDatabase: LeftToDatabase?
    /// The store on a server that a folder's rows go to.
    private let relocated: RelocatedStore?
    private let letGo: @Sendable () async -> Void

    /// A store of these shards; `letGo` ends what they share.
    init(
        map: ShardMap,
        shards: ShardList,
        resharder: Resharder,
        questions: Questions,
        stockClient: String,
        leftToDatabase: LeftToDatabase? = nil,
        relocated: RelocatedStore? = nil,
        letGo: @escaping @Sendable () async -> Void
    ) {
        self.map = map
        self.shards = shards
        self.resharder = resharder
        self.questions = questions
        self.stockClient = stockClient
        self.leftToDatabase = leftToDatabase
        self.relocated = relocated
        self.letGo = letGo
    }

    var engines: [any ShardEngine] { shards.all }

    /// This store, or the one on a server that has all its rows for good, once this process has asked all shards.
    var latest: OpenStore { map.table.isSettled ? relocated?.settled ?? self : self }

    /// The store on a server that has all rows of this one for good; `nil` where they are here.
    ///
    /// - Throws: What keeps it from being opened.
    func successor() async throws -> OpenStore? {
        guard map.table.isSettled, let relocated else { return nil }
        if let settled = relocated.settled { return settled }
        return try await StoreThread.run { try relocated.openSettled() }
    }

    /// A handle on the shard that has the key of another handle now.
    func handle<Key: ShardKey>(_ shard: Shard<Key>) throws -> Shard<Key> {
        let index = map.table.shard(of: shard.place)
        let engine = try shards.engine(index)
        if engine.holds(shard.place) { return Shard(index: index, place: shard.place, engine: engine) }
        let home = try engine.home(of: shard.place)
        return Shard(index: home.index, place: shard.place, engine: home.engine)
    }

    /// Opens the engine that a URL names; blocks.
    ///
    /// - Throws: `ConfigurationError`; ``StoreError``.
    static func open(_ store: Store, _ site: BlockSite) throws -> OpenStore {
        switch site.url?.prefix(while: { $0 != ":" }) {
        case "postgres", "postgresql":
            #if PostgreSQL
            return try OpenStore(
                store,
                at: try PostgresLocation(url: site.url ?? ""),
                scratch: site.dataFolder,
                clock: site.clock
            )
            #else
            throw leftOut("postgres:…", "PostgreSQL")
            #endif
        case "mysql", "mysqls", "mariadb":
            #if MySQL
            return try OpenStore(
                store,
                at: try MySQLLocation(url: site.url ?? ""),
                scratch: site.dataFolder,
                clock: site.clock
            )
            #else
            throw leftOut("mysql:…", "MySQL")
            #endif
        default:
            let location = try SQLiteLocation(url: site.url, dataFolder: site.dataFolder)
            let folder = location.folder
            // Whoever still opens the folder is led on to where its rows are for good.
            if let relocation = try Relocation.read(folder), relocation.isSettled, try MoveRecord.read(folder) == nil {
                return try relocation.open(store, filling: nil, scratch: folder, clock: site.clock)
            }
            return try OpenStore(store, folder: folder, following: location.following, clock: site.clock)
        }
    }

    private static func leftOut(_ url: String, _ trait: String) -> ConfigurationError {
        ConfigurationError(
            field: "STORE_URL",
            value: url,
            accepted: "another engine; this program was built without the package trait \(trait)"
        )
    }

    func statistics() -> [StoreStatistics.Shard] {
        engines.enumerated().map { index, engine in
            StoreStatistics.Shard(
                index: index,
                commits: engine.statistics[.commits],
                requests: engine.statistics[.requests],
                failures: engine.statistics[.failures],
                refused: engine.statistics[.refused],
                waiting: engine.waiting,
                queueNanoseconds: engine.statistics[.queueNanoseconds],
                commitNanoseconds: engine.statistics[.commitNanoseconds],
                localReads: engine.localReads,
                replicaReads: engine.replicaReads,
                followerLag: engine.follower?.lag ?? 0,
                scans: engine.statistics[.scans],
                slow: engine.statistics[.slow]
            )
        }
    }

    func integrity() async throws -> [Int: [String]] {
        var problems: [Int: [String]] = [:]
        for (index, engine) in engines.enumerated() {
            do {
                let found = try await engine.integrityProblems()
                if !found.isEmpty { problems[index] = found }
            } catch let error as StoreError where error.code == .corrupt || error.code == .inputOutput {
                problems[index] = [error.detail]
            }
        }
        return problems
    }

    func close() async {
        await withTaskGroup { group in
            for engine in shards.close() { group.addTask { await engine.close() } }
        }
        await letGo()
    }
}
