import Apus

/// Sessions and carts over the store and its cache; it keeps nothing between calls.
distributed actor CartsService: Carts {
    private let carts: CartTable
    private let catalogue: CatalogueTable
    private let caches: CartCaches

    init(actorSystem: ApusActorSystem, store: Store, clock: any Clock, caches: CartCaches) {
        self.caches = caches
        self.actorSystem = actorSystem
        carts = CartTable(store: store, clock: clock)
        catalogue = CatalogueTable(store: store)
    }

    distributed func visit(_ session: String) async throws -> Visit? {
        try await answering {
            guard RandomID.isValid(session) else { return nil }
            let found = try await caches.sessions.find(session) { [carts] in try await carts.session(session) }
            guard let found else { return nil }
            return Visit(session: found, cart: try await stored(found.cart))
        }
    }

    distributed func createSession() async throws -> Session {
        try await answering { try await carts.createSession() }
    }

    distributed func cart(_ id: String) async throws -> Cart {
        try await answering {
            guard RandomID.isValid(id) else { throw ShopError.notFound("basket") }
            return try await stored(id)
        }
    }

    distributed func add(_ product: ProductID, quantity: Int, to cart: String) async throws -> Cart {
        try await answering {
            guard RandomID.isValid(cart) else { throw ShopError.notFound("basket") }
            guard Basket.quantityRange.contains(quantity) else { throw Text.badQuantity(Basket.quantityRange) }
            guard try await catalogue.product(product) != nil else { throw ShopError.notFound("product") }
            return try await changing(cart) { try await carts.add(product, quantity: quantity, to: cart) }
        }
    }

    distributed func set(_ product: ProductID, quantity: Int, in cart: String) async throws -> Cart {
        try await answering {
            guard RandomID.isValid(cart) else { throw ShopError.notFound("basket") }
            let range = 0...Basket.quantityRange.upperBound
            guard range.contains(quantity) else { throw Text.badQuantity(range) }
            if quantity > 0 {
                guard try await catalogue.product(product) != nil else { throw ShopError.notFound("product") }
            }
            return try await changing(cart) { try await carts.set(product, quantity: quantity, in: cart) }
        }
    }

    distributed func fill(_ cart: String, with lines: [Cart.Line]) async throws -> Cart {
        try await answering {
            guard RandomID.isValid(cart) else { throw ShopError.notFound("basket") }
            guard lines.count <= Basket.linesMax else { throw Text.tooManyProducts }
            guard lines.allSatisfy({ Basket.quantityRange.contains($0.quantity) }) else {
                throw Text.badQuantity(Basket.quantityRange)
            }
            let products = Set(lines.map(\.product))
            guard products.count == lines.count else {
                throw ShopError.invalid("product", "Please name each product once.")
            }
            guard try await catalogue.hasAll(products) else {
                throw ShopError.invalid("product", "There is no such product.")
            }
            return try await changing(cart) { try await carts.fill(cart, with: lines) }
        }
    }

    private func stored(_ cart: String) async throws -> Cart {
        try await caches.carts.value(for: cart) { [carts] in try await carts.cart(cart) }
    }

    /// Changes a cart; whether that succeeded or not, nobody sees the old one after.
    private func changing(_ cart: String, _ change: () async throws -> Cart) async throws -> Cart {
        do {
            let changed = try await change()
            await caches.forget(cart)
            return changed
        } catch {
            await caches.forget(cart)
            throw error
        }
    }
}
