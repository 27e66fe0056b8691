import Apus

/// The products: what there is, what it costs, how much is left.
@Resolvable
protocol Catalogue: ServiceActor {
    /// A product, or `nil` where there is none.
    distributed func product(_ id: ProductID) async throws -> Product?
    /// Those of `ids` that there are, in no particular order; at most ``Basket/linesMax``.
    distributed func products(_ ids: [ProductID]) async throws -> [Product]
    /// A page of a department; at most ``CatalogueService/countMax`` products.
    distributed func department(_ query: ListingQuery) async throws -> Listing
    /// The most popular products of the whole shop.
    distributed func bestSellers(count: Int) async throws -> [Product]
    /// What was bought together with a product, the nearest first.
    distributed func companions(of id: ProductID) async throws -> [Product]
    /// Products whose titles have the words of a text, or words a slip of the fingers away.
    ///
    /// - Throws: ``ShopError`` with code `invalidInput` for a text that is too long.
    distributed func search(_ query: SearchQuery) async throws -> SearchPage
    /// Products to go to while the visitor still types; at most ``CatalogueService/suggestionsMax``.
    ///
    /// - Throws: As ``search(_:)``.
    distributed func suggestions(_ text: String) async throws -> [Suggestion]
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
    /// Makes it hold exactly these lines, in this order, whatever was in it.
    ///
    /// - Throws: ``ShopError`` with code `invalidInput` beyond a cart's limits, for a product that is named twice, and for one
    ///   that there is not.
    distributed func fill(_ cart: String, with lines: [Cart.Line]) async throws -> Cart
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
    /// The orders made from a cart, the latest first; at most ``CartOrders/countMax``.
    distributed func orders(of cart: String) async throws -> [PlacedOrder]
}

/// How the services are called from other processes.
enum Contracts {
    static let catalogue = ServiceContract<any Catalogue>("catalogue", stub: $Catalogue.resolve(id:using:)) {
        Target("product", .idempotent) { try await $0.product($1) }
        Target("products", .idempotent) { try await $0.products($1) }
        Target("department", .idempotent) { try await $0.department($1) }
        Target("bestSellers", .idempotent) { try await $0.bestSellers(count: $1) }
        Target("companions", .idempotent) { try await $0.companions(of: $1) }
        Target("search", .idempotent) { try await $0.search($1) }
        Target("suggestions", .idempotent) { try await $0.suggestions($1) }
        Failure(ShopError.self)
    }

    static let carts = ServiceContract<any Carts>("carts", stub: $Carts.resolve(id:using:)) {
        Target("visit", .idempotent) { try await $0.visit($1) }
        // A session that nobody hears of is forgotten in 30 days.
        Target("createSession", .idempotent) { try await $0.createSession() }
        Target("cart", .idempotent) { try await $0.cart($1) }
        Target("add") { try await $0.add($1, quantity: $2, to: $3) }
        Target("set", .idempotent) { try await $0.set($1, quantity: $2, in: $3) }
        Target("fill", .idempotent) { try await $0.fill($1, with: $2) }
        Failure(ShopError.self)
    }

    static let orders = ServiceContract<any Orders>("orders", stub: $Orders.resolve(id:using:)) {
        // The key makes it so.
        Target("checkOut", .idempotent) { try await $0.checkOut($1) }
        Target("order", .idempotent) { try await $0.order($1, for: $2) }
        Target("orders", .idempotent) { try await $0.orders(of: $1) }
        Failure(ShopError.self)
    }
}

extension ProductID: Wire {}
extension Product: Wire {}
extension Category: Wire {}
extension ListingQuery: Wire {}
extension Listing: Wire {}
extension SearchQuery: Wire {}
extension SearchPage: Wire {}
extension Suggestion: Wire {}
extension Session: Wire {}
extension Visit: Wire {}
extension Cart: Wire {}
extension Cart.Line: Wire {}
extension CheckoutRequest: Wire {}
extension PlacedOrder: Wire {}
extension OrderCredential: Wire {}
extension ShopError: WireFailure {
    static let wireName = "ShopError"
}
