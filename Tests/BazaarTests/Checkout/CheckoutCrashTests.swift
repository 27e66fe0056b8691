import Apus
import Testing

@testable import Bazaar

@Suite struct CheckoutCrashTests {
    /// Sweeps, with time passing, until nothing is left to do.
    private func settle(_ shop: TestShop) async throws {
        for _ in 0..<3 {
            shop.clock.turn(StoreCheckout.holdSeconds + Sweeper.leaseSeconds + 1)
            #expect(await shop.sweeper.sweep().failed == 0)
        }
    }

    private func books(_ shop: TestShop, sold: [Int]) async throws {
        for (product, sold) in zip([TestShop.mug, TestShop.heart, TestShop.bag], sold) {
            let expected = TestShop.Count(stock: TestShop.stock - sold, reserved: 0, sold: sold)
            #expect(try await shop.count(product) == expected, "\(product)")
        }
    }

    @Test(arguments: 1...10, [false, true])
    func `whatever step a process dies at, the books balance and an acknowledged order is there once`(
        fatal: Int,
        diesAfterWork: Bool
    ) async throws {
        let shop = try await TestShop()
        let request = shop.request(try await shop.cart())
        let mortal = WatchedSteps.mortal(shop.checkout, fatal: fatal, diesAfterWork: diesAfterWork)
        let acknowledged = try? await CheckoutWalk(steps: mortal).run(request)
        // The sweeper comes before the buyer does, or after.
        try await settle(shop)
        if let acknowledged { #expect(try await shop.filed() == [acknowledged.order.number]) }
        // The buyer tries again with the same key and gets one order, the same one if it was acknowledged.
        let placed = try await shop.buy(request)
        if let acknowledged { #expect(placed == acknowledged) }
        try await settle(shop)
        #expect(try await shop.filed() == [placed.order.number])
        #expect(try await shop.carts.cart(request.cart).lines.isEmpty)
        try await books(shop, sold: [2, 3, 1])
        try await shop.end()
    }

    @Test(arguments: 1...10, [false, true])
    func `whatever step it dies at, the buyer may come back before the sweeper`(
        fatal: Int,
        diesAfterWork: Bool
    ) async throws {
        let shop = try await TestShop()
        let request = shop.request(try await shop.cart())
        let mortal = WatchedSteps.mortal(shop.checkout, fatal: fatal, diesAfterWork: diesAfterWork)
        let acknowledged = try? await CheckoutWalk(steps: mortal).run(request)
        // At once: a retry after a crash waits for nobody.
        let placed = try await shop.buy(request)
        if let acknowledged { #expect(placed == acknowledged) }
        try await settle(shop)
        #expect(try await shop.filed() == [placed.order.number])
        try await books(shop, sold: [2, 3, 1])
        try await shop.end()
    }

    @Test(arguments: 1...8, [false, true])
    func `dying while a sold-out checkout is given up leaves no piece reserved`(
        fatal: Int,
        diesAfterWork: Bool
    ) async throws {
        let shop = try await TestShop()
        // Bags come last of the three, so the others are reserved already.
        let request = shop.request(try await shop.cart(bags: TestShop.stock + 1))
        let mortal = WatchedSteps.mortal(shop.checkout, fatal: fatal, diesAfterWork: diesAfterWork)
        await #expect(throws: (any Error).self) { try await CheckoutWalk(steps: mortal).run(request) }
        try await settle(shop)
        #expect(try await shop.filed().isEmpty)
        try await books(shop, sold: [0, 0, 0])
        #expect(try await shop.carts.cart(request.cart).pieces == 2 + 3 + 11)
        try await shop.end()
    }

    @Test(arguments: 1...6, [false, true])
    func `a sweeper that dies leaves its work to the next`(fatal: Int, diesAfterWork: Bool) async throws {
        let shop = try await TestShop()
        let request = shop.request(try await shop.cart())
        // Dies right after the order was placed: claim, look, reservations on two shards, commit.
        let mortal = WatchedSteps.mortal(shop.checkout, fatal: 5, diesAfterWork: true)
        _ = try? await CheckoutWalk(steps: mortal).run(request)
        shop.clock.turn(StoreCheckout.holdSeconds + 1)
        let dying = WatchedSteps.mortal(shop.checkout, fatal: fatal, diesAfterWork: diesAfterWork)
        _ = await Sweeper(store: shop.store, clock: shop.clock, steps: dying).sweep()
        try await settle(shop)
        #expect(try await shop.filed().count == 1)
        try await books(shop, sold: [2, 3, 1])
        try await shop.end()
    }

    @Test func `a slow checkout that was given up meanwhile buys nothing`() async throws {
        let shop = try await TestShop()
        let request = shop.request(try await shop.cart())
        let claim = try await shop.checkout.claim(request)
        #expect(try await shop.checkout.reserve(claim, claim.draft.categories) == [.kitchen, .lighting])
        #expect(try await shop.checkout.reserve(claim, [.bags]) == [.bags])
        shop.clock.turn(StoreCheckout.holdSeconds + 1)
        _ = await shop.sweeper.sweep()
        #expect(try await shop.checkout.commit(claim) == .wasGivenUp)
        await #expect(throws: ShopError.conflict) { try await shop.checkout.reserve(claim, [.kitchen]) }
        try await books(shop, sold: [0, 0, 0])
        try await shop.end()
    }
}
