import Apus

/// The products: what there is, what it costs, how much is left.
@Resolvable
protocol Catalogue: ServiceActor {
    /// A product, or `nil` where there is none.
    distributed func product(_ id: ProductID) async throws -> Product?
    /// Those of `ids` that there are, in no particular order; at most ``Basket/linesMax``.
    distributed func products(_ ids: [ProductID]) async throws -> [Product]
    /// A page of a department, the most popular first.
    distributed func department(_ category: Category, after: PageCursor?, count: Int) async throws -> [Product]
    /// The most popular products of the whole shop.
    distributed func bestSellers(count: Int) async throws -> [Product]
}

/// Visits and what they have chosen.
@Resolvable
protocol Carts: ServiceActor {
    /// A session and what is in its cart, or `nil` where there is none with this id or it is too old.
    distributed func visit(_ session: String) async throws -> Visit?
    distributed func createSession() async throws -> Session
    /// What is in a cart; an unknown one is empty.
    distributed func cart(_ id: String) async throws -> Cart
    /// Puts more pieces of a product into a cart.
    ///
    /// - Throws: ``ShopError``: `notFound` for a product there is not, `invalidInput` beyond a cart's limits.
    distributed func add(_ product: ProductID, quantity: Int, to cart: String) async throws -> Cart
    /// Makes it exactly so many pieces; 0 takes the product out.
    ///
    /// - Throws: ``ShopError`` with code `invalidInput` beyond a cart's limits.
    distributed func set(_ product: ProductID, quantity: Int, in cart: String) async throws -> Cart
}

/// Buying, and what was bought.
@Resolvable
protocol Orders: ServiceActor {
    /// Buys what is in the cart, once for the request's key.
    ///
    /// - Throws: ``ShopError``: `emptyCart`, `conflict` for another version of the cart, `outOfStock`, `keyReused`.
    distributed func checkOut(_ request: CheckoutRequest) async throws -> PlacedOrder
    /// An order of this shop, for whoever has the cart it came from or its secret; else `nil`.
    distributed func order(_ number: String, for credential: OrderCredential) async throws -> PlacedOrder?
}

/// How the services are called from other processes.
enum Contracts {
    static let catalogue = ServiceContract<any Catalogue>("catalogue", stub: $Catalogue.resolve(id:using:)) {
        Target("product", .idempotent) { try await $0.product($1) }
        Target("products", .idempotent) { try await $0.products($1) }
        Target("department", .idempotent) { try await $0.department($1, after: $2, count: $3) }
        Target("bestSellers", .idempotent) { try await $0.bestSellers(count: $1) }
        Failure(ShopError.self)
    }

    static let carts = ServiceContract<any Carts>("carts", stub: $Carts.resolve(id:using:)) {
        Target("visit", .idempotent) { try await $0.visit($1) }
        // A session that nobody hears of is forgotten in 30 days.
        Target("createSession", .idempotent) { try await $0.createSession() }
        Target("cart", .idempotent) { try await $0.cart($1) }
        Target("add") { try await $0.add($1, quantity: $2, to: $3) }
        Target("set", .idempotent) { try await $0.set($1, quantity: $2, in: $3) }
        Failure(ShopError.self)
    }

    static let orders = ServiceContract<any Orders>("orders", stub: $Orders.resolve(id:using:)) {
        // The key makes it so.
        Target("checkOut", .idempotent) { try await $0.checkOut($1) }
        Target("order", .idempotent) { try await $0.order($1, for: $2) }
        Failure(ShopError.self)
    }
}

extension ProductID: Wire {}
extension Product: Wire {}
extension Category: Wire {}
extension PageCursor: Wire {}
extension Session: Wire {}
extension Visit: Wire {}
extension Cart: Wire {}
extension CheckoutRequest: Wire {}
extension PlacedOrder: Wire {}
extension OrderCredential: Wire {}
extension ShopError: WireFailure {
    static let wireName = "ShopError"
}
