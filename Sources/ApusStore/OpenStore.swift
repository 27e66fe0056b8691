import ApusCore
import ApusRuntime

/// A store while it is open: its map and its shards.
final class OpenStore: Sendable {
    let folder: String
    let map: ShardMap
    let engines: [any ShardEngine]
    private let watcher: DeadlineWatcher

    static func fileName(_ index: Int) -> String {
        let digits = "\(index)"
        return "shard-" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ".sqlite"
    }

    /// Blocks: reads the map, opens every shard and migrates it.
    init(_ store: Store, folder: String, clock: any Clock) throws {
        do {
            try Files.makeFolder(folder)
        } catch {
            throw StoreError(wrapping: error, folder)
        }
        self.folder = folder
        map = try ShardMap.open(
            folder: folder,
            store: store.name,
            sharding: store.sharding,
            shards: store.shards,
            deadline: store.configuration.openDeadline
        )
        watcher = DeadlineWatcher()
        var engines: [any ShardEngine] = []
        for index in 0..<map.shards {
            let made = Lock<SQLiteShard?>(nil)
            let path = "\(folder)/\(Self.fileName(index))"
            // One object, however often it is tried.
            let prepare: @Sendable () throws -> SQLiteShard = {
                [
                    name = store.name, configuration = store.configuration, migrations = store.migrations,
                    identity = map.identity, watcher
                ] in
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
            do {
                engines.append(try prepare())
            } catch let error as StoreError where error.code == .corrupt || error.code == .inputOutput {
                engines.append(
                    BrokenShard(error: error, configuration: store.configuration, clock: clock, look: prepare)
                )
            }
        }
        self.engines = engines
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
        watcher.close()
    }
}
