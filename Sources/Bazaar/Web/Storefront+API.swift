import Apus

/// The same shop as JSON under `/api`, described at `/openapi.json`.
///
/// A cart's id is what gives access to it, so requests carry no cookie and need no form token.
extension Storefront {
    static let apiDepartments = Route(.get, "/api/departments")
    static let apiProducts = Route(.get, "/api/products")
    static let apiProduct = Route(.get, "/api/products/{product}", ProductID.self)
    static let apiCompanions = Route(.get, "/api/products/{product}/companions", ProductID.self)
    static let apiSearch = Route(.get, "/api/search")
    static let apiSuggestions = Route(.get, "/api/suggestions")
    static let apiDelivery = Route(.get, "/api/delivery")
    static let apiCarts = Route(.post, "/api/carts")
    static let apiCart = Route(.get, "/api/carts/{cart}", CartID.self)
    static let apiFillCart = Route(.put, "/api/carts/{cart}", CartID.self)
    static let apiPutLine = Route(.put, "/api/carts/{cart}/lines/{product}", CartID.self, ProductID.self)
    static let apiDeleteLine = Route(.delete, "/api/carts/{cart}/lines/{product}", CartID.self, ProductID.self)
    static let apiCheckout = Route(.post, "/api/carts/{cart}/checkout", CartID.self)
    static let apiCartOrders = Route(.get, "/api/carts/{cart}/orders", CartID.self)
    static let apiOrder = Route(.get, "/api/orders/{number}", OrderNumber.self)

    func addAPI(to routes: inout RouterBuilder) throws {
        addProductAPI(to: &routes)
        addSearchAPI(to: &routes)
        addCartAPI(to: &routes)
        addOrderAPI(to: &routes)
        var document = OpenAPIDocument(title: "Bazaar", version: "1")
        document.summary = "A gift shop on a real year of sales, the reference shop of Apus."
        try routes.openAPI(document)
    }

    private static let cursorSchema = JSONSchema.string(7...20, pattern: "^[0-9]{1,10}-\(StockCode.pattern)$")
    private static let pageQueries = [
        RouteInfo.Query("after", cursorSchema, summary: "The `next` of the page before."),
        RouteInfo.Query("limit", .integer(1...100), summary: "Products on a page; 24 unless given."),
    ]
    private static let departmentSchema = Category.pathSchema
    private static let textSchema = JSONSchema.string(1...SearchQuery.lengthMax, pattern: "^[^\\u0000]+$")

    private func addProductAPI(to routes: inout RouterBuilder) {
        routes.on(Self.apiDepartments, "The departments") {
            $0.response = .json(APIBody.Departments.self)
        } handler: { exchange in
            let departments = Category.allCases.map { APIBody.Department(id: $0.rawValue, title: $0.title) }
            try exchange.answer(json: APIBody.Departments(departments: departments), caching: "public, max-age=3600")
        }
        routes.on(Self.apiProducts, "Products, the most popular first unless sorted otherwise") {
            $0.response = .json(APIBody.Products.self)
            $0.queries =
                [
                    RouteInfo.Query(
                        "department",
                        Self.departmentSchema,
                        summary: "One department; without it, the best of all, on one page, and all else is ignored."
                    ),
                    RouteInfo.Query("sort", .choice(Sorting.allCases.map(\.rawValue)), summary: "The order."),
                    RouteInfo.Query("price", .choice(PriceBand.allCases.map(\.rawValue)), summary: "A band of pounds."),
                    RouteInfo.Query("stock", .choice(["yes", "any"]), summary: "yes for what can be bought now."),
                ] + Self.pageQueries
            $0.problems = [.unprocessableContent]
        } handler: { exchange in
            try exchange.answer(json: try await products(try exchange.queryFields()), caching: "public, max-age=2")
        }
        routes.on(Self.apiProduct, "One product") {
            $0.response = .json(APIBody.Product.self)
        } handler: { exchange, id in
            guard let product = try await catalogue.product(id) else { throw ShopError.notFound("product") }
            try exchange.answer(json: APIBody.Product(product), caching: "public, max-age=2")
        }
        routes.on(Self.apiCompanions, "What was bought together with a product") {
            $0.response = .json(APIBody.Companions.self)
        } handler: { exchange, id in
            guard try await catalogue.product(id) != nil else { throw ShopError.notFound("product") }
            let products = try await catalogue.companions(of: id)
            let body = APIBody.Companions(products: products.map(APIBody.Product.init))
            try exchange.answer(json: body, caching: "public, max-age=2")
        }
        routes.on(Self.apiDelivery, "When something ordered now will be there") {
            $0.response = .json(APIBody.Delivery.self)
            $0.queries = [
                RouteInfo.Query(
                    "country",
                    .choice(Country.all.map(\.name)),
                    summary: "The United Kingdom unless given."
                )
            ]
            $0.problems = [.unprocessableContent]
        } handler: { exchange in
            let name = try exchange.queryFields()["country"] ?? Country.unitedKingdom.name
            guard let country = Country(name: name), country.name != Country.elsewhere else {
                throw ShopError.invalid("country", "There is no delivery to this country.")
            }
            let delivery = Delivery(orderedAt: now, to: country.region)
            let body = APIBody.Delivery(
                country: country.name,
                packed: delivery.packed.iso,
                earliest: delivery.earliest.iso,
                latest: delivery.latest.iso
            )
            try exchange.answer(json: body)
        }
    }

    private func products(_ fields: FormFields) async throws -> APIBody.Products {
        let count = try Self.count(fields)
        // What is said is checked whether it is needed or not.
        let sorting: Sorting? = try Self.choice("sort", fields)
        let band: PriceBand? = try Self.choice("price", fields)
        let after = try Self.place(fields)
        if let stock = fields["stock"], stock != "yes", stock != "any" {
            throw ShopError.invalid("stock", "This is yes or any.")
        }
        let department: Category? = try Self.choice("department", fields)
        guard let department else {
            let best = try await catalogue.bestSellers(count: count)
            return APIBody.Products(products: best.map(APIBody.Product.init), total: best.count)
        }
        var query = ListingQuery(department, after: after, count: count)
        query.sorting = sorting ?? .popular
        query.band = band
        query.isAvailable = fields["stock"] == "yes"
        let listing = try await catalogue.department(query)
        return APIBody.Products(
            products: listing.products.map(APIBody.Product.init),
            total: listing.total,
            next: listing.next?.description
        )
    }

    private static func count(_ fields: FormFields) throws(ShopError) -> Int {
        guard let text = fields["limit"] else { return productsPerPage }
        do throws(ShopError) { return try Text.quantity(text, in: 1...100) } catch {
            throw .invalid("limit", error.detail)
        }
    }

    private static func choice<Choice: RawRepresentable<String>>(
        _ name: String,
        _ fields: FormFields
    ) throws(ShopError) -> Choice? {
        guard let text = fields[name] else { return nil }
        guard let choice = Choice(rawValue: text) else { throw .invalid(name, "There is no such \(name).") }
        return choice
    }

    private static func place(_ fields: FormFields) throws(ShopError) -> PageCursor? {
        guard let text = fields["after"] else { return nil }
        guard let cursor = PageCursor(text) else { throw .invalid("after", "There is no such page.") }
        return cursor
    }

    private func addSearchAPI(to routes: inout RouterBuilder) {
        let text = RouteInfo.Query("q", Self.textSchema, isRequired: true, summary: "Words of titles, or a stock code.")
        routes.on(Self.apiSearch, "Products by the words of their titles, typing errors forgiven") {
            $0.response = .json(APIBody.Search.self)
            $0.queries =
                [text, RouteInfo.Query("department", Self.departmentSchema, summary: "Only this department.")]
                + Self.pageQueries
            $0.problems = [.unprocessableContent]
        } handler: { exchange in
            let fields = try exchange.queryFields()
            let query = SearchQuery(
                try Self.text(fields),
                category: try Self.choice("department", fields),
                after: try Self.place(fields),
                count: try Self.count(fields)
            )
            let found = try await catalogue.search(query)
            try exchange.answer(json: APIBody.Search(found), caching: "public, max-age=2")
        }
        routes.on(Self.apiSuggestions, "Products for what is typed so far") {
            $0.response = .json(APIBody.Suggestions.self)
            $0.queries = [text]
            $0.problems = [.unprocessableContent]
        } handler: { exchange in
            let found = try await catalogue.suggestions(try Self.text(try exchange.queryFields()))
            let items = found.map { APIBody.Suggestions.Item(product: $0.product.description, title: $0.title) }
            try exchange.answer(json: APIBody.Suggestions(suggestions: items), caching: "public, max-age=60")
        }
    }

    private static func text(_ fields: FormFields) throws(ShopError) -> String {
        guard let text = fields["q"], !text.isEmpty else { throw .invalid("q", "Please say what to search for.") }
        return text
    }

    private func addCartAPI(to routes: inout RouterBuilder) {
        routes.on(Self.apiCarts, "A new cart") {
            $0.status = .created
            $0.response = .json(APIBody.Cart.self)
        } handler: { exchange in
            // An empty cart needs no row: its id is all there is to it.
            let id = SecureRandom.token()
            exchange.setField("Location", "/api/carts/\(id)")
            try exchange.answer(.created, json: APIBody.Cart(id: id, version: 0, basket: Basket(lines: [])))
        }
        routes.on(Self.apiCart, "What is in a cart") {
            $0.response = .json(APIBody.Cart.self)
        } handler: { exchange, id in
            try await answer(exchange, try await carts.cart(id.text))
        }
        routes.on(Self.apiFillCart, "Put all of this into a cart at once, in place of what is in it") {
            $0.request = .json(APIBody.CartContents.self)
            $0.response = .json(APIBody.Cart.self)
            $0.problems = [.unsupportedMediaType]
        } handler: { exchange, id in
            let body = try await exchange.document(APIBody.CartContents.self)
            let lines = body.lines.map { Cart.Line(product: $0.product, quantity: $0.quantity) }
            try await answer(exchange, try await carts.fill(id.text, with: lines))
        }
        routes.on(Self.apiPutLine, "Put so many pieces of a product into a cart, in place of those that are there") {
            $0.request = .json(APIBody.Quantity.self)
            $0.response = .json(APIBody.Cart.self)
            $0.problems = [.unsupportedMediaType]
        } handler: { exchange, id, product in
            let body = try await exchange.document(APIBody.Quantity.self)
            try await answer(exchange, try await carts.set(product, quantity: body.quantity, in: id.text))
        }
        routes.on(Self.apiDeleteLine, "Take a product out of a cart") {
            $0.response = .json(APIBody.Cart.self)
        } handler: { exchange, id, product in
            try await answer(exchange, try await carts.set(product, quantity: 0, in: id.text))
        }
    }

    private func answer(_ exchange: Exchange, _ cart: Cart) async throws {
        try exchange.answer(
            json: APIBody.Cart(id: cart.id, version: cart.version, basket: try await basket(cart))
        )
    }

    private func addOrderAPI(to routes: inout RouterBuilder) {
        routes.on(Self.apiCheckout, "Buy what is in a cart, once for each Idempotency-Key") {
            $0.status = .created
            $0.request = .json(APIBody.Checkout.self)
            $0.response = .json(APIBody.Order.self)
            $0.headers = [
                RouteInfo.Header(
                    "Idempotency-Key",
                    .string(1...64, pattern: "^[!-~]+$"),
                    isRequired: true,
                    summary: "Chosen by the client; the same key never buys twice."
                )
            ]
            $0.problems = [.conflict, .unsupportedMediaType]
        } handler: { exchange, cart in
            let request = try await checkoutRequest(exchange, cart.text)
            let placed = try await orders.checkOut(request)
            guard let number = OrderNumber(placed.order.number) else { throw ShopError.notFound("order") }
            exchange.setField("Location", "\(Self.apiOrder.path(number))?secret=\(placed.secret)")
            try exchange.answer(.created, json: APIBody.Order(placed))
        }
        routes.on(Self.apiCartOrders, "The orders made from a cart, the latest first") {
            $0.response = .json(APIBody.Orders.self)
        } handler: { exchange, cart in
            let placed = try await orders.orders(of: cart.text)
            try exchange.answer(json: APIBody.Orders(orders: placed.map(APIBody.Order.init)))
        }
        routes.on(Self.apiOrder, "An order, for who has its secret") {
            $0.response = .json(APIBody.Order.self)
            $0.queries = [
                RouteInfo.Query(
                    "secret",
                    .string(32...32, pattern: "^[0-9a-f]{32}$"),
                    isRequired: true,
                    summary: "As the checkout gave it."
                )
            ]
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
