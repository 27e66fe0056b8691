import Apus

/// The checkout's form.
extension Storefront {
    static let checkoutPath = "/checkout"

    func addCheckout(to routes: inout RouterBuilder) {
        routes.on(Route(.get, Self.checkoutPath), describe: Self.asPage) { exchange in
            let visit = try await visit(exchange)
            let basket = try await basket(of: visit)
            guard let visit, !basket.lines.isEmpty else { return exchange.redirect(to: Self.basketPath) }
            exchange.answer(page: Frame(visit).checkout(basket, form: Self.freshForm(visit), now: now), caching: .never)
        }
        routes.on(Route(.post, Self.checkoutPath), describe: Self.asPage) { exchange in
            try await place(exchange)
        }
    }

    private static func freshForm(_ visit: Visit) -> CheckoutForm {
        var form = CheckoutForm(key: SecureRandom.token())
        form.version = visit.cart.version
        return form
    }

    private func place(_ exchange: Exchange) async throws {
        let fields = try await exchange.form()
        guard let visit = try await visit(exchange) else { return exchange.redirect(to: Self.basketPath) }
        try exchange.checkToken(fields, session: visit.session)
        var form = CheckoutForm(fields)
        try CheckoutForm.checkKey(form.key)
        let address: Address
        switch form.checked() {
        case .success(let checked): address = checked
        case .failure(let refusal):
            let basket = try await basket(visit.cart)
            if basket.lines.isEmpty { return exchange.redirect(to: Self.basketPath) }
            let page = Frame(visit).checkout(basket, form: form, now: now, errors: refusal.errors)
            return exchange.answer(.unprocessableContent, page: page)
        }
        do {
            let request = CheckoutRequest(
                key: form.key,
                cart: visit.session.cart,
                version: form.version,
                address: address
            )
            let placed = try await orders.checkOut(request)
            exchange.redirect(to: "/orders/\(placed.order.number)")
        } catch let error as ShopError where error.code != .unavailable {
            if error.code == .emptyCart { return exchange.redirect(to: Self.basketPath) }
            let basket = try await basket(visit.cart)
            if basket.lines.isEmpty { return exchange.redirect(to: Self.basketPath) }
            // Nothing was bought under this key, and what the visitor sees now may be other than before.
            form.key = SecureRandom.token()
            form.version = visit.cart.version
            let notice =
                error.code == .conflict
                ? "Your basket changed meanwhile. Please look again before you order." : error.detail
            exchange.answer(error.status, page: Frame(visit).checkout(basket, form: form, now: now, notice: notice))
        }
    }
}

extension CheckoutForm {
    /// What a browser sent.
    init(_ fields: FormFields) {
        self.init(key: fields["key"] ?? "")
        name = fields["name"] ?? ""
        email = fields["email"] ?? ""
        street = fields["street"] ?? ""
        town = fields["town"] ?? ""
        postcode = fields["postcode"] ?? ""
        country = fields["country"] ?? ""
        version = fields["version"].flatMap { Int64($0) }
    }
}
