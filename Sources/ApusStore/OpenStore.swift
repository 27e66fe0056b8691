import ApusCore

/// A store while it is open: its map and its shards.
final class OpenStore: Sendable {
    let map: ShardMap
    let engines: [any ShardEngine]
    /// The command of a client that works on the first shard.
    let stockClient: String
    private let letGo: @Sendable () async -> Void

    /// A store of these shards; `letGo` ends what they share.
    init(
        map: ShardMap,
        engines: [any ShardEngine],
        stockClient: String,
        letGo: @escaping @Sendable () async -> Void
    ) {
        self.map = map
        self.engines = engines
        self.stockClient = stockClient
        self.letGo = letGo
    }

    /// Opens the engine that a URL names; blocks.
    ///
    /// - Throws: `ConfigurationError`; ``StoreError``.
    static func open(_ store: Store, _ site: BlockSite) throws -> OpenStore {
        switch site.url?.prefix(while: { $0 != ":" }) {
        case "postgres", "postgresql":
            #if PostgreSQL
            return try OpenStore(store, at: try PostgresLocation(url: site.url ?? ""), clock: site.clock)
            #else
            throw leftOut("postgres:…", "PostgreSQL")
            #endif
        case "mysql", "mysqls", "mariadb":
            #if MySQL
            return try OpenStore(store, at: try MySQLLocation(url: site.url ?? ""), clock: site.clock)
            #else
            throw leftOut("mysql:…", "MySQL")
            #endif
        default:
            let location = try SQLiteLocation(url: site.url, dataFolder: site.dataFolder)
            return try OpenStore(store, folder: location.folder, clock: site.clock)
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
            for engine in engines { group.addTask { await engine.close() } }
        }
        await letGo()
    }
}
