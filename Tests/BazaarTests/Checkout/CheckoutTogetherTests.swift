import Apus
import Testing

@testable import Bazaar

/// Two requests with one key at the same time: the edge repeats a request whose replica died, or a button is pressed twice.
@Suite struct CheckoutTogetherTests {
    @Test(arguments: 1...9, [false, true])
    func `a request overtaken at any step by another with its key gets the same order`(
        step: Int,
        isAfterWork: Bool
    ) async throws {
        let shop = try await TestShop()
        let request = shop.request(try await shop.cart())
        let second = Lock<PlacedOrder?>(nil)
        let steps = WatchedSteps.overtaken(shop.checkout, at: step, afterWork: isAfterWork) {
            let placed = try await shop.buy(request)
            second.withLock { $0 = placed }
        }
        let first = try await CheckoutWalk(steps: steps).run(request)
        #expect(second.withLock { $0 } == first)
        #expect(try await shop.filed() == [first.order.number])
        for (product, sold) in zip([TestShop.mug, TestShop.heart, TestShop.bag], [2, 3, 1]) {
            #expect(try await shop.count(product) == .init(stock: TestShop.stock - sold, reserved: 0, sold: sold))
        }
        #expect(try await shop.carts.cart(request.cart).lines.isEmpty)
        try await shop.end()
    }

    @Test(arguments: 1...7, [false, true])
    func `two that find the cart sold out are both refused, whoever is first, and nothing stays reserved`(
        step: Int,
        isAfterWork: Bool
    ) async throws {
        let shop = try await TestShop()
        // Bags come last of the three, so the others are reserved already.
        let request = shop.request(try await shop.cart(bags: TestShop.stock + 1))
        let steps = WatchedSteps.overtaken(shop.checkout, at: step, afterWork: isAfterWork) {
            await #expect(throws: ShopError.self) { try await shop.buy(request) }
        }
        let error = await #expect(throws: ShopError.self) { try await CheckoutWalk(steps: steps).run(request) }
        #expect([.outOfStock, .conflict].contains(error?.code))
        #expect(try await shop.filed().isEmpty)
        for product in [TestShop.mug, TestShop.heart, TestShop.bag] {
            #expect(try await shop.count(product) == .init(stock: TestShop.stock, reserved: 0, sold: 0))
        }
        try await shop.end()
    }

    @Test(arguments: 1...4, [false, true])
    func `two that begin a new attempt with a key whose first was sold out buy once`(
        step: Int,
        isAfterWork: Bool
    ) async throws {
        let shop = try await TestShop()
        let request = shop.request(try await shop.cart(bags: TestShop.stock + 1))
        await #expect(throws: ShopError.self) { try await shop.buy(request) }
        _ = try await shop.carts.set(TestShop.bag, quantity: 1, in: request.cart)
        let second = Lock<PlacedOrder?>(nil)
        // Claim, look, renew, look: the new attempt is made by the one or by the other.
        let steps = WatchedSteps.overtaken(shop.checkout, at: step, afterWork: isAfterWork) {
            let placed = try await shop.buy(request)
            second.withLock { $0 = placed }
        }
        let first = try await CheckoutWalk(steps: steps).run(request)
        #expect(second.withLock { $0 } == first)
        #expect(try await shop.filed() == [first.order.number])
        #expect(try await shop.count(TestShop.bag).sold == 1)
        try await shop.end()
    }
}
