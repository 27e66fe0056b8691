import ApusCore
import ApusRuntime
import ApusStore
import ApusTesting
import Testing

/// Several clients over a few keys while something happens to their store, and what is to be true of what they heard.
final class HistoryLoad: Sendable {
    private let isOver = Lock(false)
    private let counts: Lock<[Int]>

    private init(clients: Int) { counts = Lock(Array(repeating: 0, count: clients)) }

    /// Calls that the store has answered, of the client with the fewest; all there are once nobody asks any more.
    var answered: Int { isOver.withLock { $0 } ? .max : counts.withLock { $0.min() ?? 0 } }

    /// Has clients run in this process while `body` does something; then all are quiet, and each key is read once more.
    ///
    /// - Parameters:
    ///   - store: Where their keys are, each with a row of 0.
    ///   - log: Where they note what they do.
    ///   - clients: Their numbers; that of the last reader is the one behind them.
    ///   - keys: What they all read and write.
    ///   - seed: Decides what they do.
    ///   - body: Gets the load, to wait until it has come somewhere.
    /// - Throws: What `body` throws, or the store says and must not.
    static func run(
        _ store: Store,
        _ log: HistoryLog,
        clients: Range<Int>,
        keys: Range<Int>,
        seed: UInt64,
        _ body: (HistoryLoad) async throws -> Void
    ) async throws {
        let group = try LoopGroup(count: 2)
        defer { group.shutdown() }
        let load = HistoryLoad(clients: clients.count)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in clients {
                let client = HistoryClient(number, keys: keys, store: store, log: log, seed: seed)
                // Both loops have several, so that a loop's turn has reads of several.
                tasks.addTask(executorPreference: group.loops[number % 2]) {
                    try await load.run(client, number - clients.lowerBound)
                }
            }
            defer { load.isOver.withLock { $0 = true } }
            try await body(load)
            let before = load.answered
            await eventually { load.answered - 5 >= before }
            load.isOver.withLock { $0 = true }
            try await tasks.waitForAll()
        }
        var last = HistoryClient(clients.upperBound, keys: keys, store: store, log: log, seed: seed)
        await last.readAll()
    }

    private func run(_ client: HistoryClient, _ index: Int) async throws {
        var client = client
        do {
            while !isOver.withLock({ $0 }) {
                if try await client.step() {
                    counts.withLock { $0[index] += 1 }
                } else {
                    // As a caller does that waits before it tries again: until the server answers somebody.
                    let shard = try client.store.shard(for: client.keys.lowerBound)
                    await eventually {
                        if isOver.withLock({ $0 }) { return true }
                        return try await shard.one("SELECT 1", as: Int.self) == 1
                    }
                }
            }
        } catch {
            isOver.withLock { $0 = true }
            throw error
        }
    }

    /// Fails the test where clients of a server that is restarted, round by round, hear what no order explains.
    ///
    /// - Parameters:
    ///   - url: The server's.
    ///   - restart: Kills it and starts it again.
    /// - Throws: What `restart` throws, or the store says and must not.
    static func expectLinearizable(url: String, _ restart: () async throws -> Void) async throws {
        let folder = try TestFolder()
        let store = Registers.store("history")
        try await store.open(BlockSite(url: url, dataFolder: folder.path))
        var history: [HistoryOperation] = []
        let rounds = max(2, TestRun.rounds / 10)
        try await Registers.fill(store, 0..<rounds * 4)
        for round in 0..<rounds {
            let keys = round * 4..<round * 4 + 4
            let log = try HistoryLog("\(folder.path)/history-\(round)")
            try await run(store, log, clients: 0..<8, keys: keys, seed: TestRun.seed &+ UInt64(round)) { load in
                await eventually { load.answered > 15 }
                try await restart()
            }
            let calls = try log.operations()
            check(calls, "round \(round)")
            history += calls
        }
        // Nothing comes to life later, and nothing is lost by the next crash.
        let log = try HistoryLog("\(folder.path)/history-last")
        var last = HistoryClient(0, keys: 0..<rounds * 4, store: store, log: log, seed: 0)
        await last.readAll()
        check(history + (try log.operations()), "at the end")
        #expect(history.contains { $0.outcome == .unknown }, "nothing was under way")
        #expect(history.contains { $0.outcome == .refused })
        await store.close()
    }

    /// Fails the test where no order of the calls explains their answers, or a client reads less than it knew.
    static func check(_ operations: [HistoryOperation], _ note: String, at location: SourceLocation = #_sourceLocation)
    {
        for (_, calls) in Dictionary(grouping: operations, by: \.key) {
            if let complaint = RegisterHistory(calls).complaint() {
                Issue.record("\(complaint)\n\(note), seed \(TestRun.seed)", sourceLocation: location)
            }
            for violation in SessionGuarantees(calls).violations() {
                Issue.record("\(violation)\n\(note), seed \(TestRun.seed)", sourceLocation: location)
            }
        }
    }
}
