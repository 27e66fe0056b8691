import ApusCore
import ApusRuntime
import ApusStore
import BenchKit

/// Callers that write a row and read it back from a replica, at lags from nothing to half a second.
struct LagBench {
    private let url: String
    private let rounds: Int
    /// The replicas' own URLs, for setting how far they lag.
    private let replicas: [String]

    /// The replicas apply a commit so many milliseconds after it was made.
    private static let lags = [0, 50, 100, 200, 500]
    /// All rounds of all lags are 100,000 pairs of a write and a read.
    private static let pairsInAll = 100_000
    private static let callers = 500
    /// How long a read waits for a replica before it asks the primary.
    private static let wait: Duration = .seconds(1)

    init(url: String, rounds: Int) throws {
        self.url = url
        self.rounds = rounds
        let parts = url.split(separator: "?replica=").map(String.init)
        guard parts.count == 2, let at = parts[0].lastIndex(of: "@"), let slash = parts[0].lastIndex(of: "/") else {
            throw BenchError("the URL names no replicas")
        }
        replicas = parts[1].split(separator: ",").map { "\(parts[0][...at])\($0)\(parts[0][slash...])" }
    }

    private struct Figures {
        var stale: [Double] = []
        var share: [Double] = []
        var rate: [Double] = []
        var p99: [Double] = []
    }

    func run(_ options: Options, _ notes: inout [String]) async throws -> [BenchKit.Row] {
        let store = Store(
            "replicas",
            shards: 2,
            migrations: [
                Migration(1, "create visits", "CREATE TABLE visits (id INTEGER PRIMARY KEY, count INTEGER NOT NULL)")
            ]
        )
        try await store.open(BlockSite(url: url, dataFolder: "/tmp"))
        let known: [Int] = try await store.everyShard.all("SELECT count(*) FROM visits").rows
        if known.reduce(0, +) == 0 {
            try await store.insert(0..<Self.callers, into: "visits", ["id", "count"], key: { $0 }) { [$0, 0] }
        }
        let group = try LoopGroup(count: 2)
        defer { group.shutdown() }
        let lags = Self.lags.filter { options.wants("lag-\($0)") }
        var figures = lags.map { _ in Figures() }
        let pairs = Self.pairsInAll / Self.lags.count / rounds / Self.callers + 1
        for round in 0..<rounds {
            for (index, lag) in lags.enumerated() {
                try set(lag)
                try await measure(pairs, store, group.loops, &figures[index])
                say(
                    "round \(round + 1) of \(rounds), lag \(lag) ms: \(Int(figures[index].stale[round])) stale, "
                        + "\(Int(figures[index].share[round] * 100)) % by replicas, \(Int(figures[index].rate[round])) pairs/s"
                )
            }
        }
        await store.close()
        notes.append(
            "\(pairs * Self.callers * rounds * lags.count) pairs of an update, committed with fsync on, and a read of the same row by "
                + "\(Self.callers) callers; two replicas, two shards"
        )
        notes.append(
            "a lag is recovery_min_apply_delay on both replicas; a read waits for up to \(Self.wait.seconds) s"
        )
        return zip(lags, figures).flatMap { lag, figures in
            [
                BenchKit.Row(
                    "lag-\(lag)",
                    metric: "lost",
                    unit: "stale reads",
                    better: .lower,
                    apus: figures.stale,
                    bar: 0
                ),
                BenchKit.Row(
                    "lag-\(lag)",
                    metric: "hit",
                    unit: "of reads",
                    better: .higher,
                    apus: figures.share,
                    bar: 0.8
                ),
                BenchKit.Row("lag-\(lag)", metric: "rate", unit: "pairs/s", better: .higher, apus: figures.rate),
                BenchKit.Row("lag-\(lag)", metric: "p99", unit: "ms a read", better: .lower, apus: figures.p99),
            ]
        }
    }

    /// Has the replicas lag, and waits until they do as they are told.
    private func set(_ lag: Int) throws {
        for replica in replicas {
            let said = Child.output(of: [
                "psql", "-v", "ON_ERROR_STOP=1", "-q", "-d", replica,
                "-c", "ALTER SYSTEM SET recovery_min_apply_delay = '\(lag)ms'", "-c", "SELECT pg_reload_conf()",
                "-c", "SELECT pg_sleep(0.2)", "-t", "-A", "-c", "SHOW recovery_min_apply_delay",
            ])
            let shown = said.split(separator: "\n").last.map(String.init) ?? ""
            guard shown == (lag == 0 ? "0" : "\(lag)ms") else { throw BenchError("psql said: \(said)") }
        }
    }

    private func measure(_ pairs: Int, _ store: Store, _ loops: [EventLoop], _ figures: inout Figures) async throws {
        let clock = SystemClock()
        let began = clock.now()
        let before = replicaReads(store)
        var stale = 0
        var times: [Double] = []
        try await withThrowingTaskGroup(of: (stale: Int, times: [Double]).self) { tasks in
            for caller in 0..<Self.callers {
                tasks.addTask(executorPreference: loops[caller % loops.count]) {
                    try await Self.call(caller, pairs, store)
                }
            }
            for try await done in tasks {
                stale += done.stale
                times += done.times
            }
        }
        let count = Double(pairs * Self.callers)
        figures.stale.append(Double(stale))
        figures.share.append(Double(replicaReads(store) - before) / count)
        figures.rate.append(count / (clock.now() - began).seconds)
        times.sort()
        figures.p99.append(times[times.count * 99 / 100])
    }

    private func replicaReads(_ store: Store) -> Int {
        store.statistics().shards.reduce(0) { $0 + $1.replicaReads }
    }

    /// Writes a row of one's own and reads it back, so many times.
    private static func call(_ id: Int, _ pairs: Int, _ store: Store) async throws -> (stale: Int, times: [Double]) {
        let clock = SystemClock()
        let shard = try store.shard(for: id)
        var count: Int = try await shard.one("SELECT count FROM visits WHERE id = \(id)")
        var stale = 0
        var times: [Double] = []
        for _ in 0..<pairs {
            count += 1
            guard try await shard.execute("UPDATE visits SET count = \(count) WHERE id = \(id)") == 1 else {
                throw BenchError("row \(id) is not there to be written")
            }
            let position = try await shard.position()
            let began = clock.now()
            let replicas = shard.replicas(staleAtMost: nil, after: position, wait: wait)
            let seen: Int = try await replicas.one("SELECT count FROM visits WHERE id = \(id)")
            times.append(Double((clock.now() - began).nanoseconds) / 1e6)
            if seen < count { stale += 1 }
        }
        return (stale, times)
    }
}
