import ApusCore
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusStore

// One after the other: each has a dozen connections to a server for each of its stores.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct ReshardTests {
    /// Begins to move and is stopped after the first step: what is written then was in no look at the shard.
    private func moveALittle(_ store: Store) async {
        let isFirst = Lock(true)
        let work = Task {
            try await store.reshard(try store.reshardPlan(shards: 4)) { progress in
                guard !progress.isCounting, isFirst.withLock({ $0 }) else { return }
                isFirst.withLock { $0 = false }
                withUnsafeCurrentTask { $0?.cancel() }
            }
        }
        await #expect(throws: CancellationError.self) { try await work.value }
    }

    @Test(arguments: TestEngine.moving)
    func `two shards become four, and back, with every row where its key leads`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await MovingShop.open(place)
        try await shop.fill(500)
        let before = try await shop.contents()
        #expect(try await shop.store.resharding() == nil)

        let plan = try shop.store.reshardPlan(shards: 4)
        let estimate = try await shop.store.reshardEstimate(plan)
        #expect(estimate.rows > 300)
        #expect(estimate.bytes > 0)
        #expect(estimate.seconds > 0)
        // A buyer with three orders of at most four lines.
        #expect((2...16).contains(estimate.largestKey))
        #expect(try shop.store.map.shards == 2)

        let seen = Lock<[MoveProgress]>([])
        let report = try await shop.store.reshard(plan) { progress in seen.withLock { $0.append(progress) } }
        #expect(report.rows == estimate.rows)
        #expect(report.pause > 0)
        #expect(try shop.store.map.shards == 4)
        #expect(try await shop.contents() == before)
        #expect(try await shop.check().isEmpty)
        #expect(seen.withLock { $0.last }?.slots == plan.slots)
        let status = try await shop.store.resharding()
        #expect(status?.isDone == true)
        #expect(status?.slots == plan.slots)

        // What is everywhere is on the new shards too.
        let countries = try await shop.store.everyShard.all("SELECT name FROM countries", as: String.self)
        #expect(countries.rows == Array(repeating: "France", count: 4))

        // While the way back is kept there is no other plan.
        #expect(await code { _ = try await shop.store.reshard(try shop.store.reshardPlan(shards: 3)) } == .busy)
        try await shop.store.reshardBack()
        #expect(try await shop.contents() == before)
        #expect(try await shop.check().isEmpty)
        let counts: [Int] = try await shop.store.everyShard.all("SELECT count(*) FROM buyers").rows
        #expect(Array(counts.suffix(2)) == [0, 0])
        try await shop.store.finishResharding()
        #expect(try await shop.store.resharding() == nil)

        // Shards without slots take some again.
        try await shop.store.reshard(try shop.store.reshardPlan(shards: 3))
        #expect(try await shop.contents() == before)
        #expect(try await shop.check().isEmpty)
        #expect(try await shop.store.integrity().isEmpty)
        await shop.store.close()

        // Another program that declares what it was made with finds it as it is now.
        let again = try await MovingShop.open(place)
        #expect(try again.store.map.shards == 4)
        #expect(try await again.contents() == before)
        #expect(try await again.check().isEmpty)
        await again.store.close()
    }

    @Test(arguments: TestEngine.moving)
    func `one slot goes to a new shard, and shards are merged`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await MovingShop.open(place)
        try await shop.fill(200)
        let before = try await shop.contents()
        let slot = try shop.store.map.slot(of: 7)
        try await shop.store.reshard(try shop.store.reshardPlan(slots: slot..<slot + 1, to: 2))
        #expect(try shop.store.shard(for: 7).index == 2)
        #expect(try await shop.contents() == before)
        try await shop.store.finishResharding()
        try await shop.store.reshard(try shop.store.reshardPlan(shards: 1))
        #expect(try shop.store.shard(for: 7).index == 0)
        #expect(try await shop.contents() == before)
        #expect(try await shop.check().isEmpty)
        await shop.store.close()
    }

    @Test(arguments: TestEngine.moving)
    func `calls and questions go on meanwhile, in another process too`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await MovingShop.open(place, share: 0.5)
        let buyers = 400
        try await shop.fill(buyers)
        let before = try await shop.contents()
        // A second opening is what another process has: its own handles, threads and copy of the map.
        let other = try await MovingShop.open(place)
        let held = try (0..<buyers).map { try other.store.shard(for: $0) }
        let seen = try await MovingTraffic(other, buyers: buyers).run {
            try await shop.store.reshard(try shop.store.reshardPlan(shards: 4))
        }
        #expect(seen.problems == [])
        #expect(try await other.check().isEmpty)
        #expect(try other.store.map.shards == 4)
        #expect(!seen.visits.isEmpty)
        for (id, count) in seen.visits {
            #expect(try await held[id].one("SELECT visits FROM buyers WHERE id = \(id)") == count)
        }
        let after = try await other.contents()
        #expect(after[1...] == before[1...])
        await other.store.close()
        await shop.store.close()
    }

    @Test(arguments: TestEngine.moving)
    func `a program that has heard of nothing asks all shards, and finds its keys`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await MovingShop.open(place)
        try await shop.fill(120)
        let before = try await shop.contents()
        let other = try await MovingShop.open(place)
        let third = try await MovingShop.open(place)
        let held = try (0..<120).map { try third.store.shard(for: $0) }
        try await shop.store.reshard(try shop.store.reshardPlan(shards: 4))
        try await shop.store.finishResharding()
        #expect(try await other.contents() == before)
        for id in 0..<120 {
            let count = try await held[id].execute("UPDATE buyers SET visits = visits + 1 WHERE id = \(id)")
            #expect(count == 1, "buyer \(id)")
            #expect(try await held[id].first("SELECT visits FROM buyers WHERE id = \(id)") == 1)
        }
        #expect(try await shop.check() == [])
        for one in [shop, other, third] { await one.store.close() }
    }

    @Test(arguments: TestEngine.moving)
    func `rows that come while their slot waits to move go with it`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await MovingShop.open(place)
        try await shop.fill(100)
        let store = shop.store
        await moveALittle(store)
        try await store.insert(100..<300, into: "buyers", ["id", "name", "visits"], key: { $0 }) { [$0, "late", 0] }
        try await store.shard(for: 3).execute("DELETE FROM buyers WHERE id = 3")
        #expect(try await store.resharding()?.isDone == false)
        try await store.reshard(nil)
        #expect(try await shop.check().isEmpty)
        #expect(try await store.everyShard.all("SELECT id FROM buyers", as: Int.self).rows.count == 299)
        await store.close()
    }

    @Test(arguments: TestEngine.moving)
    func `a table that is not declared keeps its store from moving`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await MovingShop.open(place, tables: Array(MovingShop.tables.dropLast()))
        do {
            try await shop.store.reshard(try shop.store.reshardPlan(shards: 4))
            Issue.record("it moved")
        } catch let error as StoreError {
            #expect(error.code == .statementInvalid)
            #expect(error.detail.contains("countries"))
        }
        #expect(try shop.store.map.shards == 2)
        await shop.store.close()
    }

    @Test(arguments: TestEngine.moving)
    func `a primary key that two shards have stops the move with nothing lost`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await MovingShop.open(place)
        try await shop.fill(60)
        // The same order number on both shards.
        let pair = try [0, 1].map { index in
            try #require(try (0..<60).first { try shop.store.shard(for: $0).index == index })
        }
        for buyer in pair {
            try await shop.store.shard(for: buyer).execute(
                "INSERT INTO orders (number, buyer, total, picture) VALUES ('same', \(buyer), 1, \([0 as UInt8]))"
            )
        }
        let before = try await shop.contents()
        do {
            try await shop.store.reshard(try shop.store.reshardPlan(shards: 1))
            Issue.record("it moved")
        } catch let error as StoreError {
            #expect(error.code == .uniqueViolation)
            #expect(error.detail.contains("orders"))
        }
        #expect(try await shop.contents() == before)
        #expect(try await shop.check().isEmpty)
        // Once that is mended it goes on.
        try await shop.store.shard(for: pair[0]).execute("DELETE FROM orders WHERE number = 'same'")
        try await shop.store.reshard(nil)
        #expect(try await shop.check().isEmpty)
        await shop.store.close()
    }

    @Test(arguments: TestEngine.moving)
    func `rows that follow none are refused before anything moves`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await MovingShop.open(place)
        try await shop.store.shard(for: 1).execute("INSERT INTO \"lines\" (number, line, what) VALUES ('none', 1, 'x')")
        #expect(
            await code { try await shop.store.reshard(try shop.store.reshardPlan(shards: 4)) } == .foreignKeyViolation
        )
        await shop.store.close()
    }

    @Test(arguments: [
        ("CREATE TABLE gifts (id INTEGER PRIMARY KEY, buyer INTEGER REFERENCES buyers(id) ON DELETE CASCADE)", "gifts"),
        ("CREATE TRIGGER seen AFTER DELETE ON buyers BEGIN DELETE FROM countries; END", "seen"),
        ("ALTER TABLE buyers ADD COLUMN twice INTEGER GENERATED ALWAYS AS (visits * 2) VIRTUAL", "buyers.twice"),
    ])
    func `what reaches beyond its key is refused by name`(sql: StaticString, name: String) async throws {
        let place = try TestPlace(.sqlite)
        let gifts = StoreTable("gifts", primaryKey: ["id"], key: ["id"]) { try $0.next(Int.self) }
        let isTable = name == "gifts"
        let migrations = MovingShop.migrations + [Migration(2, "more", sql)]
        let tables = MovingShop.tables + (isTable ? [gifts] : [])
        let store = Store(place.name, shards: 2, sharding: .hash(slots: 64), migrations: migrations, tables: tables)
        try await store.open(place.site())
        do {
            try await store.reshard(try store.reshardPlan(shards: 4))
            Issue.record("it moved")
        } catch let error as StoreError {
            #expect(error.code == .statementInvalid)
            #expect(error.detail.contains(name), "\(error)")
        }
        #expect(try store.map.shards == 2)
        await store.close()
    }

    @Test(arguments: TestEngine.moving)
    func `a row whose declared key is another than the one it was written by is refused`(engine: TestEngine)
        async throws
    {
        let place = try TestPlace(engine)
        let wrong = StoreTable("buyers", primaryKey: ["id"], key: ["visits"]) { try $0.next(Int.self) }
        let shop = try await MovingShop.open(place, tables: [wrong] + MovingShop.tables.dropFirst())
        try await shop.fill(50)
        let before = try await shop.contents()
        #expect(await code { try await shop.store.reshard(try shop.store.reshardPlan(shards: 4)) } == .wrongShard)
        #expect(try await shop.contents() == before)
        await shop.store.close()
    }

    @Test
    func `rows that a migration brings while shards move go along`() async throws {
        let place = try TestPlace(.sqlite)
        let shop = try await MovingShop.open(place)
        try await shop.fill(100)
        let isFirst = Lock(true)
        let (store, path) = (shop.store, place.folder.path)
        // What a newer program does to a table, with its triggers lost, and rows that come afterwards.
        try await store.reshard(try store.reshardPlan(shards: 4)) { progress in
            guard !progress.isCounting, isFirst.withLock({ $0 }) else { return }
            isFirst.withLock { $0 = false }
            for index in 0..<2 {
                let connection = try? SQLiteConnection(
                    path: "\(path)/\(OpenStore.fileName(index))",
                    configuration: StoreConfiguration(),
                    isReader: false
                )
                try? connection?.run(
                    """
                    BEGIN IMMEDIATE;
                    CREATE TABLE other (id INTEGER PRIMARY KEY, name TEXT NOT NULL, visits INTEGER NOT NULL) STRICT;
                    INSERT INTO other SELECT * FROM buyers;
                    DROP TABLE buyers;
                    ALTER TABLE other RENAME TO buyers;
                    COMMIT
                    """
                )
                connection?.close()
            }
        }
        #expect(isFirst.withLock { !$0 })
        #expect(try await shop.check().isEmpty)
        #expect(try await store.everyShard.all("SELECT id FROM buyers", as: Int.self).rows.count == 100)
        await store.close()
    }

    @Test(arguments: TestEngine.moving)
    func `a row that comes before the one it follows goes with it`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await MovingShop.open(place)
        try await shop.fill(100)
        let store = shop.store
        await moveALittle(store)
        for buyer in 200..<260 {
            let shard = try store.shard(for: buyer)
            try await shard.execute("INSERT INTO \"lines\" (number, line, what) VALUES (\("early-\(buyer)"), 1, 'x')")
            try await shard.execute("INSERT INTO orders (number, buyer) VALUES (\("early-\(buyer)"), \(buyer))")
        }
        try await store.reshard(nil)
        #expect(try await shop.check().isEmpty)
        #expect(
            try await store.everyShard.all("SELECT line FROM \"lines\" WHERE number LIKE 'early%'", as: Int.self).rows
                .count
                == 60
        )
        await store.close()
    }

    @Test(arguments: TestEngine.moving)
    func `plans that cannot be are refused`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let shop = try await MovingShop.open(place)
        let store = shop.store
        #expect(await code { _ = try store.reshardPlan(shards: 0) } == .valueInvalid)
        #expect(await code { _ = try store.reshardPlan(shards: 65) } == .valueInvalid)
        #expect(await code { _ = try store.reshardPlan(slots: 60..<65, to: 0) } == .valueInvalid)
        #expect(await code { _ = try store.reshardPlan(slots: 0..<1, to: 3) } == .valueInvalid)
        #expect(await code { _ = try store.reshardPlan(name: "uk", to: 1) } == .notInMap)
        #expect(await code { try await store.reshard(nil) } == .statementInvalid)
        #expect(await code { try await store.reshardBack() } == .statementInvalid)
        await store.close()
    }

    @Test
    func `a map whose slots have moved is not opened without its table of slots`() async throws {
        let place = try TestPlace(.sqlite)
        let shop = try await MovingShop.open(place)
        try await shop.store.reshard(try shop.store.reshardPlan(shards: 3))
        await shop.store.close()
        #expect(try Files.readText(place.folder.path + "/map.json").contains("\"format\" : 2"))
        try Files.remove(place.folder.path + "/slots.map")
        #expect(await code { _ = try await MovingShop.open(place) } == .corrupt)
    }
}
