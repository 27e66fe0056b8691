import BenchKit
import Foundation

/// Reads that must see one's own write, answered by replicas that lag.
@main
struct BenchReplicas {
    static func main() async {
        let options = Options()
        do {
            guard let url = ProcessInfo.processInfo.environment["BENCH_POSTGRES_REPLICAS"] else {
                throw BenchError("BENCH_POSTGRES_REPLICAS has no URL, which ./apus bench replicas sets")
            }
            var report = Report(
                "replicas",
                question: "How many reads of one's own write reach a replica that lags, and is any of them stale?",
                options: options,
                peers: ["postgres": ["/usr/lib/postgresql/15/bin/postgres", "--version"]]
            )
            let bench = try LagBench(url: url, rounds: max(5, options.rounds))
            report.rows += try await bench.run(options, &report.notes)
            try report.finish(options)
        } catch {
            say("bench: \(error)")
            exit(1)
        }
    }
}
