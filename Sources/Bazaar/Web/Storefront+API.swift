import Apus

/// The same shop as JSON under `/api`, described at `/openapi.json`.
///
/// A cart's id is what gives access to it, so requests carry no cookie and need no form token.
extension Storefront {
    private static let carts = Route(.post, "/api/carts")
    private static let cart = Route(.get, "/api/carts/{cart}", String.self)
    private static let putLine = Route(.put, "/api/carts/{cart}/lines/{product}", String.self, ProductID.self)
    private static let deleteLine = Route(.delete, "/api/carts/{cart}/lines/{product}", String.self, ProductID.self)
    private static let checkout = Route(.post, "/api/carts/{cart}/checkout", String.self)
    private static let apiOrder = Route(.get, "/api/orders/{number}", OrderNumber.self)
    private static let apiProduct = Route(.get, "/api/products/{product}", ProductID.self)

    func addAPI(to routes: inout RouterBuilder) {
        addCatalogueAPI(to: &routes)
        addCartAPI(to: &routes)
        addOrderAPI(to: &routes)
        let described = routes.routes
        routes.on(Route(.get, "/openapi.json"), describe: { $0.isHidden = true }) { exchange in
            let document = OpenAPIDocument(title: "Bazaar", version: "1")
            let bytes = try document.json(described)
            bytes.withUnsafeBytes { exchange.answer(type: "application/json", bytes: $0) }
        }
    }

    private func addCatalogueAPI(to routes: inout RouterBuilder) {
        routes.on(Route(.get, "/api/departments"), "The departments") {
            $0.response = .json(APIBody.Departments.self)
        } handler: { exchange in
            let departments = Category.allCases.map { APIBody.Department(id: $0.rawValue, title: $0.title) }
            try exchange.answer(json: APIBody.Departments(departments: departments), caching: "public, max-age=3600")
        }
        routes.on(Route(.get, "/api/products"), "Products, the most popular first") {
            $0.response = .json(APIBody.Products.self)
            $0.queries = [
                RouteInfo.Query("department", .init(.string), summary: "One department; without it, the best of all."),
                RouteInfo.Query("after", .init(.string), summary: "The `next` of the page before."),
                RouteInfo.Query("limit", .init(.integer), summary: "1 to 100; 24 unless given."),
            ]
            $0.problems = [.badRequest, .unprocessableContent]
        } handler: { exchange in
            try exchange.answer(json: try await products(try exchange.queryFields()), caching: "public, max-age=2")
        }
        routes.on(Self.apiProduct, "One product") {
            $0.response = .json(APIBody.Product.self)
            $0.problems = [.notFound]
        } handler: { exchange, id in
            guard let product = try await catalogue.product(id) else { throw ShopError.notFound("product") }
            try exchange.answer(json: APIBody.Product(product), caching: "public, max-age=2")
        }
    }

    private func products(_ query: FormFields) async throws -> APIBody.Products {
        let limit = try query["limit"].map { text throws(ShopError) in
            do throws(ShopError) { return try Text.quantity(text, in: 1...100) } catch {
                throw .invalid("limit", error.detail)
            }
        }
        let count = limit ?? Self.productsPerPage
        guard let name = query["department"] else {
            return APIBody.Products(products: try await catalogue.bestSellers(count: count).map(APIBody.Product.init))
        }
        guard let category = Category(rawValue: name) else {
            throw ShopError.invalid("department", "There is no such department.")
        }
        let cursor = try Self.cursor(query)
        var found = try await catalogue.department(category, after: cursor, count: min(count + 1, 100))
        var next: String?
        if found.count > count {
            found.removeLast()
            next = found.last.map { PageCursor(after: $0).description }
        } else if count == 100, found.count == count {
            next = found.last.map { PageCursor(after: $0).description }
        }
        return APIBody.Products(products: found.map(APIBody.Product.init), next: next)
    }

    private func addCartAPI(to routes: inout RouterBuilder) {
        routes.on(Self.carts, "A new cart") {
            $0.status = .created
            $0.response = .json(APIBody.Cart.self)
        } handler: { exchange in
            // An empty cart needs no row: its id is all there is to it.
            let id = SecureRandom.token()
            exchange.setField("Location", Self.cart.path(id))
            try exchange.answer(.created, json: APIBody.Cart(id: id, version: 0, basket: Basket(lines: [])))
        }
        routes.on(Self.cart, "What is in a cart") {
            $0.response = .json(APIBody.Cart.self)
            $0.problems = [.notFound]
        } handler: { exchange, id in
            try await answer(exchange, try await carts.cart(id))
        }
        routes.on(Self.putLine, "Put so many pieces of a product into a cart, in place of those that are there") {
            $0.request = .json(APIBody.Quantity.self)
            $0.response = .json(APIBody.Cart.self)
            $0.problems = [.notFound, .unprocessableContent]
        } handler: { exchange, id, product in
            let body = try await exchange.document(APIBody.Quantity.self)
            try await answer(exchange, try await carts.set(product, quantity: body.quantity, in: id))
        }
        routes.on(Self.deleteLine, "Take a product out of a cart") {
            $0.response = .json(APIBody.Cart.self)
            $0.problems = [.notFound]
        } handler: { exchange, id, product in
            try await answer(exchange, try await carts.set(product, quantity: 0, in: id))
        }
    }

    private func answer(_ exchange: Exchange, _ cart: Cart) async throws {
        try exchange.answer(
            json: APIBody.Cart(id: cart.id, version: cart.version, basket: try await basket(cart))
        )
    }

    private func addOrderAPI(to routes: inout RouterBuilder) {
        routes.on(Self.checkout, "Buy what is in a cart, once for each Idempotency-Key") {
            $0.status = .created
            $0.request = .json(APIBody.Checkout.self)
            $0.response = .json(APIBody.Order.self)
            $0.problems = [.notFound, .conflict, .unprocessableContent]
        } handler: { exchange, cart in
            let request = try await checkoutRequest(exchange, cart)
            let placed = try await orders.checkOut(request)
            guard let number = OrderNumber(placed.order.number) else { throw ShopError.notFound("order") }
            exchange.setField("Location", "\(Self.apiOrder.path(number))?secret=\(placed.secret)")
            try exchange.answer(.created, json: APIBody.Order(placed))
        }
        routes.on(Self.apiOrder, "An order, for who has its secret") {
            $0.response = .json(APIBody.Order.self)
            $0.queries = [
                RouteInfo.Query("secret", .init(.string), isRequired: true, summary: "As the checkout gave it.")
            ]
            $0.problems = [.notFound]
        } handler: { exchange, number in
            let secret = try exchange.queryFields()["secret"] ?? ""
            guard let placed = try await orders.order(number.text, for: .secret(secret)) else {
                throw ShopError.notFound("order")
            }
            try exchange.answer(json: APIBody.Order(placed))
        }
    }

    /// The key may come with quotation marks, as the draft standard has it, or without, as most clients send it.
    private func checkoutRequest(_ exchange: Exchange, _ cart: String) async throws -> CheckoutRequest {
        guard var key = exchange.text(.idempotencyKey) else {
            throw Problem(.badRequest, code: "key.missing", detail: "This request needs an Idempotency-Key field.")
        }
        if key.utf8.count >= 2, key.hasPrefix("\""), key.hasSuffix("\"") { key = String(key.dropFirst().dropLast()) }
        try CheckoutForm.checkKey(key)
        let body = try await exchange.document(APIBody.Checkout.self)
        var form = CheckoutForm(key: key)
        form.address = Address(
            name: body.address.name,
            email: body.address.email,
            street: body.address.street,
            town: body.address.town,
            postcode: body.address.postcode,
            country: body.address.country
        )
        switch form.checked() {
        case .success(let address):
            return CheckoutRequest(key: key, cart: cart, version: body.cartVersion, address: address)
        case .failure(let refusal):
            throw Problem(
                .unprocessableContent,
                code: "shop.invalidInput",
                detail: "Some fields are not in order.",
                members: refusal.errors.sorted { $0.key < $1.key }.map { Problem.Member($0.key, .string($0.value)) }
            )
        }
    }
}
