import ApusDashboard
import ApusTesting
import Glibc
import Testing

@testable import Apus
@testable import Bazaar

extension Faults {
    @Suite struct CheckoutKillTests {
        @Test func `whatever is killed during checkouts, each acknowledged order is there once and stock adds up`()
            async throws
        {
            try await run(count: TestRun.rounds, areShardsMoving: false)
        }

        @Test func `the same while rows move to other shards and back, and what moves them is killed too`() async throws
        {
            try await run(count: max(3, TestRun.rounds / 4), areShardsMoving: true)
        }

        private func run(count: Int, areShardsMoving: Bool) async throws {
            let seed = TestRun.seed
            let hint =
                "seed \(seed); to repeat: APUS_TEST_ROUNDS=\(count) ./apus test --filter CheckoutKillTests --seed \(seed)"
            print("checkouts with kills: \(count) rounds, \(hint)")
            try await withFolder { folder, loop in
                let rounds = try await KillRounds(folder, seed: seed, on: loop)
                do {
                    try await rounds.during(areShardsMoving) {
                        for number in 0..<count { try await rounds.round(number) }
                        try await rounds.settle()
                    }
                } catch {
                    Issue.record("round \(rounds.number): \(error); \(hint)")
                }
                try await rounds.end()
                let books = try await ShopBooks(folder)
                let acknowledged = rounds.buyers.compactMap(\.placed)
                books.check(start: rounds.start, acknowledged: acknowledged, "\(hint)")
                print(
                    """
                    checkouts with kills: \(rounds.buyers.count) buyers, \(acknowledged.count) orders, \
                    \(rounds.buyers.count { $0.refusal != nil }) refused, \(rounds.attempts) attempts; \
                    killed \(rounds.killed.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })\
                    \(areShardsMoving ? ", \(rounds.moves) moves of shards came to their end" : "")
                    """
                )
                // Nothing is proven by rounds in which nobody bought.
                #expect(acknowledged.count >= count, "\(hint)")
            }
        }
    }

    /// Rounds in each of which some customers buy and one process is killed.
    //
    // `@unchecked Sendable` is sound because it is used on its loop alone.
    final class KillRounds: @unchecked Sendable {
        static let buyersPerRound = 6
        /// Longest time from the first request of a round to its kill.
        private static let fuseMilliseconds = 400
        private static let victims =
            ["storefront", "catalogue", "carts", "orders"].flatMap { ["\($0)/0", "\($0)/1"] } + [
                "edge/0", "supervisor",
            ]

        private(set) var buyers: [Buyer] = []
        private(set) var killed: [String: Int] = [:]
        private(set) var attempts = 0
        /// Plans that moved all they wanted to.
        private(set) var moves = 0
        private(set) var number = 0
        /// Pieces of each product at the beginning.
        let start: [String: Int]
        private let products: [String]
        private let folder: ShopFolder
        private let loop: EventLoop
        private var random: SeededRandom
        /// What moves shards has choices of its own: it goes on beside the rounds, at its own pace.
        private var randomMoves: SeededRandom
        private var shop: RunningShop

        init(_ folder: ShopFolder, seed: UInt64, on loop: EventLoop) async throws {
            self.folder = folder
            self.loop = loop
            random = SeededRandom(seed: seed)
            randomMoves = SeededRandom(seed: seed ^ 0x5EED)
            shop = try await RunningShop(in: folder, on: loop)
            let client = Client(try shop.address, on: loop)
            defer { client.close() }
            let catalogue = try await client.catalogue().sorted { $0.id < $1.id }
            products = catalogue.map(\.id)
            start = Dictionary(uniqueKeysWithValues: catalogue.map { ($0.id, $0.available) })
        }

        /// Does something, while rows move to more and to fewer shards where that is asked for.
        func during(_ areShardsMoving: Bool, _ body: () async throws -> Void) async throws {
            guard areShardsMoving else { return try await body() }
            let moving = Task(executorPreference: loop) { [self] in
                while !Task.isCancelled { try await move() }
            }
            do { try await body() } catch {
                moving.cancel()
                throw error
            }
            moving.cancel()
            try await moving.value
        }

        /// Goes on with what is under way, or begins something new; it is killed after a while, unless it is done by then.
        private func move() async throws {
            let fuse = Int.random(in: 200...4_000, using: &randomMoves)
            let status = try await shop.command(["store", "status", "--json"], within: .seconds(20))
            guard status.code == 0 else { throw KillFault(what: "store status: \(status.errors)") }
            let store = try JSONDocument.decode(StoreStatus.self, from: status.output.utf8)
            let wish =
                switch store.resharding?.isDone {
                case false: ["--continue"]
                case true: [Bool.random(using: &randomMoves) ? "--back" : "--finish"]
                default: ["--to", store.shards.count { $0.slots > 0 } == 4 ? "6" : "4"]
                }
            let moved = try await shop.command(["store", "reshard"] + wish, within: .milliseconds(fuse))
            switch moved.code {
            case 0: moves += wish == ["--finish"] ? 0 : 1
            case 128 + SIGKILL: killed["reshard", default: 0] += 1
            default: throw KillFault(what: "store reshard \(wish): \(moved.code), \(moved.errors)")
            }
        }

        func round(_ number: Int) async throws {
            self.number = number
            // All choices first, so that the seed decides them whatever the requests do.
            let victim = Self.victims[Int.random(in: 0..<Self.victims.count, using: &random)]
            let fuse = Int.random(in: 0..<Self.fuseMilliseconds, using: &random)
            let fresh = (0..<Self.buyersPerRound).map { index in
                let lines = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                    (
                        product: products[Int.random(in: 0..<products.count, using: &random)],
                        quantity: Int.random(in: 1...3, using: &random)
                    )
                }
                return (buyer: Buyer(number * Self.buyersPerRound + index), lines: lines)
            }
            buyers += fresh.map(\.buyer)
            let pid = try await self.pid(of: victim)
            let address = try shop.address
            let buying = fresh.map { one in
                Task(executorPreference: loop) { [self] in
                    let client = Client(address, on: loop)
                    defer { client.close() }
                    await one.buyer.fill(one.lines, client)
                    await buy(one.buyer, client, tries: 3)
                }
            }
            try await loop.sleep(for: .milliseconds(fuse))
            kill(pid, SIGKILL)
            killed[String(victim.prefix { $0 != "/" }), default: 0] += 1
            for one in buying { await one.value }
            if victim == "supervisor" { try await startAgain() }
            guard try await shop.heals(from: pid, within: .seconds(20)) else {
                throw KillFault(what: "\(victim) does not come back: \(shop.errors.suffix(500))")
            }
            try await replay(fresh.map(\.buyer))
        }

        /// Tries to buy, as a customer does who is not told that it worked.
        private func buy(_ buyer: Buyer, _ client: Client, tries: Int) async {
            for _ in 0..<tries where buyer.placed == nil && buyer.refusal == nil {
                attempts += 1
                if await buyer.checkOut(client, within: .seconds(5)).status == 201 { return }
                try? await loop.sleep(for: .milliseconds(50))
            }
        }

        /// Those who have an order get the same one again.
        private func replay(_ some: [Buyer]) async throws {
            let client = Client(try shop.address, on: loop)
            defer { client.close() }
            for buyer in some where buyer.placed != nil {
                let outcome = await buyer.checkOut(client)
                #expect(outcome.status == 201, "round \(number), a replay: \(outcome)")
            }
        }

        private func pid(of victim: String) async throws -> Int32 {
            if victim == "supervisor" { return shop.process.pid }
            let part = try await shop.parts().first { "\($0.name)/\($0.replica)" == victim }
            return try #require(part?.pid)
        }

        private func startAgain() async throws {
            let pids = shop.pids
            try await shop.kill()
            guard try await loop.haveEnded(pids, within: .seconds(15))
            else {
                throw KillFault(what: "processes outlive their supervisor")
            }
            shop = try await RunningShop(in: folder, on: loop)
            guard shop.report != nil else { throw KillFault(what: "no start after a kill: \(shop.errors)") }
        }

        /// Everyone who does not know yet asks until they do; then all orders can be seen.
        func settle() async throws {
            let client = Client(try shop.address, on: loop)
            defer { client.close() }
            let open = buyers.filter { $0.placed == nil && $0.refusal == nil }
            let areSettled = try await loop.eventually(within: .seconds(40)) {
                for buyer in open { await buy(buyer, client, tries: 1) }
                return open.allSatisfy { $0.placed != nil || $0.refusal != nil }
            }
            #expect(areSettled, "some keys never get an answer")
            try await replay(buyers)
            // The sweeper files what a crash kept from being filed.
            var unseen = buyers
            let areSeen = try await loop.eventually(within: .seconds(60)) {
                var rest: [Buyer] = []
                for buyer in unseen {
                    if let status = await buyer.look(client)?.status, status != 200 { rest.append(buyer) }
                }
                unseen = rest
                return rest.isEmpty
            }
            #expect(areSeen, "orders that cannot be seen: \(unseen.compactMap { $0.placed?.number })")
        }

        /// Ends the system, one way or the other.
        func end() async throws {
            if Bool.random(using: &random) {
                shop.process.signal(SIGTERM)
                #expect(await shop.ends(within: .seconds(30)).code == 0, "\(shop.errors)")
            }
            let pids = shop.pids
            try await shop.kill()
            #expect(try await loop.haveEnded(pids, within: .seconds(15)))
        }
    }

    struct KillFault: Error, CustomStringConvertible {
        let what: String
        var description: String { what }
    }
}
