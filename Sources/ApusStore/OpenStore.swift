import ApusCore
import ApusRuntime

/// A store while it is open: its map and its shards.
final class OpenStore: Sendable {
    let folder: String
    let map: ShardMap
    private let engines: [Result<any ShardEngine, StoreError>]
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
        map = try ShardMap.open(folder: folder, store: store.name, sharding: store.sharding, shards: store.shards)
        watcher = DeadlineWatcher()
        var engines: [Result<any ShardEngine, StoreError>] = []
        for index in 0..<map.shards {
            do {
                let shard = try SQLiteShard(
                    path: "\(folder)/\(Self.fileName(index))",
                    index: index,
                    configuration: store.configuration,
                    clock: clock,
                    watcher: watcher
                )
                try shard.prepare(store.migrations, identity: map.identity)
                engines.append(.success(shard))
            } catch let error as StoreError where error.code == .corrupt || error.code == .inputOutput {
                engines.append(.failure(error))
            }
        }
        self.engines = engines
    }

    @inline(__always)
    func engine(_ index: Int) throws -> any ShardEngine {
        switch engines[index] {
        case .success(let engine): return engine
        case .failure(let error): throw error
        }
    }

    func statistics() -> [StoreStatistics.Shard] {
        engines.indices.map { index in
            let engine = try? engines[index].get()
            let counted = engine?.statistics
            return StoreStatistics.Shard(
                index: index,
                commits: counted?[.commits] ?? 0,
                requests: counted?[.requests] ?? 0,
                failures: counted?[.failures] ?? 0,
                refused: counted?[.refused] ?? 0,
                waiting: engine?.waiting ?? 0,
                queueNanoseconds: counted?[.queueNanoseconds] ?? 0,
                commitNanoseconds: counted?[.commitNanoseconds] ?? 0,
                localReads: engine?.localReads ?? 0,
                scans: counted?[.scans] ?? 0,
                slow: counted?[.slow] ?? 0
            )
        }
    }

    func integrity() async throws -> [Int: [String]] {
        var problems: [Int: [String]] = [:]
        for index in engines.indices {
            switch engines[index] {
            case .failure(let error): problems[index] = [error.detail]
            case .success(let engine):
                do {
                    let found = try await engine.integrityProblems()
                    if !found.isEmpty { problems[index] = found }
                } catch let error as StoreError where error.code == .corrupt {
                    problems[index] = [error.detail]
                }
            }
        }
        return problems
    }

    func close() async {
        for case .success(let engine) in engines { await engine.close() }
        watcher.close()
    }
}
