import ApusCore
import ApusRuntime
import ApusStore
import FoundationEssentials
import Glibc

/// What the store adds to SQLite: how much group commit gains, and what a typed read through the shard map costs.
///
/// Apus and the peer take turns in each round; a row gives medians, its ratio is the median of the rounds' ratios.
@main
struct BenchStore {
    static let rows = CommandLine.arguments.contains("--small") ? 20_000 : 100_000

    static func main() async throws {
        let arguments = CommandLine.arguments
        func option(_ name: String, _ fallback: Int) -> Int {
            guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count else { return fallback }
            return Int(arguments[index + 1]) ?? fallback
        }
        let rounds = max(5, option("--rounds", 5))
        let milliseconds = option("--milliseconds", 1000)
        let cases = arguments.dropFirst().filter { !$0.hasPrefix("--") && Int($0) == nil }
        func wants(_ name: String) -> Bool { cases.isEmpty || cases.contains(name) }

        let folder = arguments.firstIndex(of: "--folder").map { arguments[$0 + 1] } ?? "/tmp"
        let path = "\(folder)/apus-bench-\(getpid())"
        defer { try? Files.remove(path) }
        var found: [Row] = []
        if wants("read") {
            found += try await ReadBench(folder: path + "/read", rounds: rounds, reads: option("--reads", 200_000))
                .run()
        }
        for (writers, bar) in [(8, 3.5), (64, 6.0), (256, 8.0)] where wants("commit-\(writers)") {
            let bench = CommitBench(
                folder: path + "/commit-\(writers)",
                writers: writers,
                bar: bar,
                rounds: rounds,
                nanoseconds: Int64(milliseconds) * 1_000_000,
                pageBytes: option("--page", 4096)
            )
            found.append(try await bench.run())
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let report = Report(bench: "store", machine: Machine.description, rows: found)
        print(String(decoding: try encoder.encode(report), as: UTF8.self))
    }
}

/// One measured case; a ratio above 1 means that Apus is ahead.
struct Row: Codable {
    var `case`: String
    var metric: String
    var unit: String
    var apus: Double
    var peer: Double
    var peerName: String
    var ratio: Double
    var bar: Double
    var ratios: [Double]
    var note: String?
}

struct Report: Codable {
    var bench: String
    var machine: String
    var rows: [Row]
}

enum Machine {
    static var description: String {
        let info = (try? Files.readText("/proc/cpuinfo")) ?? ""
        let model = info.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last
        return "\(sysconf(Int32(_SC_NPROCESSORS_ONLN))) x\(model.map(String.init) ?? " unknown")"
    }
}

extension [Double] {
    var median: Double {
        guard !isEmpty else { return 0 }
        let sorted = sorted()
        return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2
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
