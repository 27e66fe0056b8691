import Apus

/// Home, departments, products, and what pages need to look right.
extension Storefront {
    static let home = Route(.get, "/")
    static let department = Route(.get, "/departments/{department}", Category.self)
    static let product = Route(.get, "/products/{product}", ProductID.self)

    static let bestSellersShown = 16
    static let productsPerPage = 24

    func addShop(to routes: inout RouterBuilder) {
        routes.on(Self.home, describe: Self.asPage) { exchange in
            let best = try await catalogue.bestSellers(count: Self.bestSellersShown)
            exchange.answer(page: try await frame(exchange).home(bestSellers: best))
        }
        routes.on(Self.department, describe: Self.asPage) { exchange, category in
            let after = try Self.cursor(try exchange.queryFields())
            var products = try await catalogue.department(category, after: after, count: Self.productsPerPage + 1)
            var next: String?
            if products.count > Self.productsPerPage {
                products.removeLast()
                next = products.last.map { "\(Self.department.path(category))?after=\(PageCursor(after: $0))" }
            }
            let frame = try await frame(exchange, department: category)
            exchange.answer(
                page: frame.department(category, products: products, next: next, isFirst: after == nil)
            )
        }
        routes.on(Self.product, describe: Self.asPage) { exchange, id in
            let page = try await productPage(id, try await visit(exchange))
            exchange.answer(page: page)
        }
    }

    /// A product's page, with what was wrong with the quantity asked for.
    ///
    /// - Throws: ``ShopError`` with code `notFound`.
    func productPage(_ id: ProductID, _ visit: Visit?, error: String? = nil, quantity: String = "1") async throws
        -> HTML
    {
        guard let product = try await catalogue.product(id) else { throw ShopError.notFound("product") }
        // The department's next ones by popularity: neighbours on the shelf.
        let more = try await catalogue.department(id.category, after: PageCursor(after: product), count: 4)
        return Frame(visit, department: id.category).product(product, more: more, error: error, quantity: quantity)
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
        let style = Array(Stylesheet.text.utf8)
        let styleTag = "\"" + Stylesheet.path.dropFirst(7).prefix(16) + "\""
        routes.on(Route(.get, Stylesheet.path), describe: Self.asPage) { exchange in
            exchange.answer(asset: style, type: "text/css; charset=utf-8", etag: styleTag)
        }
        let icon = Frame.icon.bytes
        let iconTag = "\"" + String(icon.withUnsafeBytes { XXHash64.hash($0) }, radix: 16) + "\""
        routes.on(Route(.get, "/favicon.svg"), describe: Self.asPage) { exchange in
            exchange.answer(asset: icon, type: "image/svg+xml", etag: iconTag)
        }
        routes.on(Route(.get, "/robots.txt"), describe: Self.asPage) { exchange in
            exchange.answer(
                type: "text/plain; charset=utf-8",
                text: "User-agent: *\nDisallow: /basket\nDisallow: /checkout\nDisallow: /orders/\n"
            )
        }
    }
}
