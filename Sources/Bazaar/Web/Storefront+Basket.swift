import Apus

/// The basket and its forms.
extension Storefront {
    static let basketPath = "/basket"
    static let addLine = Route(.post, "/basket/lines")

    func addBasket(to routes: inout RouterBuilder) {
        routes.on(Route(.get, Self.basketPath), describe: Self.asPage) { exchange in
            let visit = try await visit(exchange)
            exchange.answer(page: Frame(visit).basket(try await basket(of: visit), orderedAt: now))
        }
        routes.on(Self.addLine, describe: Self.asPage) { exchange in
            try await add(exchange)
        }
        routes.on(Route(.post, "/basket/lines/change"), describe: Self.asPage) { exchange in
            try await change(exchange)
        }
    }

    func basket(of visit: Visit?) async throws -> Basket {
        guard let visit else { return Basket(lines: []) }
        return try await basket(visit.cart)
    }

    /// Puts a product in; the first one begins a session.
    private func add(_ exchange: Exchange) async throws {
        let form = try await exchange.form()
        let visit = try await visit(exchange)
        try exchange.checkToken(form, session: visit?.session)
        guard let product = form["product"].flatMap({ ProductID($0) }) else { throw ShopError.notFound("product") }
        let typed = form["quantity"] ?? "1"
        do {
            let quantity = try Text.quantity(typed)
            if let visit {
                _ = try await carts.add(product, quantity: quantity, to: visit.session.cart)
            } else {
                let session = try await carts.createSession()
                _ = try await carts.add(product, quantity: quantity, to: session.cart)
                exchange.setSession(session)
            }
            exchange.redirect(to: Self.basketPath)
        } catch let error as ShopError where error.code == .invalidInput {
            var page = try await productPage(product, seen: exchange.seen)
            page.error = error.detail
            page.quantity = typed
            exchange.answer(.unprocessableContent, page: Frame(visit, department: product.category).product(page))
        }
    }

    private func change(_ exchange: Exchange) async throws {
        let form = try await exchange.form()
        guard let visit = try await visit(exchange) else { return exchange.redirect(to: Self.basketPath) }
        try exchange.checkToken(form, session: visit.session)
        guard let product = form["product"].flatMap({ ProductID($0) }) else { throw ShopError.notFound("product") }
        do {
            let range = 0...Basket.quantityRange.upperBound
            let quantity = form["remove"] == nil ? try Text.quantity(form["quantity"] ?? "", in: range) : 0
            _ = try await carts.set(product, quantity: quantity, in: visit.session.cart)
            exchange.redirect(to: Self.basketPath)
        } catch let error as ShopError where error.code == .invalidInput {
            let page = Frame(visit)
                .basket(try await basket(visit.cart), orderedAt: now, errors: [product: error.detail])
            exchange.answer(.unprocessableContent, page: page)
        }
    }
}
