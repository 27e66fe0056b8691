import ApusCache
import ApusCore
import ApusObserve
import ApusRuntime
import BenchKit
import Foundation

/// How long a process's memory keeps an old value after another process has written a new one.
///
/// Two caches with clients of their own share a server; one writes, the other looks until it sees that its entry is gone.
enum NewsCases {
    private static let writes = 500
    private static let keys = 50
    private static let promise = 50.0

    static func rows(_ options: Options, _ scratch: Scratch) throws -> [BenchKit.Row] {
        var rows: [BenchKit.Row] = []
        let redis = ["redis-server", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"]
        for (name, command) in [("news-embedded", [Program.path, "server"]), ("news-redis", redis)]
        where options.wants(name) {
            let port = try freePort()
            let server = try Child(command + ["\(port)"], on: .server)
            defer { server.stop() }
            try waitForPort(port, of: server, named: name, seconds: 10)
            let group = try LoopGroup(count: 1)
            defer { group.shutdown() }
            var slowest: [Double] = []
            for round in 0...options.rounds {
                let site = BlockSite(url: "redis://127.0.0.1:\(port)", dataFolder: scratch.url.path)
                let waits = try wait(on: group.loops[0]) { try await look(site) }.sorted()
                // The first round warms up.
                if round == 0 { continue }
                slowest.append(waits[waits.count * 99 / 100])
                say(
                    "  \(name) round \(round): half within \(waits[waits.count / 2]) ms, 99% within \(slowest[round - 1]) ms"
                )
            }
            rows.append(
                BenchKit.Row(name, metric: "p99", unit: "ms", better: .lower, apus: slowest, bar: promise)
            )
        }
        return rows
    }

    /// Milliseconds from the beginning of each write until the other cache's entry is gone.
    private static func look(_ site: BlockSite) async throws -> [Double] {
        var configuration = CacheConfiguration(capacity: 1000, lifetime: .seconds(600))
        // Nothing but word of the write ends an entry.
        configuration.nearLifetime = .seconds(600)
        let caches = [0, 1].map { _ in Cache<Int, Int>("news", configuration, metrics: .init()) }
        for cache in caches { try await cache.open(site) }
        var waits: [Double] = []
        for number in 0..<writes {
            let key = number % keys
            while caches[1].cached(key) == nil { _ = try await caches[1].value(for: key) { -1 } }
            let old = caches[1].cached(key)
            let began = DispatchTime.now().uptimeNanoseconds
            try await caches[0].set(number, for: key)
            while caches[1].cached(key) == old { await Task.yield() }
            waits.append(Double(DispatchTime.now().uptimeNanoseconds - began) / 1e6)
        }
        for cache in caches { await cache.close() }
        return waits
    }
}
