import ApusCore
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusStore

/// A process that reshards is killed at any moment, again and again: nothing is lost or doubled, and the next one goes on.
@Suite(.ownThread, .serialized, .timeLimit(.minutes(10)))
struct ReshardKillTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private static func note(_ id: Int, in file: Int32) {
        let line = Array("\(id)\n".utf8)
        _ = line.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    }

    /// What was acknowledged, by buyer.
    private func acknowledged() throws -> [Int: Int] {
        guard Files.status(folder.path + "/notes") != nil else { return [:] }
        return try Files.readText(folder.path + "/notes").split(separator: "\n").compactMap { Int($0) }
            .reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    @Test
    func `kill -9 while slots move loses nothing and doubles nothing`() async throws {
        let buyers = 120
        var random = SeededRandom(seed: TestRun.seed)
        let first = try await MovingShop.open(folder)
        try await first.fill(buyers)
        let before = try await first.contents()
        await first.store.close()
        for round in 0..<TestRun.rounds {
            let looks = Int.random(in: 50...5_000, using: &random)
            let path = folder.path
            // On and back in turn, whatever the last round left.
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, looks = looks as Int] in
                let shop = MovingShop()
                // It is looked at before and after all that waits, by each thread.
                try await shop.store.open(BlockSite(dataFolder: path, clock: DeadlyClock(at: looks)))
                let notes = open(path + "/notes", O_WRONLY | O_CREAT | O_APPEND, 0o600)
                let store = shop.store
                _ = Task {
                    var id = 0
                    while true {
                        id = (id + 7) % 120
                        do {
                            let sql: SQL = "UPDATE buyers SET visits = visits + 1 WHERE id = \(id)"
                            let count = try await store.shard(for: id).execute(sql)
                            if count != 1 { fatalError("buyer \(id): \(count) rows") }
                        } catch {
                            // Not the end that is asked for: the test fails by it.
                            fatalError("\(error)")
                        }
                        ReshardKillTests.note(id, in: notes)
                    }
                }
                while true {
                    if let status = try store.resharding() {
                        if status.isDone {
                            try await store.finishResharding()
                        } else {
                            try await store.reshard(nil)
                        }
                    } else {
                        let shards = try store.map.shards == 2 ? 4 : try ReshardKillTests.used(store) == 4 ? 2 : 4
                        try await store.reshard(try store.reshardPlan(shards: shards))
                    }
                }
            }
            let shop = try await MovingShop.open(folder)
            // The first question puts right what the dead step left.
            let rows = try await shop.store.everyShard.all("SELECT id FROM buyers", as: Int.self).rows
            #expect(rows.sorted() == Array(0..<buyers), "round \(round), seed \(TestRun.seed)")
            #expect(try await shop.check() == [], "round \(round), seed \(TestRun.seed)")
            #expect(try await shop.contents()[1...] == before[1...], "round \(round), seed \(TestRun.seed)")
            let counts = try acknowledged()
            var surplus = 0
            for id in 0..<buyers {
                let visits: Int = try await shop.store.shard(for: id).one("SELECT visits FROM buyers WHERE id = \(id)")
                #expect(visits >= counts[id] ?? 0, "buyer \(id), round \(round), seed \(TestRun.seed)")
                surplus += visits - (counts[id] ?? 0)
            }
            // A write may have been committed and its caller not told: one a round at most.
            #expect(surplus <= round + 1, "round \(round), seed \(TestRun.seed)")
            #expect(try await shop.store.integrity().isEmpty)
            await shop.store.close()
        }
        let last = try await MovingShop.open(folder)
        if try last.store.resharding()?.isDone == false { try await last.store.reshard(nil) }
        #expect(try await last.check() == [])
        #expect(try await last.contents()[1...] == before[1...])
        await last.store.close()
    }

    /// How many shards have slots.
    private static func used(_ store: Store) throws -> Int {
        let map = try store.map
        return Set((0..<map.sharding.slots).map(map.shard(ofSlot:))).count
    }
}
