import Apus
import Testing

@testable import Bazaar

/// The process died here: nothing after it runs.
struct Crash: Error {}

/// Steps that work until the `fatal`-th one; that one dies before or after its work, and everything later is dead too.
final class MortalSteps: CheckoutSteps {
    private let steps: any CheckoutSteps
    private let fatal: Int
    private let diesAfterWork: Bool
    private let taken = Lock(0)

    init(_ steps: any CheckoutSteps, fatal: Int, diesAfterWork: Bool) {
        self.steps = steps
        self.fatal = fatal
        self.diesAfterWork = diesAfterWork
    }

    var count: Int { taken.withLock { $0 } }

    private func step<T: Sendable>(_ work: () async throws -> T) async throws -> T {
        let number = taken.withLock { taken in
            taken += 1
            return taken
        }
        if number > fatal || number == fatal && !diesAfterWork { throw Crash() }
        let result = try await work()
        if number == fatal { throw Crash() }
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

    @Test(arguments: 1...12, [false, true])
    func `whatever step a process dies at, the books balance and an acknowledged order is there once`(
        fatal: Int,
        diesAfterWork: Bool
    ) async throws {
        let shop = try await TestShop()
        let request = shop.request(try await shop.cart())
        let mortal = MortalSteps(shop.checkout, fatal: fatal, diesAfterWork: diesAfterWork)
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

    @Test(arguments: 1...12, [false, true])
    func `whatever step it dies at, the buyer may come back before the sweeper`(
        fatal: Int,
        diesAfterWork: Bool
    ) async throws {
        let shop = try await TestShop()
        let request = shop.request(try await shop.cart())
        let mortal = MortalSteps(shop.checkout, fatal: fatal, diesAfterWork: diesAfterWork)
        let acknowledged = try? await CheckoutWalk(steps: mortal).run(request)
        // At once: a retry after a crash waits for nobody.
        let placed = try await shop.buy(request)
        if let acknowledged { #expect(placed == acknowledged) }
        try await settle(shop)
        #expect(try await shop.filed() == [placed.order.number])
        try await books(shop, sold: [2, 3, 1])
        try await shop.end()
    }

    @Test(arguments: 1...9, [false, true])
    func `dying while a sold-out checkout is given up leaves no piece reserved`(
        fatal: Int,
        diesAfterWork: Bool
    ) async throws {
        let shop = try await TestShop()
        // Bags come last of the three, so the others are reserved already.
        let request = shop.request(try await shop.cart(bags: TestShop.stock + 1))
        let mortal = MortalSteps(shop.checkout, fatal: fatal, diesAfterWork: diesAfterWork)
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
        // Dies right after the order was placed: claim, look, three reservations, commit.
        let mortal = MortalSteps(shop.checkout, fatal: 6, diesAfterWork: true)
        _ = try? await CheckoutWalk(steps: mortal).run(request)
        shop.clock.turn(StoreCheckout.holdSeconds + 1)
        let dying = MortalSteps(shop.checkout, fatal: fatal, diesAfterWork: diesAfterWork)
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
        for category in claim.draft.categories { try await shop.checkout.reserve(claim, category) }
        shop.clock.turn(StoreCheckout.holdSeconds + 1)
        _ = await shop.sweeper.sweep()
        #expect(try await shop.checkout.commit(claim) == .wasGivenUp)
        await #expect(throws: ShopError.conflict) { try await shop.checkout.reserve(claim, .kitchen) }
        try await books(shop, sold: [0, 0, 0])
        try await shop.end()
    }
}
