import ApusCore
import ApusRuntime
import ApusStore
import BenchKit

/// Durable commits a second with many writers waiting on one shard, against one commit a transaction.
struct CommitBench {
    let folder: String
    let writers: Int
    let bar: Double?
    let rounds: Int
    let nanoseconds: Int64
    let pageBytes: Int

    func run() async throws -> (BenchKit.Row, group: Double) {
        var configuration = StoreConfiguration()
        configuration.pageBytes = pageBytes
        let store = try await filledStore(folder: folder, configuration: configuration)
        let peer = try Peer(path: "\(folder)/peer.sqlite", isReader: false, pageBytes: pageBytes)
        try peer.run(
            """
            ATTACH '\(folder)/shard-0000.sqlite' AS source;
            CREATE TABLE products (
              id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL NOT NULL, stock INTEGER NOT NULL) STRICT;
            INSERT INTO products SELECT * FROM source.products;
            DETACH source
            """
        )
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        var ours: [Double] = []
        var theirs: [Double] = []
        for round in 0..<rounds {
            ours.append(try await rate(store, on: group.loops[0], seed: UInt64(round)))
            theirs.append(try peer.commitRate(nanoseconds: nanoseconds, rows: BenchStore.rows, seed: UInt64(round)))
        }
        let shard = store.statistics().shards[0]
        await store.close()
        let row = BenchKit.Row(
            "commit-\(writers)" + (pageBytes == 4096 ? "" : "-\(pageBytes)"),
            metric: "rate",
            unit: "commits/s",
            better: .higher,
            apus: ours,
            peers: ["SQLite, one commit a transaction": theirs],
            bar: bar
        )
        return (row, (shard.groupSize * 10).rounded() / 10)
    }

    private func rate(_ store: Store, on loop: EventLoop, seed: UInt64) async throws -> Double {
        let clock = SystemClock()
        let start = clock.now()
        let end = start + .nanoseconds(nanoseconds)
        let counts = try await withThrowingTaskGroup(of: Int.self) { group in
            for writer in 0..<writers {
                group.addTask(executorPreference: loop) {
                    var random = SeededRandom(seed: seed &* 1000 &+ UInt64(writer))
                    let shard = try store.shard(for: 1)
                    var count = 0
                    while clock.now() < end {
                        let id = Int.random(in: 1...BenchStore.rows, using: &random)
                        try await shard.execute("UPDATE products SET stock = stock + 1 WHERE id = \(id)")
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        return Double(counts) / (clock.now() - start).seconds
    }
}
