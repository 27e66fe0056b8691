import Apus

/// A visitor's orders, and one of them.
extension Storefront {
    static let ordersPath = "/orders"
    static let order = Route(.get, "/orders/{number}", OrderNumber.self)
    static let findOrderPath = "/orders/find"

    func addOrders(to routes: inout RouterBuilder) {
        routes.on(Route(.get, Self.ordersPath), describe: Self.asPage) { exchange in
            let visit = try await visit(exchange)
            exchange.answer(page: Frame(visit).orders(try await history(visit), now: now), caching: .never)
        }
        routes.on(Route(.post, Self.findOrderPath), describe: Self.asPage) { exchange in
            try await find(exchange)
        }
        routes.on(Self.order, describe: Self.asPage) { exchange, number in
            try await show(number, exchange)
        }
    }

    private func history(_ visit: Visit?) async throws -> [PlacedOrder] {
        guard let visit else { return [] }
        return try await orders.orders(of: visit.session.cart)
    }

    /// Leads to an order whose number and email address somebody knows.
    private func find(_ exchange: Exchange) async throws {
        let form = try await exchange.form()
        let visit = try await visit(exchange)
        // It changes nothing, so a form from nowhere may ask it too.
        let typed = Text.trim(form["number"] ?? "")
        let email = form["email"] ?? ""
        // Who guesses numbers and addresses is stopped, whichever process answers.
        let verdict = await searches.count(exchange.clientName)
        guard verdict.isAllowed else {
            let seconds = Int(verdict.resetsAfter.seconds.rounded(.up))
            exchange.setField("Retry-After", "\(seconds)")
            let page = Frame(visit).orders(
                try await history(visit),
                now: now,
                search: (typed, email, "That was often. Please try again in \(seconds) seconds.")
            )
            return exchange.answer(.tooManyRequests, page: page)
        }
        if email.utf8.count <= 4 * CheckoutForm.lengthMax("email"), typed.utf8.count <= 20,
            let number = OrderNumber(typed.uppercased()),
            let placed = try await orders.order(number.text, for: .email(email))
        {
            return exchange.redirect(to: "\(Self.order.path(number))?secret=\(placed.secret)")
        }
        let page = Frame(visit).orders(
            try await history(visit),
            now: now,
            search: (typed, email, "There is no order with this number and email address.")
        )
        exchange.answer(.unprocessableContent, page: page)
    }

    /// Shows an order to the session that made it, or to who has its secret; to all others there is none.
    private func show(_ number: OrderNumber, _ exchange: Exchange) async throws {
        if let secret = try exchange.queryFields()["secret"] {
            let session = exchange.sessionID
            async let visit = visit(session: session)
            guard let placed = try await orders.order(number.text, for: .secret(secret)) else {
                throw ShopError.notFound("order")
            }
            return exchange.answer(page: Frame(try await visit).order(placed.order, now: now), caching: .never)
        }
        guard let visit = try await visit(exchange),
            let placed = try await orders.order(number.text, for: .cart(visit.session.cart))
        else {
            throw ShopError.notFound("order")
        }
        let link = "\(Self.order.path(number))?secret=\(placed.secret)"
        exchange.answer(page: Frame(visit).order(placed.order, now: now, secretLink: link), caching: .never)
    }
}
