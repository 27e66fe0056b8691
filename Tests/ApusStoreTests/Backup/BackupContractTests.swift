import ApusCore
import ApusRuntime
import Testing

@testable import ApusStore

/// What a backup of any engine holds, and that any engine takes it back.
@Suite(.timeLimit(.minutes(5)))
struct BackupContractTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private var backup: String { folder.path + "/backup" }

    private static var pairs: [(TestEngine, TestEngine)] {
        TestEngine.here.flatMap { from in TestEngine.here.map { (from, $0) } }
    }

    @Test(arguments: pairs)
    func `a backup comes back on every engine and on another number of shards`(from: TestEngine, to: TestEngine)
        async throws
    {
        let first = try TestPlace(from)
        let shop = try await BackedShop.open(first, shards: 2)
        // More than are read or brought at a time.
        try await shop.fill(2500)
        let before = try await shop.contents()
        let report = try await shop.store.backup(into: backup)
        #expect(report.shards == 2)
        #expect(report.rows == before.map(\.count).reduce(0, +))
        await shop.store.close()

        let second = try TestPlace(to)
        // A server has one store of a name: it goes before it comes back.
        second.drop(first)
        defer { second.drop(first) }
        let restored = BackedShop(first.name, shards: 3)
        try await restored.store.restore(from: backup, at: second.site())
        try await restored.store.open(second.site())
        #expect(try await restored.contents() == before)
        #expect(try await restored.strays() == [])
        #expect(try await restored.store.integrity().isEmpty)
        // The engine numbers on behind what is there.
        for shard in try restored.store.everyShard.handles {
            try await shard.execute("INSERT INTO buyers (name, visits) VALUES ('new', 0)")
        }
        await restored.store.close()
    }

    @Test(arguments: TestEngine.here)
    func `what was done because of something else is not in a backup without it`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await BackedShop.open(place, shards: 4)
        try await shop.fill(40)
        let store = shop.store
        // Pairs on two shards: the second is written when the first is known to be there.
        var pairs: [(Int, Int)] = []
        for id in 1...20 {
            let home = try store.shard(for: id).index
            let taken = pairs.map(\.1)
            let other = try (21...40).first { try !taken.contains($0) && store.shard(for: $0).index != home }
            if let other { pairs.append((id, other)) }
        }
        try #require(pairs.count > 4)
        let writers = pairs.map { pair in
            Task {
                var count = 10
                while !Task.isCancelled {
                    count += 1
                    for id in [pair.0, pair.1] {
                        try await store.shard(for: id).execute("UPDATE buyers SET visits = \(count) WHERE id = \(id)")
                    }
                }
            }
        }
        for round in 0..<5 {
            try await store.backup(into: "\(backup)-\(round)")
            let visits = try visits(in: "\(backup)-\(round)")
            // The writers have been at it.
            #expect(visits.values.contains { $0 > 10 } || round == 0)
            for (first, second) in pairs {
                let (a, b) = (visits[first] ?? 0, visits[second] ?? 0)
                #expect(a >= b, "the cause \(first) stands at \(a), its effect \(second) at \(b), round \(round)")
            }
        }
        for writer in writers {
            writer.cancel()
            do { try await writer.value } catch let error as StoreError { #expect(error.code == .cancelled) }
        }
        await store.close()
    }

    private struct Visits: Row {
        let id: Int
        let visits: Int
        init(from row: inout RowReader) throws {
            id = try row.next()
            visits = try row.next()
        }
    }

    private func visits(in folder: String) throws -> [Int: Int] {
        var found: [Int: Int] = [:]
        for shard in try BackupManifest.read(folder).shards {
            let file = try SQLiteConnection(
                path: "\(folder)/\(shard.file)",
                configuration: StoreConfiguration(),
                isReader: true
            )
            defer { file.close() }
            for row in try Transaction(file).all("SELECT id, visits FROM buyers", as: Visits.self) {
                found[row.id] = row.visits
            }
        }
        return found
    }

    @Test(arguments: TestEngine.here)
    func `two backups at once, while transactions take the tables in another order, come both to their end`(
        engine: TestEngine
    ) async throws {
        let place = try TestPlace(engine)
        let shop = try await BackedShop.open(place, shards: 3)
        try await shop.fill(30)
        let store = shop.store
        let writers = (1...4).map { id in
            Task {
                var count = 0
                while !Task.isCancelled {
                    count += 1
                    let (number, text) = (count, "\(count)")
                    try await store.shard(for: id).transaction(deadline: .seconds(60)) { transaction in
                        try transaction.execute("UPDATE order_lines SET what = \(text) WHERE line = \(-id)")
                        try transaction.execute("UPDATE orders SET total = \(number) WHERE number = \(-id)")
                        try transaction.execute("UPDATE buyers SET visits = \(number) WHERE id = \(id)")
                    }
                }
            }
        }
        async let first = store.backup(into: backup + "-1")
        async let second = store.backup(into: backup + "-2")
        for report in try await [first, second] { #expect(report.shards == 3) }
        for writer in writers {
            writer.cancel()
            // On a slow machine a transaction may lose against others for all of its time.
            do { try await writer.value } catch let error as StoreError {
                #expect(error.code == .cancelled || error.code == .busy)
            }
        }
        let files = (0..<3).map(OpenStore.fileName) + [BackupManifest.fileName]
        #expect(try Set(Files.list(backup + "-1")) == Set(files), "nothing is beside it")
        await store.close()
    }

    @Test(arguments: TestEngine.here)
    func `a store that has rows is not restored into, and keeps them`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await BackedShop.open(place, shards: 2)
        try await shop.fill(20)
        try await shop.store.backup(into: backup)
        try await shop.store.shard(for: 1).execute("UPDATE buyers SET name = 'changed' WHERE id = 1")
        let open = await code { try await shop.store.restore(from: backup, at: place.site()) }
        #expect(open == .statementInvalid)
        let before = try await shop.contents()
        await shop.store.close()
        let failure = await failure { try await shop.store.restore(from: backup, at: place.site()) }
        #expect(failure?.code == .statementInvalid)
        #expect(failure?.detail.contains("has rows") == true)
        try await shop.store.open(place.site())
        #expect(try await shop.contents() == before)
        await shop.store.close()
    }
}
