import ApusCore
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusStore

/// A process that moves a folder's rows to a server, or back, is killed at any moment: nothing is lost or doubled, and the next
/// one goes on.
@Suite(.ownThread, .serialized, .timeLimit(.minutes(10)))
struct RelocationKillTests {
    private static let buyers = 120

    /// What was acknowledged, by buyer.
    private func acknowledged(_ folder: String) throws -> [Int: Int] {
        guard Files.status(folder + "/notes") != nil else { return [:] }
        return try Files.readText(folder + "/notes").split(separator: "\n").compactMap { Int($0) }
            .reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    /// Writes for ever, and notes what was acknowledged.
    private static func write(_ store: Store, notes: Int32) async {
        var id = 0
        while true {
            id = (id + 7) % buyers
            do {
                let count = try await store.shard(for: id).execute(
                    "UPDATE buyers SET visits = visits + 1 WHERE id = \(id)"
                )
                if count != 1 { fatalError("buyer \(id): \(count) rows") }
            } catch {
                // Not the end that is asked for: the test fails by it.
                fatalError("\(error)")
            }
            let line = Array("\(id)\n".utf8)
            _ = line.withUnsafeBytes { Glibc.write(notes, $0.baseAddress, $0.count) }
        }
    }

    /// There and back for ever, whatever the last run left.
    private static func move(_ store: Store, _ url: Secret<String>) async throws {
        while true {
            guard let status = try await store.resharding() else {
                try await store.reshard(onto: url, shards: 2)
                continue
            }
            if !status.isDone {
                try await store.reshard(nil)
            } else if status.isBack {
                try await store.finishResharding()
            } else {
                try await store.reshardBack()
            }
        }
    }

    @Test(arguments: TestEngine.servers)
    func `kill -9 on the way there and back loses nothing and doubles nothing`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        var random = SeededRandom(seed: TestRun.seed)
        let first = try await place.openFiles()
        try await first.fill(Self.buyers)
        let before = try await first.contents()
        await first.store.close()
        for round in 0..<TestRun.rounds {
            let looks = Int.random(in: 50...5_000, using: &random)
            let (path, name, url) = (place.folder.path, place.name, try place.server().reveal())
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = path as String, name = name as String, url = url as String, looks = looks as Int] in
                let shop = MovingShop(name)
                let clock = DeadlyClock(at: looks)
                try await shop.store.open(BlockSite(dataFolder: path, clock: clock))
                let notes = open(path + "/notes", O_WRONLY | O_CREAT | O_APPEND, 0o600)
                let store = shop.store
                _ = Task { await RelocationKillTests.write(store, notes: notes) }
                try await RelocationKillTests.move(store, Secret(url))
            }
            let shop = try await place.openFiles()
            // The first question puts right what the dead step left.
            let rows = try await shop.store.everyShard.all("SELECT id FROM buyers", as: Int.self).rows
            #expect(rows.sorted() == Array(0..<Self.buyers), "round \(round), seed \(TestRun.seed)")
            #expect(try await shop.check() == [], "round \(round), seed \(TestRun.seed)")
            #expect(try await shop.contents()[1...] == before[1...], "round \(round), seed \(TestRun.seed)")
            let counts = try acknowledged(place.folder.path)
            var surplus = 0
            for id in 0..<Self.buyers {
                let visits: Int = try await shop.store.shard(for: id).one("SELECT visits FROM buyers WHERE id = \(id)")
                #expect(visits >= counts[id] ?? 0, "buyer \(id), round \(round), seed \(TestRun.seed)")
                surplus += visits - (counts[id] ?? 0)
            }
            // A write may have been committed and its caller not told: one a round at most.
            #expect(surplus <= round + 1, "round \(round), seed \(TestRun.seed)")
            await shop.store.close()
        }
        let last = try await place.openFiles()
        if try await last.store.resharding()?.isDone == false { try await last.store.reshard(nil) }
        #expect(try await last.check() == [])
        #expect(try await last.contents()[1...] == before[1...])
        await last.store.close()
    }

    @Test(arguments: TestEngine.servers)
    func `kill -9 between the two commits of a step, and behind both, leaves every row once`(engine: TestEngine)
        async throws
    {
        for (steps, point, isBack) in [
            (1, 0, false), (3, 0, false), (2, 1, false), (1, 0, true), (3, 0, true), (2, 1, true),
        ] {
            let place = try TestPlace(engine)
            let first = try await place.openFiles()
            try await first.fill(150)
            let before = try await first.contents()
            let server = try place.server()
            if isBack { try await first.store.reshard(onto: server) }
            await first.store.close()
            let (path, name, url) = (place.folder.path, place.name, server.reveal())
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [
                    path = path as String, name = name as String, url = url as String, steps = steps as Int,
                    point = point as Int, isBack = isBack as Bool
                ] in
                let shop = MovingShop(name)
                try await shop.store.open(BlockSite(dataFolder: path))
                let opened = try shop.store.current()
                guard case .still(let moves) = opened.questions else { return }
                let resharder = Resharder(
                    store: shop.store,
                    site: DeadlySite(base: moves, steps: steps, isAfter: point == 1),
                    map: opened.map,
                    shards: opened.shards,
                    clock: SystemClock()
                )
                if isBack {
                    _ = try await resharder.goBack { _ in }
                } else {
                    _ = try await resharder.run(progress: { _ in }) {
                        try await moves.relocate(to: Secret(url), shards: nil)
                    }
                }
            }
            let shop = try await place.openFiles()
            #expect(try await shop.contents() == before, "\(steps) steps, \(point), \(isBack)")
            #expect(try await shop.check() == [], "\(steps) steps, \(point), \(isBack)")
            // On, from a process that has only just heard of it, and the other way round.
            try await shop.store.reshard(nil)
            #expect(try await shop.contents() == before, "\(steps) steps, \(point), \(isBack)")
            #expect(try await shop.check() == [], "\(steps) steps, \(point), \(isBack)")
            if !isBack { try await shop.store.reshardBack() }
            try await shop.store.finishResharding()
            #expect(try await shop.contents() == before, "\(steps) steps, \(point), \(isBack)")
            #expect(try shop.store.map.shards == 2)
            await shop.store.close()
        }
    }
}
