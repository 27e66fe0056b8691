import ApusCore
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusStore

/// Keys that are unique over all shards, on every engine.
@Suite(.timeLimit(.minutes(5)))
struct UniqueIndexContractTests {
    @Test(arguments: TestEngine.withCitus)
    func `an entry has one owner, moves with it, and is free again when it is given back`(engine: TestEngine)
        async throws
    {
        let shop = try await MailShop.open(try TestPlace(engine))
        for id in 0..<12 { try await shop.join(id, "\(id)@example.org") }
        for id in 0..<12 { #expect(try await shop.owner("\(id)@example.org") == id) }
        #expect(try await shop.owner("nobody@example.org") == nil)

        let taken = await code { try await shop.join(100, "3@example.org") }
        #expect(taken == .uniqueViolation)
        #expect(try await shop.customers()[100] == nil)
        #expect(try await shop.owner("3@example.org") == 3)

        try await shop.move(3, from: "3@example.org", to: "three/\"ü\"@example.org")
        #expect(try await shop.owner("3@example.org") == nil)
        #expect(try await shop.owner("three/\"ü\"@example.org") == 3)
        try await shop.join(100, "3@example.org")
        #expect(try await shop.owner("3@example.org") == 100)

        let others = await code { try await shop.move(4, from: "3@example.org", to: "new@example.org") }
        #expect(others == .rowMissing)
        let both = await code { try await shop.move(4, from: "4@example.org", to: "5@example.org") }
        #expect(both == .uniqueViolation)
        #expect(try await shop.owner("4@example.org") == 4)

        try await shop.leave(5, "5@example.org")
        #expect(try await shop.owner("5@example.org") == nil)
        try await shop.move(4, from: "4@example.org", to: "5@example.org")
        #expect(try await shop.differences() == [])
        // Nothing is left under way, and nothing to be settled.
        #expect(try await shop.index.repair(in: shop.store) == 0)
        let left = try await shop.store.everyShard.all(
            "SELECT count(*) FROM customers_by_mail_claims WHERE state <> 2",
            as: Int.self
        )
        #expect(left.rows.reduce(0, +) == 0)
        await shop.store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `what the owner's transaction refuses leaves the entry free`(engine: TestEngine) async throws {
        struct Refused: Error {}
        let shop = try await MailShop.open(try TestPlace(engine))
        try await shop.join(1, "a@example.org")
        await #expect(throws: Refused.self) {
            try await shop.index.claim("b@example.org", for: 2, in: shop.store) { _ in throw Refused() }
        }
        #expect(try await shop.owner("b@example.org") == nil)
        // The customer is there: the row's own key refuses it.
        let twice = await code { try await shop.join(1, "b@example.org") }
        #expect(twice == .uniqueViolation)
        await #expect(throws: Refused.self) {
            try await shop.index.release("a@example.org", by: 1, in: shop.store) { _ in throw Refused() }
        }
        #expect(try await shop.owner("a@example.org") == 1)
        try await shop.join(2, "b@example.org")
        let long = await code { try await shop.join(3, String(repeating: "x", count: 300)) }
        #expect(long == .valueInvalid)
        #expect(try await shop.differences() == [])
        await shop.store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `of many who want one entry at once one gets it`(engine: TestEngine) async throws {
        let shop = try await MailShop.open(try TestPlace(engine))
        for round in 0..<5 {
            let mail = "all-\(round)@example.org"
            let winners = try await withThrowingTaskGroup(of: Int?.self) { group in
                for id in 0..<8 {
                    group.addTask {
                        do {
                            try await shop.join(round * 100 + id, mail)
                            return id
                        } catch let error as StoreError where error.code == .uniqueViolation || error.code == .busy {
                            return nil
                        }
                    }
                }
                return try await group.reduce(into: [Int]()) { if let id = $1 { $0.append(id) } }
            }
            #expect(winners.count == 1)
            #expect(try await shop.owner(mail) == winners.first.map { round * 100 + $0 })
        }
        #expect(try await shop.differences() == [])
        await shop.store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `given back by many at once, an entry is given back once, and leads to nobody from then on`(
        engine: TestEngine
    ) async throws {
        let shop = try await MailShop.open(try TestPlace(engine))
        for round in 0..<5 {
            try await shop.join(round, "a@example.org")
            let count = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        do {
                            try await shop.leave(round, "a@example.org")
                            return 1
                        } catch let error as StoreError where error.code == .rowMissing || error.code == .busy {
                            // Whoever hears that the owner has it not any more finds it so.
                            if error.code == .rowMissing, try await shop.owner("a@example.org") != nil { return 100 }
                            return 0
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(count == 1)
            #expect(try await shop.owner("a@example.org") == nil)
        }
        #expect(try await shop.differences() == [])
        await shop.store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `what began to be given back and was taken for dead is not given back any more`(engine: TestEngine)
        async throws
    {
        let clock = ManualClock()
        let shop = try await MailShop.open(try TestPlace(engine), patience: .seconds(10), clock: clock)
        try await shop.join(1, "a@example.org")
        // Left under way: marked, and no more.
        try await shop.store.shard(for: "a@example.org").execute(
            """
            UPDATE customers_by_mail SET state = 3, since = \(clock.wallNanoseconds() / 1_000_000)
            WHERE entry = '"a@example.org"'
            """
        )
        let early = await code { try await shop.leave(1, "a@example.org") }
        #expect(early == .busy)
        #expect(try await shop.owner("a@example.org") == 1)
        let before = try await shop.store.everyShard.all("SELECT since FROM customers_by_mail_claims", as: Int64.self)
            .rows
        clock.advance(by: .seconds(11))
        #expect(try await shop.index.repair(in: shop.store) == 1)
        let after = try await shop.store.everyShard.all("SELECT since FROM customers_by_mail_claims", as: Int64.self)
            .rows
        // By this number the one that began knows that it is too late.
        #expect(after == before.map { $0 + 1 } && after.count == 1)
        #expect(try await shop.owner("a@example.org") == 1)
        try await shop.leave(1, "a@example.org")
        #expect(try await shop.owner("a@example.org") == nil)
        let itself = await code { try await shop.move(1, from: "b", to: "b") }
        #expect(itself == .valueInvalid)
        await shop.store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `a claim that its maker left under way is settled by the next who wants it, and cannot be made any more`(
        engine: TestEngine
    ) async throws {
        let clock = ManualClock()
        let shop = try await MailShop.open(try TestPlace(engine), patience: .seconds(10), clock: clock)
        let (reached, goOn) = (Lock(false), Monitor(false))
        let index = shop.index
        // The owner's transaction hangs: not in the database, where it would keep others out, but before it.
        let late = Task {
            let slow = StandingStill(reached: reached, goOn: goOn)
            return try await index.claim("a@example.org", for: 1, in: shop.store, deadline: .seconds(250)) {
                transaction in
                try slow.once()
                try transaction.execute("INSERT INTO customers (id, mail) VALUES (1, 'a@example.org')")
            }
        }
        await eventually { reached.withLock { $0 } }
        let young = await code { try await shop.join(2, "a@example.org") }
        #expect(young == .busy)
        #expect(try await shop.owner("a@example.org") == nil)
        goOn.withLock { $0 = true }
        goOn.broadcast()
        try await late.value
        #expect(try await shop.owner("a@example.org") == 1)

        // One that reserved and died.
        let dead = Standing(
            entry: "\"b@example.org\"",
            owner: "3",
            token: "dead",
            state: .claiming,
            since: clock.wallNanoseconds() / 1_000_000
        )
        try await shop.store.shard(for: "b@example.org").execute(
            """
            INSERT INTO customers_by_mail (entry, owner, token, state, since)
            VALUES (\(dead.entry), \(dead.owner), \(dead.token), 1, \(dead.since))
            """
        )
        let early = await code { try await shop.join(2, "b@example.org") }
        #expect(early == .busy)
        clock.advance(by: .seconds(11))
        try await shop.join(2, "b@example.org")
        #expect(try await shop.owner("b@example.org") == 2)
        // Whoever was dead comes back: its token is void.
        let state: Int? = try await shop.store.shard(for: 3).first(
            "SELECT state FROM customers_by_mail_claims WHERE token = 'dead'"
        )
        #expect(state == Standing.State.void.rawValue)
        clock.advance(by: .seconds(100_000))
        try await index.repair(in: shop.store)
        let left = try await shop.store.everyShard.all(
            "SELECT count(*) FROM customers_by_mail_claims WHERE state = 5",
            as: Int.self
        )
        #expect(left.rows.reduce(0, +) == 0)
        #expect(try await shop.differences() == [])
        await shop.store.close()
    }
}

/// Stands still the first time it is asked, until it may go on.
private struct StandingStill: Sendable {
    let reached: Lock<Bool>
    let goOn: Monitor<Bool>

    func once() throws {
        let isFirst = reached.withLock { reached in
            defer { reached = true }
            return !reached
        }
        if isFirst { _ = goOn.wait { $0 ? true : nil } }
    }
}
