import ApusCore
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusStore

// One after the other: each has a dozen connections to a server for each of its stores.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct RelocationTests {
    @Test(arguments: TestEngine.servers)
    func `rows go from files to a server, and back, and there again for good`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await place.openFiles()
        try await shop.fill(400)
        let before = try await shop.contents()
        let plan = try shop.store.reshardPlan(onto: try place.server(), shards: 3)
        let estimate = try await shop.store.reshardEstimate(plan)
        #expect(plan.slots == 64)

        let report = try await shop.store.reshard(onto: try place.server(), shards: 3)
        #expect(report.rows == estimate.rows)
        #expect(try shop.store.map.shards == 5)
        #expect(try await shop.contents() == before)
        #expect(try await shop.check() == [])
        let status = try #require(try await shop.store.resharding())
        #expect(status.isDone && !status.isBack)
        #expect(status.slots == 64)
        #expect(status.server?.isEmpty == false)
        let counts: [Int] = try await shop.store.everyShard.all("SELECT count(*) FROM buyers").rows
        #expect(counts.prefix(2) == [0, 0])
        #expect(counts.suffix(3).allSatisfy { $0 > 0 })
        let countries: [String] = try await shop.store.everyShard.all("SELECT name FROM countries").rows
        #expect(countries == Array(repeating: "France", count: 5))
        // Others may not open it there yet, nor is there room for another plan.
        #expect(await code { _ = try await MovingShop.open(place) } == .restoreUnfinished)
        #expect(await code { try await shop.store.reshard(try shop.store.reshardPlan(shards: 3)) } == .busy)

        try await shop.store.reshardBack()
        #expect(try await shop.contents() == before)
        #expect(try await shop.check() == [])
        try await shop.store.finishResharding()
        #expect(try shop.store.map.shards == 2)
        #expect(try await shop.contents() == before)
        #expect(try await shop.store.resharding() == nil)
        await shop.store.close()

        // A folder as any other.
        let again = try await place.openFiles()
        #expect(try await again.contents() == before)
        try await again.store.reshard(try again.store.reshardPlan(shards: 3))
        try await again.store.finishResharding()
        try await again.store.reshard(onto: try place.server(), shards: 3)
        let held = try (0..<400).map { try again.store.shard(for: $0) }
        try await again.store.finishResharding()
        #expect(try await again.contents() == before)
        #expect(try again.store.map.shards == 3)

        // By the server's URL, by the folder, and by who had it open all the time.
        let there = try await MovingShop.open(place)
        #expect(try there.store.map.shards == 3)
        #expect(try await there.contents() == before)
        #expect(try await there.check() == [])
        let ledOn = try await place.openFiles()
        #expect(try await ledOn.contents() == before)
        #expect(ledOn.store.stockClient == there.store.stockClient)
        try await there.store.reshard(try there.store.reshardPlan(shards: 4))
        try await there.store.finishResharding()
        for id in 0..<400 {
            #expect(try await held[id].execute("UPDATE buyers SET visits = 7 WHERE id = \(id)") == 1, "buyer \(id)")
            #expect(try await again.store.shard(for: id).one("SELECT visits FROM buyers WHERE id = \(id)") == 7)
        }
        for shop in [again, ledOn, there] {
            #expect(try await shop.contents()[1...] == before[1...])
            let visits: [Int] = try await shop.store.everyShard.all("SELECT visits FROM buyers").rows
            #expect(visits == Array(repeating: 7, count: 400))
            await shop.store.close()
        }
    }

    @Test(arguments: TestEngine.servers)
    func `calls and questions go on in another process, on the way there and on the way back`(engine: TestEngine)
        async throws
    {
        let place = try TestPlace(engine)
        let (shop, other) = (try await place.openFiles(share: 0.5), try await place.openFiles())
        let buyers = 240
        try await shop.fill(buyers)
        let before = try await shop.contents()
        let (store, server) = (shop.store, try place.server())
        let seen = try await MovingTraffic(other, buyers: buyers).run {
            try await store.reshard(onto: server)
            try await store.reshardBack()
            try await store.finishResharding()
            try await store.reshard(onto: server)
            try await store.finishResharding()
        }
        #expect(seen.problems == [])
        #expect(!seen.visits.isEmpty)
        let there = try await MovingShop.open(place)
        #expect(try await there.check() == [])
        #expect(try await there.contents()[1...] == before[1...])
        for (id, count) in seen.visits {
            #expect(try await there.store.shard(for: id).one("SELECT visits FROM buyers WHERE id = \(id)") == count)
        }
        for one in [shop, other, there] { await one.store.close() }
    }

    @Test(arguments: TestEngine.servers)
    func `the server numbers new rows above all that have come`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await place.openFiles(shards: 1)
        try await shop.fill(50)
        try await shop.store.reshard(onto: try place.server())
        try await shop.store.finishResharding()
        await shop.store.close()
        let there = try await MovingShop.open(place)
        let shard = try there.store.shard(for: 1)
        try await shard.execute("INSERT INTO buyers (name, visits) VALUES ('new', 0)")
        #expect(try await shard.one("SELECT id FROM buyers WHERE name = 'new'", as: Int.self) > 49)
        await there.store.close()
    }

    @Test(arguments: TestEngine.servers)
    func `what is unique stays so, and a newer program finds its schema`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let byName = UniqueIndex<String, Int>("buyers_by_name")
        let migrations = MovingShop.migrations + [byName.migration(2)]
        let shop = try await place.openFiles(migrations: migrations, tables: MovingShop.tables + byName.tables)
        try await shop.fill(20)
        for id in 0..<20 { try await byName.claim("b\(id)", for: id, in: shop.store) { _ in } }
        try await shop.store.reshard(onto: try place.server())
        #expect(await code { try await byName.claim("b3", for: 4, in: shop.store) { _ in } } == .uniqueViolation)
        try await byName.replace("b5", with: "c5", of: 5, in: shop.store) { _ in }
        try await shop.store.finishResharding()
        await shop.store.close()
        let rate = Migration(3, "rate buyers", "ALTER TABLE buyers ADD COLUMN rating INTEGER NOT NULL DEFAULT 3")
        let later = MovingShop(
            place.name,
            migrations: migrations + [rate],
            tables: MovingShop.tables + byName.tables
        )
        try await later.store.open(place.site())
        for id in 0..<20 { #expect(try await byName.owner(of: id == 5 ? "c5" : "b\(id)", in: later.store) == id) }
        let ratings: [Int] = try await later.store.everyShard.all("SELECT rating FROM buyers").rows
        #expect(ratings == Array(repeating: 3, count: 20))
        await later.store.close()
    }

    @Test(arguments: TestEngine.servers)
    func `a backup in between is of one moment, and its rows are counted`(engine: TestEngine) async throws {
        let (place, other) = (try TestPlace(engine), try TestFolder())
        let shop = try await place.openFiles()
        try await shop.fill(100)
        let before = try await shop.contents()
        let isFirst = Lock(true)
        let store = shop.store
        let work = Task {
            try await store.reshard(onto: try place.server()) { progress in
                guard progress.slots > 20, isFirst.withLock({ $0 }) else { return }
                isFirst.withLock { $0 = false }
                withUnsafeCurrentTask { $0?.cancel() }
            }
        }
        await #expect(throws: CancellationError.self) { try await work.value }
        let counts = try await store.rowCounts(within: .seconds(30))
        #expect(counts.isComplete)
        #expect(counts.tables["buyers"]?.values.reduce(0, +) == 100)
        #expect((counts.tables["buyers"]?[0] ?? 0) + (counts.tables["buyers"]?[1] ?? 0) < 100)
        try await store.backup(into: other.path + "/copy")
        try await store.reshard(nil)
        await store.close()
        let restored = MovingShop(place.name)
        let site = BlockSite(dataFolder: other.path + "/restored")
        try await restored.store.restore(from: other.path + "/copy", at: site)
        try await restored.store.open(site)
        #expect(try await restored.contents() == before)
        await restored.store.close()
    }

    @Test(arguments: TestEngine.servers)
    func `a finish that was cut off is done again, and has no way back`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await place.openFiles()
        try await shop.fill(60)
        let before = try await shop.contents()
        try await shop.store.reshard(onto: try place.server())
        await shop.store.close()
        var relocation = try #require(try Relocation.read(place.folder.path))
        relocation.isSettled = true
        try relocation.write(place.folder.path)
        let again = try await place.openFiles()
        #expect(await code { try await again.store.reshardBack() } == .busy)
        #expect(try await again.contents() == before)
        #expect(await code { _ = try await MovingShop.open(place) } == .restoreUnfinished)
        try await again.store.finishResharding()
        #expect(await code { try await again.store.reshardBack() } == .statementInvalid)
        let there = try await MovingShop.open(place)
        #expect(try await there.contents() == before)
        for one in [again, there] { await one.store.close() }
    }

    @Test(arguments: TestEngine.servers)
    func `what was prepared and never begun is in nobody's way`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await place.openFiles()
        try await shop.fill(40)
        let before = try await shop.contents()
        guard case .still(let moves) = try shop.store.current().questions else {
            Issue.record("no files")
            return
        }
        // As after a kill between the server's and the folder's part.
        _ = try await moves.relocate(to: try place.server(), shards: 2)
        await shop.store.close()
        let again = try await place.openFiles()
        #expect(try await again.contents() == before)
        try await again.store.reshard(try again.store.reshardPlan(shards: 3))
        try await again.store.finishResharding()
        #expect(try Relocation.read(place.folder.path) == nil)
        #expect(
            await code { try await again.store.reshard(onto: try place.server(), shards: 3) } == .mapMismatch
        )
        try await again.store.reshard(onto: try place.server(), shards: 2)
        #expect(try await again.contents() == before)
        await again.store.close()
    }

    @Test(arguments: TestEngine.servers)
    func `a server that cannot take the rows is refused, and no password is told`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await place.openFiles()
        try await shop.fill(30)
        let before = try await shop.contents()
        let wrong = Secret("nonsense://shop:secret-word@host/db")
        do {
            try await shop.store.reshard(onto: wrong)
            Issue.record("it moved")
        } catch let error as ConfigurationError {
            #expect(!"\(error)".contains("secret-word"))
        }
        #expect(await code { _ = try shop.store.reshardPlan(onto: try place.server(), shards: 0) } == .valueInvalid)
        let scheme = try place.server().reveal().prefix { $0 != ":" }
        let refused = Secret("\(scheme)://nobody:secret-word@127.0.0.1:1/nothing")
        let error = await failure { try await shop.store.reshard(onto: refused) }
        #expect(error?.code == .unreachable)
        #expect(error.map { "\($0)".contains("secret-word") } == false)
        #expect(try shop.store.map.shards == 2)

        // Another store of this name is there.
        let there = try await MovingShop.open(place)
        try await there.fill(10)
        await there.store.close()
        #expect(await code { try await shop.store.reshard(onto: try place.server()) } == .wrongShard)
        #expect(try await shop.contents() == before)
        #expect(try await shop.store.resharding() == nil)
        let again = try await MovingShop.open(place)
        #expect(await code { try await again.store.reshard(onto: try place.server()) } == .statementInvalid)
        for one in [shop, again] { await one.store.close() }
    }

    @Test(arguments: TestEngine.servers)
    func `the folder's note of the server is its owner's alone, and without it nothing is opened`(engine: TestEngine)
        async throws
    {
        let place = try TestPlace(engine)
        let shop = try await place.openFiles()
        try await shop.fill(20)
        try await shop.store.reshard(onto: try place.server())
        await shop.store.close()
        let path = place.folder.path + "/relocation.json"
        #expect(Files.status(path)?.mode == 0o600)
        let note = try Files.read(path)
        try Files.writeAtomically(Array("{\"format\": 2".utf8), to: path)
        #expect(await code { _ = try await place.openFiles() } == .corrupt)
        try Files.remove(path)
        #expect(await code { _ = try await place.openFiles() } == .corrupt)
        try Files.writeAtomically(note, to: path)
        let again = try await place.openFiles()
        #expect(try await again.check() == [])
        await again.store.close()
    }
}
