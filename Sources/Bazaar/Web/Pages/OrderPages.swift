extension Frame {
    /// The orders of this visitor, and a form that finds any other.
    func orders(
        _ orders: [PlacedOrder],
        now: Int64,
        search: (number: String, email: String, error: String)? = nil
    ) -> HTML {
        let items = orders.map { item($0.order, now: now) }
        let list: HTML =
            orders.isEmpty
            ? """
            <div class="none"><p>Nothing was ordered from this browser yet.</p>\
            <a class="button quiet" href="/">Look around</a></div>
            """
            : "<ul class=\"orders\">\(items)</ul>"
        let message = search.map { "<p class=\"error\" id=\"find-error\" role=\"alert\">\($0.error)</p>" as HTML }
        let invalid: HTML = search == nil ? "" : " aria-invalid=\"true\" aria-describedby=\"find-error\""
        return page(
            "Your orders",
            """
            \(crumbs([]))<h1>Your orders</h1><div class="split"><section class="tight" aria-label="Orders">\(list)</section>\
            <aside class="panel" aria-labelledby="find"><h2 id="find">Find an order</h2><form class="fields" method="post" \
            action="/orders/find">\(tokenField)<div><label for="number">Order number</label><input id="number" name="number" \
            maxlength="20" autocomplete="off" autocapitalize="characters" spellcheck="false" required \
            value="\(search?.number ?? "")"\(invalid)>\(message)</div><div><label for="email">Email</label><input id="email" \
            name="email" type="email" autocomplete="email" maxlength="\(CheckoutForm.lengthMax("email"))" required \
            value="\(search?.email ?? "")"></div><button class="button quiet">Find it</button></form></aside></div>
            """
        )
    }

    private func item(_ order: Order, now: Int64) -> HTML {
        let pictures = order.lines.prefix(4).compactMap { line in
            line.product.map { "<span class=\"pic\">\(PictureBook.shared.svg($0, title: line.title))</span>" as HTML }
        }
        return """
            <li><div class="pictures">\(pictures)</div><div><h2><a href="/orders/\(order.number)">Order \(order.number)</a></h2>\
            <p class="soft">\(CivilDay(seconds: order.placedAt).formatted), \(pieceCount(order.pieces))</p>\
            <p>\(progress(order, now: now).last ?? "")</p></div><p class="price">\(order.total.formatted)</p></li>
            """
    }

    /// An order, for the visitor who may see it.
    ///
    /// Who made it also gets the address that shows it to whoever has that.
    func order(_ order: Order, now: Int64, secretLink: String? = nil) -> HTML {
        let lines = order.lines.map { orderLine($0) }
        let heading = secretLink == nil ? "Order \(order.number)" : "Thank you, it is on its way"
        let link = secretLink.map { address in
            """
            <p class="notice">Keep this link to come back to your order from anywhere:<br><a href="\(address)">\
            Order \(order.number)</a></p>
            """ as HTML
        }
        let address = order.address.map { address in
            """
            <h2>Delivered to</h2><p>\(address.name)<br>\(address.street)<br>\(address.postcode) \(address.town)<br>\
            \(address.country)</p><small>\(address.email)</small>
            """ as HTML
        }
        return page(
            "Order \(order.number)",
            """
            \(crumbs([("/orders", "Your orders")]))<h1>\(heading)</h1><p class="soft">Order \(order.number), placed on \
            \(CivilDay(seconds: order.placedAt).formatted)</p>\(link)\(steps(order, now: now))\
            <div class="split"><div class="panel"><h2>What you ordered</h2><ul class="lines">\(lines)</ul>\
            <dl class="sums"><dt>\(pieceCount(order.pieces))</dt><dd>\(order.goods.formatted)</dd><dt>Delivery</dt>\
            <dd>\(delivery(order.postage))</dd><dt class="total">Total</dt><dd class="total">\(order.total.formatted)</dd></dl>\
            </div><aside class="panel" aria-label="Delivery">\(address)<a class="button quiet wide" href="/">Keep looking \
            around</a></aside></div>
            """
        )
    }

    private func orderLine(_ line: OrderLine) -> HTML {
        let picture = line.product.map {
            "<span class=\"pic\">\(PictureBook.shared.svg($0, title: line.title))</span>" as HTML
        }
        let title: HTML =
            line.product.map { "<a href=\"/products/\($0.description)\">\(line.title)</a>" } ?? "\(line.title)"
        return """
            <li>\(picture)<div><h2>\(title)</h2><p class="soft">\(line.quantity) × \(line.unitPrice.formatted)</p></div>\
            <p class="price">\(line.amount.formatted)</p></li>
            """
    }

    /// What has happened to an order by the calendar, in sentences.
    private func progress(_ order: Order, now: Int64) -> [String] {
        let region = Country(name: order.country)?.region ?? .world
        let delivery = Delivery(orderedAt: order.placedAt, to: region)
        let today = CivilDay(seconds: now).number
        if today > delivery.latest.number { return ["Ordered", "Packed", "Delivered"] }
        if today > delivery.packed.number { return ["Ordered", "Packed", "Arrives \(delivery.formatted)"] }
        return ["Ordered", "Packed on \(delivery.packed.spoken)", "Arrives \(delivery.formatted)"]
    }

    private func steps(_ order: Order, now: Int64) -> HTML {
        let sentences = progress(order, now: now)
        let done = sentences.count { ["Ordered", "Packed", "Delivered"].contains($0) }
        let items = sentences.enumerated().map { index, sentence in
            let state: HTML = index < done ? " class=\"done\"" : ""
            return "<li\(state)>\(sentence)</li>" as HTML
        }
        return "<ol class=\"steps\" aria-label=\"Progress by the calendar\">\(items)</ol>"
    }
}
