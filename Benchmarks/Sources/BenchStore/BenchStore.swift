import ApusCore
import ApusRuntime
import ApusStore
import BenchKit
import Foundation

/// What the store adds to SQLite and to libpq: what group commit gains, what a typed read costs, how many statements a
/// second reach a PostgreSQL server.
///
/// Apus and its peer take turns in each round; a row's ratio is the median of the rounds' ratios.
@main
struct BenchStore {
    static let rows = 100_000

    static func main() async {
        let options = Options()
        do {
            let scratch = try Scratch()
            defer { scratch.remove() }
            try await measure(options, folder: scratch.url.appending(path: "store").path)
        } catch {
            say("bench: \(error)")
            exit(1)
        }
    }

    private static func measure(_ options: Options, folder: String) async throws {
        var report = Report(
            "store",
            question: "What does group commit gain, what does a typed read cost, and how well is a server used?",
            options: options,
            peers: [
                "sqlite3": ["sqlite3", "--version"], "pgbench": ["pgbench", "--version"],
                "mariadb": ["mariadbd", "--version"],
            ]
        )
        let rounds = max(5, options.rounds)
        if options.wants("read") || options.wants("read-routing") {
            report.rows += try await ReadBench(folder: folder + "/read", rounds: rounds).run()
        }
        for (writers, bar) in [(8, 3.5), (64, 6.0), (256, 8.0)] where options.wants("commit-\(writers)") {
            for pageBytes in [4096, 1024] {
                let bench = CommitBench(
                    folder: folder + "/commit-\(writers)-\(pageBytes)",
                    writers: writers,
                    bar: pageBytes == 4096 ? bar : nil,
                    rounds: rounds,
                    nanoseconds: Int64(options.seconds / 3 * 1e9),
                    pageBytes: pageBytes
                )
                let (row, group) = try await bench.run()
                report.rows.append(row)
                report.notes.append("\(row.name): \(group) requests a commit")
            }
        }
        if let url = ProcessInfo.processInfo.environment["BENCH_POSTGRES"] {
            let bench = PostgresBench(url: url, folder: folder + "/postgres", rounds: rounds, seconds: options.seconds)
            report.rows += try await bench.run(options)
        } else {
            report.notes.append("no rows for PostgreSQL: BENCH_POSTGRES has no URL, which ./apus bench store sets")
        }
        if let url = ProcessInfo.processInfo.environment["BENCH_MARIADB"] {
            let bench = MySQLBench(url: url, folder: folder + "/mysql", rounds: rounds, seconds: options.seconds)
            report.rows += try await bench.run(options)
        } else {
            report.notes.append("no rows for MySQL: BENCH_MARIADB has no URL, which ./apus bench store sets")
        }
        report.notes.append("the peer commits each transaction by itself, with the same pragmas; a sync is fdatasync")
        report.notes.append("-1024 is tuned: pages of 1 KiB instead of SQLite's default of 4 KiB, on both sides")
        try report.finish(options)
    }
}

/// CPU time of this thread.
func threadNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// A store of one shard with `BenchStore.rows` products.
func filledStore(folder: String, configuration: StoreConfiguration = StoreConfiguration()) async throws -> Store {
    let store = Store(
        "bench",
        shards: 1,
        sharding: .directory(["United Kingdom": 232, "Germany": 8, "France": 8], others: 8),
        migrations: [
            Migration(
                1,
                "create products",
                """
                CREATE TABLE products (
                  id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL NOT NULL, stock INTEGER NOT NULL) STRICT
                """
            )
        ],
        configuration: configuration
    )
    try await store.open(BlockSite(dataFolder: folder))
    try await store.shard(for: 1).transaction(deadline: .seconds(60)) { transaction in
        for id in 1...BenchStore.rows {
            try transaction.execute(
                """
                INSERT INTO products (id, name, price, stock)
                VALUES (\(id), \("WHITE HANGING HEART T-LIGHT \(id)"), \(Double(id) / 100), \(id % 100))
                """
            )
        }
    }
    return store
}
