import ApusCore
import ApusRuntime
import ApusStore
import BenchKit
import Foundation

/// What a running store feels of being resharded: two shards become four at 70% of what the store carries.
///
/// Each round fills a store, loads it for a while, and loads it again while half of its slots move. Latency counts from when a
/// call was due.
@main
struct BenchReshard {
    static func main() async {
        let options = Options()
        do {
            let scratch = try Scratch()
            defer { scratch.remove() }
            var report = Report(
                "reshard",
                question: "What do reads and writes feel while two shards become four, and is every row there once?",
                options: options,
                peers: ["postgres": ["/usr/lib/postgresql/15/bin/postgres", "--version"]]
            )
            for engine in ["sqlite", "postgres"] where options.wants(engine) {
                let url = engine == "sqlite" ? nil : ProcessInfo.processInfo.environment["BENCH_POSTGRES"]
                guard engine == "sqlite" || url != nil else {
                    throw BenchError("BENCH_POSTGRES has no URL, which ./apus bench reshard sets")
                }
                let bench = MoveBench(
                    engine: engine,
                    url: url,
                    folder: scratch.url.path,
                    rounds: max(5, options.rounds)
                )
                report.rows += try await bench.run(&report.notes)
            }
            try report.finish(options)
        } catch {
            say("bench: \(error)")
            exit(1)
        }
    }
}
