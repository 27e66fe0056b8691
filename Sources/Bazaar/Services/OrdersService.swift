import Apus

/// Checkout and orders over the store; it keeps nothing between calls.
distributed actor OrdersService: Orders {
    private let checkout: StoreCheckout
    private let orders: OrderTable
    private let history: CartOrders
    private let caches: CartCaches

    init(actorSystem: ApusActorSystem, store: Store, clock: any Clock, caches: CartCaches) {
        self.caches = caches
        self.actorSystem = actorSystem
        checkout = StoreCheckout(store: store, clock: clock)
        orders = OrderTable(store: store)
        history = CartOrders(store: store)
    }

    distributed func checkOut(_ request: CheckoutRequest) async throws -> PlacedOrder {
        try await answering {
            try CheckoutForm.checkKey(request.key)
            guard RandomID.isValid(request.cart) else { throw ShopError.notFound("basket") }
            // Whoever calls, what is stored has passed the rules.
            var form = CheckoutForm(key: request.key)
            form.address = request.address
            var request = request
            switch form.checked() {
            case .success(let address): request.address = address
            case .failure(let refusal):
                let first = refusal.errors.sorted { $0.key < $1.key }.first
                throw ShopError.invalid(first?.key ?? "address", first?.value ?? "This address is not complete.")
            }
            let cart = request.cart
            do {
                let placed = try await CheckoutWalk(steps: checkout).run(request)
                await caches.forget(cart)
                return placed
            } catch {
                await caches.forget(cart)
                throw error
            }
        }
    }

    distributed func order(_ number: String, for credential: OrderCredential) async throws -> PlacedOrder? {
        try await answering {
            guard let number = OrderNumber(number) else { return nil }
            switch credential {
            case .cart(let cart):
                guard RandomID.isValid(cart) else { return nil }
                switch try await checkout.standing(of: number.text, cart: cart) {
                case .placed(let placed), .done(let placed): return placed.cart == cart ? placed : nil
                case .givenUp, .unknown, nil: return nil
                }
            case .secret(let secret):
                guard RandomID.isValid(secret), let found = try await orders.order(number),
                    Secret(found.secret).matches(secret)
                else { return nil }
                return PlacedOrder(order: found.order, cart: "", secret: found.secret)
            case .email(let email):
                guard let found = try await orders.order(number), let address = found.order.address,
                    Secret(address.email.lowercased()).matches(Text.trim(email).lowercased())
                else { return nil }
                return PlacedOrder(order: found.order, cart: "", secret: found.secret)
            }
        }
    }

    distributed func orders(of cart: String) async throws -> [PlacedOrder] {
        try await answering {
            guard RandomID.isValid(cart) else { throw ShopError.notFound("basket") }
            return try await history.orders(of: cart)
        }
    }
}
