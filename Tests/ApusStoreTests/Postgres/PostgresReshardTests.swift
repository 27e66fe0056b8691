#if PostgreSQL
import ApusCore
import ApusTesting
import Testing

@testable import ApusStore

/// What keeps programs apart from a shard on PostgreSQL whose keys leave.
@Suite(.needsServer, .serialized, .timeLimit(.minutes(5)))
struct PostgresReshardTests {
    private let place: TestPlace
    private let url: String

    init() throws {
        place = try TestPlace(.postgres)
        url = try #require(place.url)
    }

    /// Moves until the first key has gone, and stands still then: the shards that are left stay open.
    private func moveALittle(_ store: Store) async throws {
        let isFirst = Lock(true)
        let work = Task {
            try await store.reshard(try store.reshardPlan(shards: 4)) { progress in
                guard !progress.isCounting, progress.rows > 0, isFirst.withLock({ $0 }) else { return }
                isFirst.withLock { $0 = false }
                withUnsafeCurrentTask { $0?.cancel() }
            }
        }
        await #expect(throws: CancellationError.self) { try await work.value }
    }

    @Test
    func `a shard that is left takes writes of those alone who have looked`() async throws {
        let shop = try await MovingShop.open(place)
        try await shop.fill(200)
        try await moveALittle(shop.store)
        let session = try TestDatabase(url).session()
        defer { session.close() }
        try session.control("SET search_path = \(place.schema(0))")
        let error = #expect(throws: StoreError.self) { try session.control("UPDATE buyers SET visits = 7") }
        #expect((error?.cause as? PostgresError)?.state == "AP001")
        // Whoever has, may, and nobody else's transaction knows of it.
        try session.control("SET apus.looked = 1")
        try session.control("UPDATE buyers SET visits = 7 WHERE id < 0")
        try await shop.store.reshard(nil)
        try session.control("SET apus.looked = 0")
        try session.control("UPDATE buyers SET visits = 7 WHERE id < 0")
        await shop.store.close()
    }

    @Test
    func `a program that believes in an old map for ever writes where its keys are all the same`() async throws {
        let shop = try await MovingShop.open(place)
        try await shop.fill(200)
        let old = try await MovingShop.open(place)
        let handles = try (0..<200).map { try old.store.shard(for: $0) }
        let shards = try (0..<2).map { try #require(try old.store.current().shards.engine($0) as? PostgresShard) }
        try await moveALittle(shop.store)
        var refused = 0
        for id in 0..<200 {
            // As if the program had looked before the shard was opened, and had been held up until now.
            for shard in shards {
                let state = ShardState(version: 0, isOpen: false, leaving: nil, departures: 0)
                shard.lease.heard(state, askedAt: SystemClock().now().nanoseconds)
            }
            let sql: SQL = "UPDATE buyers SET visits = visits + 1 WHERE id = \(id)"
            let changed =
                switch id % 3 {
                case 0: try await handles[id].execute(sql)
                case 1: try await handles[id].execute(sql, mayShare: true)
                default: try await handles[id].transaction { try $0.execute(sql) }
                }
            #expect(changed == 1, "buyer \(id)")
            refused += shards.count { $0.lease.isOpen(at: SystemClock().now().nanoseconds) }
        }
        // The other shard is not open yet, and of some keys the program has heard by now that they are elsewhere.
        #expect(refused > 50)
        try await shop.store.reshard(nil)
        let visits = try await shop.store.everyShard.all("SELECT visits FROM buyers", as: Int.self).rows
        #expect(visits == Array(repeating: 1, count: 200))
        #expect(try await shop.check() == [])
        await old.store.close()
        await shop.store.close()
    }

    @Test
    func `a connection that has been silent since a shard was opened does not outlive the move`() async throws {
        let shop = try await MovingShop.open(place)
        try await shop.fill(50)
        // A program that has looked and was stopped before it sent its write.
        let silent = try TestDatabase(url).session(schema: place.schema(0))
        defer { silent.close() }
        try silent.control("SELECT 1")
        try await shop.store.reshard(try shop.store.reshardPlan(shards: 3))
        #expect(throws: StoreError.self) { try silent.control("UPDATE buyers SET visits = 7") }
        #expect(silent.isBroken)
        let visits = try await shop.store.everyShard.all("SELECT visits FROM buyers", as: Int.self).rows
        #expect(visits == Array(repeating: 0, count: 50))
        await shop.store.close()
    }

    @Test
    func `two programs do not reshard at once, and shards come to those who had not heard of them`() async throws {
        let shop = try await MovingShop.open(place)
        try await shop.fill(100)
        let other = try await MovingShop.open(place)
        try await moveALittle(shop.store)
        let moves = try shop.store.current().resharder.site
        let claim = try await moves.claim()
        #expect(await code { try await other.store.reshard(nil) } == .busy)
        await claim.release()
        #expect(try await other.store.resharding()?.isDone == false)
        try await other.store.reshard(nil)
        // The first one has heard of shards 2 and 3, and has to learn where the rest went.
        #expect(try await shop.store.everyShard.all("SELECT id FROM buyers", as: Int.self).rows.count == 100)
        for id in 0..<100 {
            let found: Int? = try await shop.store.shard(for: id).first("SELECT id FROM buyers WHERE id = \(id)")
            #expect(found == id)
        }
        #expect(try await shop.check() == [])
        await other.store.close()
        await shop.store.close()
    }

    @Test
    func `what a dead step brought is taken away before the next question is answered`() async throws {
        // So few slots that one is not moved by one step.
        let shop = try await MovingShop.open(place, slots: 4)
        try await shop.fill(400)
        let before = try await shop.contents()
        try await moveALittle(shop.store)
        // As if the step's process had died between the two commits: its rows are on both shards.
        let store = try shop.store.current()
        let moving = try #require(store.map.table.moving)
        let from = store.map.table.shard(ofSlot: moving.slot)
        let database = try TestDatabase(url)
        let next = try #require(
            try await Answer.read(store.shards.engine(from), deadline: nil) { session -> Int? in
                let ids: [Int] = try Transaction(session).all("SELECT id FROM buyers")
                return try ids.first { try shop.store.map.slot(of: $0) == moving.slot }
            } ?? (0..<400).first { try shop.store.shard(for: $0).index == from }
        )
        let step: Int64 = try await Answer.read(store.shards.engine(from), deadline: nil) {
            try Transaction($0).first("SELECT step FROM apus_steps WHERE other = \(moving.to) AND kind = 0") ?? 0
        }
        let arrival = Arrival(
            UInt64(step + 1),
            from: from,
            slot: moving.slot,
            until: nil,
            [RowIndex.Entry(table: 0, primaryKey: [.integer(Int64(next))])],
            TableStatements.ordered(MovingShop.tables.filter { !$0.isReference })
        )
        let quoted = try arrival.text().replacing("'", with: "''")
        try database.run([
            "SET search_path = \(place.schema(moving.to))", "SET apus.looked = 1",
            "INSERT INTO buyers SELECT * FROM \(place.schema(from)).buyers WHERE id = \(next)",
            "DELETE FROM apus_steps WHERE other = \(from) AND kind = 1",
            "INSERT INTO apus_steps (other, kind, step, document) VALUES (\(from), 1, \(step + 1), '\(quoted)')",
        ])
        #expect(try await shop.contents() == before)
        #expect(try await shop.check() == [])
        try await shop.store.reshard(nil)
        #expect(try await shop.contents() == before)
        await shop.store.close()
    }

    @Test
    func `a newer program migrates while rows move`() async throws {
        let shop = try await MovingShop.open(place)
        try await shop.fill(150)
        let before = try await shop.contents()
        try await moveALittle(shop.store)
        let newer = try await MovingShop.open(place, migrations: MovingShop.migrations + [MovingShop.later])
        try await newer.store.reshard(nil)
        #expect(try await newer.contents() == before)
        #expect(try await newer.check() == [])
        let ratings = try await newer.store.everyShard.all("SELECT DISTINCT rating FROM buyers", as: Int.self).rows
        #expect(Set(ratings) == [3])
        await newer.store.close()
        await shop.store.close()
    }
}
#endif
