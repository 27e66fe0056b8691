import Apus

/// Home, departments, products, and what pages need to look right.
extension Storefront {
    static let home = Route(.get, "/")
    static let department = Route(.get, "/departments/{department}", Category.self)
    static let product = Route(.get, "/products/{product}", ProductID.self)

    static let bestSellersShown = 15
    static let productsPerPage = 24
    /// Most products looked at before that a page shows.
    static let seenShown = 6

    func addShop(to routes: inout RouterBuilder) {
        routes.on(Self.home, describe: Self.asPage) { exchange in
            // What does not depend on each other is asked for together: a page waits for the slowest, not for all in turn.
            let (session, ids) = (exchange.sessionID, exchange.seen)
            async let visit = visit(session: session)
            async let seen = products(seen: ids)
            let best = try await catalogue.bestSellers(count: Self.bestSellersShown)
            exchange.answer(page: Frame(try await visit).home(bestSellers: best, seen: try await seen))
        }
        routes.on(Self.department, describe: Self.asPage) { exchange, category in
            let query = try Self.listingQuery(category, try exchange.queryFields())
            let session = exchange.sessionID
            async let visit = visit(session: session)
            let listing = try await catalogue.department(query)
            exchange.answer(page: Frame(try await visit, department: category).department(listing, query))
        }
        routes.on(Self.product, describe: Self.asPage) { exchange, id in
            let session = exchange.sessionID
            async let visit = visit(session: session)
            let page = try await productPage(id, seen: exchange.seen.filter { $0 != id })
            exchange.remember(id)
            exchange.answer(page: Frame(try await visit, department: id.category).product(page))
        }
    }

    /// What a product's page shows.
    ///
    /// - Parameters:
    ///   - id: The product.
    ///   - ids: Others that were looked at before.
    /// - Returns: All of it but for the visitor.
    /// - Throws: ``ShopError`` with code `notFound`; what the services throw.
    func productPage(_ id: ProductID, seen ids: [ProductID]) async throws -> ProductPage {
        async let companions = catalogue.companions(of: id)
        async let seen = products(seen: ids)
        guard let product = try await catalogue.product(id) else { throw ShopError.notFound("product") }
        // The department's next ones by popularity: neighbours on the shelf.
        let query = ListingQuery(id.category, after: PageCursor(after: product), count: 6)
        let shelf = try await catalogue.department(query).products
        var page = ProductPage(product, orderedAt: now)
        let near = try await companions
        page.companions = near
        page.neighbours = Array(shelf.filter { !near.contains($0) }.prefix(6))
        page.seen = try await seen
        return page
    }

    /// The products that were looked at before, in that order; those that are gone are left out.
    private func products(seen ids: [ProductID]) async throws -> [Product] {
        if ids.isEmpty { return [] }
        let found = try await catalogue.products(ids)
        let products = Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
        return Array(ids.compactMap { products[$0] }.prefix(Self.seenShown))
    }

    /// What a department's address asks for.
    ///
    /// - Throws: A `Problem` with 400 for an order, a band or a place that there is not.
    static func listingQuery(_ category: Category, _ fields: FormFields) throws -> ListingQuery {
        var query = ListingQuery(category, after: try cursor(fields), count: productsPerPage)
        func choice<Choice: RawRepresentable<String>>(_ name: String) throws -> Choice? {
            guard let text = fields[name], !text.isEmpty else { return nil }
            guard let choice = Choice(rawValue: text) else {
                throw Problem(.badRequest, code: "page.\(name)", detail: "There is no such choice.")
            }
            return choice
        }
        if let sorting: Sorting = try choice("sort") { query.sorting = sorting }
        query.band = try choice("price")
        query.isAvailable = fields["stock"] == "yes"
        return query
    }

    static func cursor(_ query: FormFields) throws -> PageCursor? {
        guard let text = query["after"] else { return nil }
        guard let cursor = PageCursor(text) else {
            throw Problem(.badRequest, code: "page.cursor", detail: "There is no such page.")
        }
        return cursor
    }

    /// Pages are not part of the API's document.
    static func asPage(_ info: inout RouteInfo) {
        info.isHidden = true
        info.bodyBytesMax = Exchange.formBytesMax
    }

    func addAssets(to routes: inout RouterBuilder) {
        let files: [(path: String, type: StaticString, text: String)] = [
            (Stylesheet.path, "text/css; charset=utf-8", Stylesheet.text),
            (Script.path, "text/javascript; charset=utf-8", Script.text),
        ]
        for file in files {
            let bytes = Array(file.text.utf8)
            let tag = "\"" + String(bytes.withUnsafeBytes { XXHash64.hash($0) }, radix: 16) + "\""
            routes.on(Route(.get, file.path), describe: Self.asPage) { exchange in
                exchange.answer(asset: bytes, type: file.type, etag: tag)
            }
        }
        // Browsers ask for it under this one address for good, so they ask again after a day.
        routes.file(
            "/favicon.svg",
            type: "image/svg+xml",
            bytes: Frame.icon.bytes,
            cacheControl: "public, max-age=86400"
        )
        let robots = "User-agent: *\nDisallow: /basket\nDisallow: /checkout\nDisallow: /orders\nDisallow: /search\n"
        routes.file("/robots.txt", bytes: Array(robots.utf8), cacheControl: "public, max-age=86400")
    }
}
