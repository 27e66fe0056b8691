import Apus
import Testing

@testable import Bazaar

@Suite struct CheckoutTests {
    @Test func `buying takes stock, empties the cart and files the order`() async throws {
        let shop = try await TestShop()
        let cart = try await shop.cart()
        let placed = try await shop.buy(shop.request(cart))
        #expect(placed.order.goods == Money(mills: 2 * 12_750 + 3 * 2_950 + 2_080))
        #expect(placed.order.postage == Postage.britain)
        #expect(placed.secret.utf8.count == 32)
        #expect(try await shop.count(TestShop.mug) == TestShop.Count(stock: 8, reserved: 0, sold: 2))
        #expect(try await shop.carts.cart(cart).lines.isEmpty)
        #expect(try await shop.filed() == [placed.order.number])
        let number = try #require(OrderNumber(placed.order.number))
        let filed = try #require(try await OrderTable(store: shop.store).order(number))
        #expect(filed.order == placed.order)
        #expect(filed.secret == placed.secret)
        try await shop.end()
    }

    @Test func `the same key twice is one order, and the answer is the same`() async throws {
        let shop = try await TestShop()
        let request = shop.request(try await shop.cart())
        let first = try await shop.buy(request)
        #expect(try await shop.buy(request) == first)
        shop.clock.turn(3_600)
        #expect(try await shop.buy(request) == first)
        #expect(try await shop.count(TestShop.mug).sold == 2)
        try await shop.end()
    }

    @Test func `the same key with another address, country, cart or version is refused`() async throws {
        let shop = try await TestShop()
        let cart = try await shop.cart()
        let request = shop.request(cart)
        _ = try await shop.buy(request)
        var versioned = request
        versioned.version = 3
        let others = [
            shop.request(cart, name: "Charles Babbage"), shop.request(cart, country: "France"),
            shop.request(try await shop.cart()), versioned,
        ]
        for other in others {
            await #expect(throws: ShopError.keyReused) { try await shop.buy(other) }
        }
        #expect(try await shop.filed().count == 1)
        try await shop.end()
    }

    @Test func `many at once with one key buy once, and all hear of the same order`() async throws {
        let shop = try await TestShop()
        let request = shop.request(try await shop.cart())
        let placed = try await withThrowingTaskGroup(of: PlacedOrder.self) { group in
            for _ in 0..<16 { group.addTask { try await shop.buy(request) } }
            return try await group.reduce(into: Set<PlacedOrder>()) { $0.insert($1) }
        }
        #expect(placed.count == 1)
        #expect(try await shop.count(TestShop.heart) == TestShop.Count(stock: 7, reserved: 0, sold: 3))
        try await shop.end()
    }

    @Test func `many buyers of the last pieces never take stock below zero`() async throws {
        let shop = try await TestShop()
        let sold = try await withThrowingTaskGroup(of: Bool.self) { group in
            for buyer in 0..<20 {
                let cart = try await shop.cart(mugs: 0, hearts: 1, bags: 3)
                group.addTask {
                    do {
                        _ = try await shop.buy(shop.request(cart, key: "key-\(buyer)"))
                        return true
                    } catch let error as ShopError where error.code == .outOfStock {
                        return false
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(sold == 3)
        #expect(try await shop.count(TestShop.bag) == TestShop.Count(stock: 1, reserved: 0, sold: 9))
        #expect(try await shop.count(TestShop.heart) == TestShop.Count(stock: 7, reserved: 0, sold: 3))
        try await shop.end()
    }

    @Test func `departments that share a shard are one transaction, of which all holds or nothing`() async throws {
        let shop = try await TestShop()
        let shards = try TestShop.departments.map { try shop.store.shard(for: CategoryKey(category: $0)).index }
        #expect(shards[0] == shards[1] && shards[1] != shards[2], "mugs and hearts lie together, bags elsewhere")
        let steps = WatchedSteps.counted(shop.checkout)
        _ = try await CheckoutWalk(steps: steps).run(shop.request(try await shop.cart()))
        // Claim, look, two reservations, commit, two confirmations, file, finish.
        #expect(steps.count == 9)
        // Mugs are there and hearts are not: neither is held, whoever dies before the release.
        let claim = try await shop.checkout.claim(shop.request(try await shop.cart(hearts: 8), key: "key-2"))
        await #expect(throws: ShopError.outOfStock("lighting-85123A", left: 7)) {
            try await shop.checkout.reserve(claim, claim.draft.categories)
        }
        #expect(try await shop.count(TestShop.mug) == TestShop.Count(stock: 8, reserved: 0, sold: 2))
        // Taken twice, a step changes nothing.
        let other = try await shop.checkout.claim(shop.request(try await shop.cart(), key: "key-3"))
        for _ in 0..<2 {
            #expect(try await shop.checkout.reserve(other, other.draft.categories) == [.kitchen, .lighting])
        }
        #expect(try await shop.count(TestShop.mug) == TestShop.Count(stock: 6, reserved: 2, sold: 2))
        for _ in 0..<2 {
            _ = try await shop.checkout.release(
                number: other.draft.order.number,
                cart: other.cart,
                [.lighting, .kitchen]
            )
        }
        #expect(try await shop.count(TestShop.mug) == TestShop.Count(stock: 8, reserved: 0, sold: 2))
        try await shop.end()
    }

    @Test func `sold out says what is left, and the same key works once the cart is mended`() async throws {
        let shop = try await TestShop()
        let cart = try await shop.cart(bags: 11)
        let error = await #expect(throws: ShopError.self) { try await shop.buy(shop.request(cart)) }
        #expect(error == .outOfStock("bags-85099B", left: 10))
        #expect(try await shop.count(TestShop.mug) == TestShop.Count(stock: 10, reserved: 0, sold: 0))
        _ = try await shop.carts.set(TestShop.bag, quantity: 10, in: cart)
        let placed = try await shop.buy(shop.request(cart))
        #expect(placed.order.pieces == 15)
        #expect(try await shop.count(TestShop.bag) == TestShop.Count(stock: 0, reserved: 0, sold: 10))
        try await shop.end()
    }

    @Test func `a cart that changed after a sold-out attempt is not bought under the version seen before`() async throws
    {
        let shop = try await TestShop()
        let cart = try await shop.cart(bags: 11)
        var request = shop.request(cart)
        request.version = try await shop.carts.cart(cart).version
        await #expect(throws: ShopError.self) { try await shop.buy(request) }
        _ = try await shop.carts.set(TestShop.bag, quantity: 1, in: cart)
        await #expect(throws: ShopError.conflict) { try await shop.buy(request) }
        #expect(try await shop.filed().isEmpty)
        try await shop.end()
    }

    @Test func `an empty cart and a cart that changed since it was shown buy nothing`() async throws {
        let shop = try await TestShop()
        await #expect(throws: ShopError.emptyCart) { try await shop.buy(shop.request(SecureRandom.token())) }
        var request = shop.request(try await shop.cart(), key: "key-2")
        request.version = 1
        await #expect(throws: ShopError.conflict) { try await shop.buy(request) }
        request.version = 3
        request.key = "key-3"
        _ = try await shop.buy(request)
        try await shop.end()
    }

    @Test func `what was put into the cart while it was being bought stays in`() async throws {
        let shop = try await TestShop()
        let cart = try await shop.cart(mugs: 2, hearts: 0, bags: 0)
        let claim = try await shop.checkout.claim(shop.request(cart))
        _ = try await shop.carts.add(TestShop.mug, quantity: 1, to: cart)
        _ = try await shop.carts.add(TestShop.heart, quantity: 4, to: cart)
        _ = try await shop.checkout.commit(claim)
        let left = try await shop.carts.cart(cart)
        #expect(
            left.lines == [
                Cart.Line(product: TestShop.mug, quantity: 1), Cart.Line(product: TestShop.heart, quantity: 4),
            ]
        )
        try await shop.end()
    }
}
