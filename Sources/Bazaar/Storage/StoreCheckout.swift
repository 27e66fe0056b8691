import Apus

/// The steps of a checkout on the store.
struct StoreCheckout: CheckoutSteps {
    let store: Store
    let clock: any Clock
    /// How long after it is placed an order is left to its own walk, in seconds; longer than any call lives.
    static let walkSeconds: Int64 = 10
    /// How long reserved stock waits for its order, in seconds.
    static let holdSeconds: Int64 = 60

    private enum State: String, Sendable { case placed, done, givenUp = "given up" }

    private struct KeyRow: Row, Sendable {
        let cart: String
        let request: String
        let draft: String
        init(from row: inout RowReader) throws {
            cart = try row.next()
            request = try row.next()
            draft = try row.next()
        }
    }

    private struct StandingRow: Row, Sendable {
        let state: State
        let text: String
        init(from row: inout RowReader) throws {
            guard let state = State(rawValue: try row.next()) else { throw row.mismatch("a checkout's state") }
            self.state = state
            text = try row.next()
        }

        func standing() throws -> CheckoutMachine.Standing {
            switch state {
            case .givenUp: .givenUp
            case .placed: .placed(try Document.decode(text))
            case .done: .done(try Document.decode(text))
            }
        }
    }

    private var now: Int64 { clock.wallNanoseconds() / 1_000_000_000 }

    // MARK: The key

    func claim(_ request: CheckoutRequest) async throws -> Claim {
        if let known = try await known(request) { return known }
        // Building a draft reads other shards, so it is done before the transaction.
        let draft: PlacedOrder
        do {
            draft = try await self.draft(request)
        } catch let error as ShopError {
            // The cart may be empty because a request with this key has bought what was in it meanwhile.
            guard let known = try await known(request) else { throw error }
            return known
        }
        let (text, canonical, now) = (try Document.encode(draft), request.canonical, now)
        let first = try await store.shard(for: CheckoutKey(text: request.key)).transaction { transaction -> KeyRow? in
            if let row = try transaction.first(Self.selectKey(request.key), as: KeyRow.self) { return row }
            try transaction.execute(
                """
                INSERT INTO checkout_keys (key_text, cart_id, request, draft, order_number, created_at)
                VALUES (\(request.key), \(request.cart), \(canonical), \(text), \(draft.order.number), \(now))
                """
            )
            return nil
        }
        if let first { return try claim(first, request) }
        return Claim(key: request.key, cart: request.cart, draft: draft, document: text, version: request.version)
    }

    /// What the key was first used for, or `nil` for a key that nobody has used.
    ///
    /// - Throws: ``ShopError`` with code `keyReused`.
    private func known(_ request: CheckoutRequest) async throws -> Claim? {
        let shard = try store.shard(for: CheckoutKey(text: request.key))
        return try await shard.first(Self.selectKey(request.key), as: KeyRow.self).map { try claim($0, request) }
    }

    private func claim(_ row: KeyRow, _ request: CheckoutRequest) throws -> Claim {
        guard row.cart == request.cart, row.request == request.canonical else { throw ShopError.keyReused }
        return Claim(
            key: request.key,
            cart: request.cart,
            draft: try Document.decode(row.draft),
            document: row.draft,
            version: request.version
        )
    }

    private static func selectKey(_ key: String) -> SQL {
        "SELECT cart_id, request, draft FROM checkout_keys WHERE key_text = \(key)"
    }

    func renew(_ claim: Claim) async throws -> Claim {
        guard let address = claim.draft.order.address else { throw ShopError.conflict }
        let request = CheckoutRequest(key: claim.key, cart: claim.cart, version: claim.version, address: address)
        let draft: PlacedOrder
        do {
            draft = try await self.draft(request)
        } catch let error as ShopError {
            guard let known = try await known(request), known != claim else { throw error }
            return known
        }
        let (text, old) = (try Document.encode(draft), claim.draft.order.number)
        let changed = try await store.shard(for: CheckoutKey(text: claim.key)).execute(
            """
            UPDATE checkout_keys SET draft = \(text), order_number = \(draft.order.number)
            WHERE key_text = \(claim.key) AND order_number = \(old)
            """
        )
        if changed == 1 {
            return Claim(key: claim.key, cart: claim.cart, draft: draft, document: text, version: claim.version)
        }
        // Another request with this key has begun the new attempt: it is walked together.
        guard let known = try await known(request) else { throw ShopError.conflict }
        return known
    }

    /// The order that the cart would make now.
    private func draft(_ request: CheckoutRequest) async throws -> PlacedOrder {
        let cart = try await CartTable(store: store, clock: clock).cart(request.cart)
        if cart.lines.isEmpty { throw ShopError.emptyCart }
        if let version = request.version, version != cart.version { throw ShopError.conflict }
        let found = try await CatalogueTable(store: store).products(cart.lines.map(\.product))
        let products = Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
        let lines = try cart.lines.map { line in
            guard let product = products[line.product] else { throw ShopError.outOfStock("A product", left: 0) }
            return OrderLine(
                product: product.id,
                code: product.id.code.text,
                title: product.title,
                quantity: line.quantity,
                unitPrice: product.price
            )
        }
        guard let country = Country(name: request.address.country) else {
            throw ShopError.invalid("country", "Please choose a country from the list.")
        }
        let number = OrderNumber(region: country.region)
        var order = Order(
            number: number.text,
            kind: .sale,
            buyer: number.buyer.description,
            country: country.name,
            placedAt: now,
            lines: lines,
            postage: .zero,
            adjustment: .zero,
            address: request.address
        )
        order.postage = Postage.cost(of: order.goods, to: country.region)
        return PlacedOrder(order: order, cart: request.cart, secret: SecureRandom.token())
    }

    // MARK: Stock

    func reserve(_ claim: Claim, _ categories: [Category]) async throws -> [Category] {
        let expiresAt = now + Self.holdSeconds
        return try await neighbours(categories) { category, transaction in
            try HoldTable.reserve(
                claim.draft.pieces(from: category),
                of: category,
                for: claim.draft.order.number,
                cart: claim.cart,
                expiresAt: expiresAt,
                transaction
            )
        }
    }

    func confirm(_ placed: PlacedOrder, _ categories: [Category]) async throws -> [Category] {
        try await neighbours(categories) { category, transaction in
            try HoldTable.confirm(placed.order.number, category, transaction)
        }
    }

    func release(number: String, cart: String, _ categories: [Category]) async throws -> [Category] {
        let now = now
        return try await neighbours(categories) { category, transaction in
            try HoldTable.release(number, cart: cart, category, now: now, transaction)
        }
    }

    /// Does something in the first department and in those that lie on its shard, all in one transaction: all or none.
    ///
    /// - Returns: The departments it was done in.
    private func neighbours(
        _ categories: [Category],
        _ body: @escaping @Sendable (Category, borrowing Transaction) throws -> Void
    ) async throws -> [Category] {
        guard let first = categories.first else { return [] }
        return try await store.shard(for: CategoryKey(category: first)).transaction { [store] transaction in
            // Looked up within the transaction: while it holds the shard, no department leaves it.
            let shard = try store.shard(for: CategoryKey(category: first)).index
            let beside = try categories.filter { try store.shard(for: CategoryKey(category: $0)).index == shard }
            for category in beside { try body(category, transaction) }
            return beside
        }
    }

    // MARK: The order

    func look(_ claim: Claim) async throws -> CheckoutMachine.Standing {
        try await standing(of: claim.draft.order.number, cart: claim.cart) ?? .unknown
    }

    /// What the cart's shard knows of an order; `nil` for nothing.
    func standing(of number: String, cart: String) async throws -> CheckoutMachine.Standing? {
        try await store.shard(for: CartKey(id: cart)).first(Self.selectStanding(number), as: StandingRow.self)?
            .standing()
    }

    private static func selectStanding(_ number: String) -> SQL {
        "SELECT state, order_text FROM checkouts WHERE order_number = \(number)"
    }

    func commit(_ claim: Claim) async throws -> CheckoutMachine.Event {
        let (placed, text) = (claim.draft, claim.document)
        let due = now + Self.walkSeconds
        return try await store.shard(for: CartKey(id: claim.cart)).transaction { transaction in
            let known = try transaction.first(Self.selectStanding(placed.order.number), as: StandingRow.self)
            switch try known?.standing() {
            case .givenUp: return .wasGivenUp
            case .placed(let placed), .done(let placed): return .committed(placed)
            case .unknown, nil: break
            }
            try transaction.execute(
                """
                INSERT INTO checkouts (order_number, cart_id, state, order_text, due_at)
                VALUES (\(placed.order.number), \(claim.cart), \(State.placed.rawValue), \(text), \(due))
                """
            )
            // What was put in since the key was claimed stays in.
            for line in placed.order.lines {
                guard let product = line.product?.description else { continue }
                let gone = try transaction.execute(
                    """
                    DELETE FROM cart_lines
                    WHERE cart_id = \(claim.cart) AND product = \(product) AND quantity <= \(line.quantity)
                    """
                )
                if gone > 0 { continue }
                try transaction.execute(
                    """
                    UPDATE cart_lines SET quantity = quantity - \(line.quantity)
                    WHERE cart_id = \(claim.cart) AND product = \(product)
                    """
                )
            }
            try transaction.execute("UPDATE carts SET version = version + 1 WHERE id = \(claim.cart)")
            return .committed(placed)
        }
    }

    func giveUp(number: String, cart: String) async throws -> CheckoutMachine.Event {
        let now = now
        return try await store.shard(for: CartKey(id: cart)).transaction { transaction in
            let known = try transaction.first(Self.selectStanding(number), as: StandingRow.self)
            switch try known?.standing() {
            case .placed(let placed), .done(let placed): return .wasPlaced(placed)
            case .givenUp: return .gaveUp
            case .unknown, nil: break
            }
            try transaction.execute(
                """
                INSERT INTO checkouts (order_number, cart_id, state, order_text, due_at)
                VALUES (\(number), \(cart), \(State.givenUp.rawValue), '', \(now))
                """
            )
            return .gaveUp
        }
    }

    func file(_ placed: PlacedOrder) async throws {
        guard let number = OrderNumber(placed.order.number) else { throw ShopError.notFound("order") }
        let key = BuyerKey(region: number.region, buyer: placed.order.buyer)
        try await store.shard(for: key).transaction { transaction in
            try OrderTable.insert(placed.order, region: number.region, secret: placed.secret, transaction)
        }
    }

    func finish(_ placed: PlacedOrder) async throws {
        let (placedState, done) = (State.placed.rawValue, State.done.rawValue)
        try await store.shard(for: CartKey(id: placed.cart)).execute(
            """
            UPDATE checkouts SET state = \(done) WHERE order_number = \(placed.order.number) AND state = \(placedState)
            """
        )
    }
}
