import Apus
import Testing

@testable import Bazaar

/// Steps that let somebody else go first, once, before or after the `chosen`-th one.
final class OvertakenSteps: CheckoutSteps {
    private let steps: any CheckoutSteps
    private let chosen: Int
    private let isAfterWork: Bool
    private let overtake: @Sendable () async throws -> Void
    private let taken = Lock(0)

    init(
        _ steps: any CheckoutSteps,
        at chosen: Int,
        afterWork: Bool,
        _ overtake: @escaping @Sendable () async throws -> Void
    ) {
        self.steps = steps
        self.chosen = chosen
        isAfterWork = afterWork
        self.overtake = overtake
    }

    private func step<T: Sendable>(_ work: () async throws -> T) async throws -> T {
        let number = taken.withLock { taken in
            taken += 1
            return taken
        }
        if number == chosen && !isAfterWork { try await overtake() }
        let result = try await work()
        if number == chosen && isAfterWork { try await overtake() }
        return result
    }

    func claim(_ request: CheckoutRequest) async throws -> Claim { try await step { try await steps.claim(request) } }
    func renew(_ claim: Claim) async throws -> Claim { try await step { try await steps.renew(claim) } }
    func look(_ claim: Claim) async throws -> CheckoutMachine.Standing {
        try await step { try await steps.look(claim) }
    }
    func reserve(_ claim: Claim, _ category: Bazaar.Category) async throws {
        try await step { try await steps.reserve(claim, category) }
    }
    func commit(_ claim: Claim) async throws -> CheckoutMachine.Event {
        try await step { try await steps.commit(claim) }
    }
    func confirm(_ placed: PlacedOrder, _ category: Bazaar.Category) async throws {
        try await step { try await steps.confirm(placed, category) }
    }
    func file(_ placed: PlacedOrder) async throws { try await step { try await steps.file(placed) } }
    func finish(_ placed: PlacedOrder) async throws { try await step { try await steps.finish(placed) } }
    func giveUp(number: String, cart: String) async throws -> CheckoutMachine.Event {
        try await step { try await steps.giveUp(number: number, cart: cart) }
    }
    func release(number: String, cart: String, _ category: Bazaar.Category) async throws {
        try await step { try await steps.release(number: number, cart: cart, category) }
    }
}

/// Two requests with one key at the same time: the edge repeats a request whose replica died, or a button is pressed twice.
@Suite struct CheckoutTogetherTests {
    @Test(arguments: 1...11, [false, true])
    func `a request overtaken at any step by another with its key gets the same order`(
        step: Int,
        isAfterWork: Bool
    ) async throws {
        let shop = try await TestShop()
        let request = shop.request(try await shop.cart())
        let second = Lock<PlacedOrder?>(nil)
        let steps = OvertakenSteps(shop.checkout, at: step, afterWork: isAfterWork) {
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

    @Test(arguments: 1...9, [false, true])
    func `two that find the cart sold out are both refused, whoever is first, and nothing stays reserved`(
        step: Int,
        isAfterWork: Bool
    ) async throws {
        let shop = try await TestShop()
        // Bags come last of the three, so the others are reserved already.
        let request = shop.request(try await shop.cart(bags: TestShop.stock + 1))
        let steps = OvertakenSteps(shop.checkout, at: step, afterWork: isAfterWork) {
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
        let steps = OvertakenSteps(shop.checkout, at: step, afterWork: isAfterWork) {
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
