import ApusCore
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusStore

/// Clients of two processes over the same keys, one of which is killed in the middle: whatever each was told can be
/// explained by one order of all calls.
@Suite(.ownThread, .serialized, .timeLimit(.minutes(10)))
struct HistoryKillTests {
    @Test(arguments: TestEngine.here)
    func `what two processes hear of the same keys is linearizable, one of them killed`(engine: TestEngine) async throws
    {
        let place = try TestPlace(engine)
        var random = SeededRandom(seed: TestRun.seed)
        let store = Registers.store(place.name)
        try await store.open(place.site())
        var history: [HistoryOperation] = []
        // A round takes seconds, and a server's is not the process that is killed.
        let rounds =
            engine == .sqlite ? max(min(TestRun.rounds, 20), TestRun.rounds / 4) : max(2, TestRun.rounds / 10)
        for round in 0..<rounds {
            let keys = round * 4..<round * 4 + 4
            try await Registers.fill(store, keys)
            let path = "\(place.folder.path)/history-\(round)"
            let log = try HistoryLog(path)
            let (folder, name, url, first) = (place.folder.path, place.name, place.url ?? "", keys.lowerBound)
            let looks = Int.random(in: 200...3_000, using: &random)
            let (deadly, seed) = (Int.random(in: 5...60, using: &random), random.next())
            try await HistoryLoad.run(store, log, clients: 0..<6, keys: keys, seed: random.next()) { load in
                await eventually { load.answered > 0 }
                await #expect(processExitsWith: .signal(SIGKILL)) {
                    [
                        folder = folder as String, name = name as String, url = url as String, path = path as String,
                        first = first as Int, looks = looks as Int, deadly = deadly as Int, seed = seed as UInt64
                    ] in
                    let store = Registers.store(name)
                    // It is looked at around all that the embedded engine does, by each thread.
                    let clock = DeadlyClock(at: looks)
                    try await store.open(BlockSite(url: url.isEmpty ? nil : url, dataFolder: folder, clock: clock))
                    let log = try HistoryLog(path)
                    try await HistoryLoad.run(store, log, clients: 100..<104, keys: first..<first + 4, seed: seed) {
                        load in
                        // The last that comes this far finds the others in the middle of something.
                        await eventually { load.answered >= deadly }
                        // A client that was told what it must not be has ended them all.
                        if load.answered < .max { kill(getpid(), SIGKILL) }
                    }
                }
            }
            let calls = try log.operations()
            HistoryLoad.check(calls, "\(engine.rawValue), round \(round)")
            history += calls
        }
        // Nothing comes to life later.
        let log = try HistoryLog("\(place.folder.path)/history-last")
        var last = HistoryClient(0, keys: 0..<rounds * 4, store: store, log: log, seed: 0)
        await last.readAll()
        HistoryLoad.check(history + (try log.operations()), "\(engine.rawValue), at the end")
        #expect(
            history.contains { $0.client >= 100 && $0.call != .read && $0.outcome == .unknown },
            "nothing was under way"
        )
        #expect(history.contains { $0.client >= 100 && $0.outcome == .done })
        #expect(history.contains { $0.outcome == .refused })
        await store.close()
    }

    @Test(arguments: TestEngine.moving)
    func `what clients hear of keys that move to other shards and back is linearizable`(engine: TestEngine) async throws
    {
        let place = try TestPlace(engine)
        let store = Registers.store(place.name)
        try await store.open(place.site())
        // Another program, which has to find out what moves.
        let other = Registers.store(place.name)
        try await other.open(place.site())
        for round in 0..<max(1, TestRun.rounds / 50) {
            let keys = round * 40..<round * 40 + 40
            try await Registers.fill(store, keys)
            let log = try HistoryLog("\(place.folder.path)/history-\(round)")
            let seed = TestRun.seed &+ UInt64(round)
            try await HistoryLoad.run(store, log, clients: 0..<4, keys: keys, seed: seed) { load in
                try await HistoryLoad.run(other, log, clients: 10..<14, keys: keys, seed: seed) { _ in
                    await eventually { load.answered > 5 }
                    try await store.reshard(try store.reshardPlan(shards: 4))
                    #expect(Set(try keys.map { try store.shard(for: $0).index }) == [0, 1, 2, 3])
                    try await store.reshardBack()
                    #expect(Set(try keys.map { try store.shard(for: $0).index }) == [0, 1])
                    try await store.finishResharding()
                }
            }
            let history = try log.operations()
            #expect(history.count > 200)
            HistoryLoad.check(history, "\(engine.rawValue), round \(round)")
        }
        await other.close()
        await store.close()
    }
}
