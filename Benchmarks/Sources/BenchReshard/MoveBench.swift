import ApusCore
import ApusRuntime
import ApusStore
import BenchKit

/// One engine's rounds.
struct MoveBench {
    let engine: String
    /// The server's URL; `nil` for the folder.
    let url: String?
    let folder: String
    let rounds: Int
    private static let accounts = 20_000
    private static let calls = 64
    private static let control: Duration = .seconds(5)

    private struct Figures {
        var pause: [Double] = []
        var control: [Double] = []
        var moving: [Double] = []
        var lost: [Double] = []
        var step: [Double] = []
        var controlPause: [Double] = []
    }

    func run(_ notes: inout [String]) async throws -> [BenchKit.Row] {
        var figures = Figures()
        var seconds: [Double] = []
        var rates: [Double] = []
        let group = try LoopGroup(count: 2)
        defer { group.shutdown() }
        for round in 0..<rounds {
            let store = try await filled(round)
            let load = AccountLoad(store: store, accounts: Self.accounts, loops: group.loops)
            let capacity = try await load.capacity(calls: Self.calls, for: .seconds(2))
            let rate = capacity * 0.7
            let still = try await load.run(rate: rate) { try await Task.sleep(for: Self.control) }
            let plan = try store.reshardPlan(shards: 4)
            let (took, longest) = (Lock(0.0), Lock(0.0))
            let moving = try await load.run(rate: rate) {
                let report = try await store.reshard(plan)
                took.withLock { $0 = Double(report.nanoseconds) / 1e9 }
                longest.withLock { $0 = Double(report.pause) / 1e6 }
            }
            figures.control.append(still.p99)
            figures.moving.append(moving.p99)
            figures.pause.append(moving.longestWrite)
            figures.step.append(longest.withLock { $0 })
            figures.controlPause.append(still.longestWrite)
            figures.lost.append(Double(try await load.wrong()))
            seconds.append(took.withLock { $0 })
            rates.append(rate)
            await store.close()
            say(
                "\(engine), round \(round + 1) of \(rounds): p99 \(still.p99) ms without, \(moving.p99) ms with, \(seconds[round]) s"
            )
        }
        notes.append(
            "\(engine): \(Self.accounts) rows of 200 bytes, half of them moved in \(median(seconds)) s at \(Int(median(rates))) calls/s, "
                + "half of which write"
        )
        notes.append(
            "\(engine): the longest step took \(median(figures.step)) ms; the longest write in \(Int(Self.control.seconds)) s "
                + "of the same load without a move \(median(figures.controlPause)) ms"
        )
        let note = "pause is the longest write of the whole move, from when it was due"
        if !notes.contains(note) { notes.append(note) }
        return [
            BenchKit.Row(engine, metric: "pause", unit: "ms", better: .lower, apus: figures.pause, bar: 100),
            BenchKit.Row(
                engine,
                metric: "p99",
                unit: "ms",
                better: .lower,
                apus: figures.moving,
                peers: ["the same load without": figures.control],
                bar: 0.5
            ),
            BenchKit.Row(engine, metric: "lost", unit: "rows", better: .lower, apus: figures.lost, bar: 0),
        ]
    }

    private func filled(_ round: Int) async throws -> Store {
        let store = Store(
            "bench-\(round)",
            shards: 2,
            sharding: .hash(slots: 256),
            migrations: [
                Migration(
                    1,
                    "create accounts",
                    "CREATE TABLE accounts (id INTEGER PRIMARY KEY, filling TEXT NOT NULL, visits INTEGER NOT NULL) STRICT"
                )
            ],
            tables: [StoreTable("accounts", primaryKey: ["id"], key: ["id"]) { try $0.next(Int.self) }]
        )
        try await store.open(BlockSite(url: url, dataFolder: "\(folder)/\(engine)-\(round)"))
        let filling = String(repeating: "x", count: 180)
        try await store.insert(0..<Self.accounts, into: "accounts", ["id", "filling", "visits"], key: { $0 }) {
            [$0, filling, 0]
        }
        return store
    }
}
