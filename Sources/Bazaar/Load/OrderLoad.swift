import Apus

/// Programs that order over the JSON API: what a shop's own apps do at its busiest hour.
enum OrderLoad {
    static func scenario() -> Scenario {
        Scenario("orders", "orders of one to three products over the JSON API, each a cart of its own", rate: 20) {
            site in
            let products = Feed(try await ShoppingLoad.catalogue(site))
            let acknowledged = AcknowledgedOrders()
            let journey = Journey("order") { visitor in
                let cart = try await newCart(visitor)
                for _ in 0..<Int.random(in: 1...3, using: &visitor.random) {
                    try await put(1, products.next(for: visitor), into: cart, visitor)
                }
                let answer = try await checkOut(cart, key: LoadAddress.key(visitor), LoadAddress.britain, visitor)
                guard answer.status == .created else { return }
                let order = try answer.json(APIBody.Order.self)
                acknowledged.add(order)
                visitor.check("the order has lines", !order.lines.isEmpty)
            }
            return Mix([journey], audit: { site in [try await acknowledged.finding(site)] })
        }
    }

    /// A fresh cart's id.
    static func newCart(_ visitor: Visitor) async throws -> CartID {
        let cart = try await visitor.ask(Storefront.apiCarts).json(APIBody.Cart.self)
        guard let id = CartID(cart.id) else { throw ShopError.notFound("cart") }
        return id
    }

    static func put(_ quantity: Int, _ product: ProductID, into cart: CartID, _ visitor: Visitor) async throws {
        try await visitor.send(json: APIBody.Quantity(quantity: quantity), to: Storefront.apiPutLine, cart, product)
    }

    /// Buys the cart; 409 says that something is sold out, which is no failure of the shop.
    static func checkOut(
        _ cart: CartID,
        key: String,
        _ address: APIBody.Address,
        _ visitor: Visitor
    ) async throws -> LoadResponse {
        try await visitor.send(
            json: APIBody.Checkout(cartVersion: nil, address: address),
            to: Storefront.apiCheckout,
            cart,
            fields: [("Idempotency-Key", key)],
            expecting: .oneOf([201, 409])
        )
    }
}
