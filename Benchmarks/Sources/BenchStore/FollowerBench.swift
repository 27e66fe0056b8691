import ApusCore
import ApusRuntime
import ApusStore
import BenchKit
import Glibc

/// What a follower adds to a commit: the process's CPU, and the rate that is left.
///
/// Three stores take turns: one that nobody follows, one whose follower comes later, one that waits for it.
struct FollowerBench {
    let folder: String
    let writers: Int
    let rounds: Int
    let nanoseconds: Int64

    private struct Round {
        var cpu: Double
        var rate: Double
    }

    func run() async throws -> [BenchKit.Row] {
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        let names = ["off", "async", "sync"]
        var stores: [Store] = []
        for name in names {
            let place = "\(folder)/\(name)"
            let url = "sqlite:\(place)" + (name == "off" ? "" : "?follower=\(place)-follower&follow=\(name)")
            stores.append(try await filledStore(folder: place, url: url))
        }
        var measured: [[Round]] = Array(repeating: [], count: names.count)
        for round in 0..<rounds {
            for (index, store) in stores.enumerated() {
                measured[index].append(try await measure(store, on: group.loops[0], seed: UInt64(round)))
            }
        }
        for store in stores { await store.close() }
        return names.indices.dropFirst().flatMap { index in
            [
                BenchKit.Row(
                    "follower-\(names[index])-\(writers)",
                    metric: "CPU a commit",
                    unit: "µs",
                    better: .lower,
                    apus: measured[index].map(\.cpu),
                    peers: ["no follower": measured[0].map(\.cpu)],
                    bar: nil
                ),
                BenchKit.Row(
                    "follower-\(names[index])-\(writers)-rate",
                    metric: "rate",
                    unit: "commits/s",
                    better: .higher,
                    apus: measured[index].map(\.rate),
                    peers: ["no follower": measured[0].map(\.rate)],
                    bar: nil
                ),
            ]
        }
    }

    private static func processMicroseconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
    }

    /// All CPU until the follower has everything, by the commits that were acknowledged.
    private func measure(_ store: Store, on loop: EventLoop, seed: UInt64) async throws -> Round {
        let clock = SystemClock()
        let cpu = Self.processMicroseconds()
        let start = clock.now()
        let end = start + .nanoseconds(nanoseconds)
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
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
        let rate = Double(count) / (clock.now() - start).seconds
        while store.followers.contains(where: { $0.lag > 0 }) { usleep(1000) }
        return Round(cpu: (Self.processMicroseconds() - cpu) / Double(count), rate: rate)
    }
}
