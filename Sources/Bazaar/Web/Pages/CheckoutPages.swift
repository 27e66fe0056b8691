extension Frame {
    /// The basket, with a sentence beside each line that could not be changed as asked, and one above everything.
    func basket(
        _ basket: Basket,
        orderedAt: Int64,
        errors: [ProductID: String] = [:],
        notice: String? = nil
    ) -> HTML {
        guard !basket.lines.isEmpty else {
            return page(
                "Basket",
                """
                <div class="lone">\(PictureBook.svg(.bags))<h1>Your basket is empty</h1><p>Two thousand people bought a hanging \
                heart last year. It is a start.</p><a class="button" href="/">Look around</a></div>
                """
            )
        }
        let lines = basket.lines.map { basketLine($0, error: errors[$0.product.id]) }
        let message = notice.map { "<p class=\"notice bad\" role=\"alert\">\($0)</p>" as HTML }
        let missing = Postage.freeFrom - basket.goods
        let free: HTML =
            missing > .zero
            ? "<small>\(missing.formatted) more and delivery in the United Kingdom is free.</small>"
            : "<small>Delivery in the United Kingdom is free.</small>"
        return page(
            "Basket",
            """
            \(crumbs([]))<h1 tabindex="-1">Your basket</h1>\(message)<div class="split"><ul class="lines">\(lines)</ul>\
            <aside class="panel" aria-label="Summary"><h2>Summary</h2><dl class="sums"><dt>\(pieceCount(basket.pieces))</dt>\
            <dd>\(basket.goods.formatted)</dd><dt>Delivery, United Kingdom</dt>\
            <dd>\(delivery(Postage.cost(of: basket.goods, to: .britain)))</dd>\
            <dt class="total">Total</dt><dd class="total">\
            \((basket.goods + Postage.cost(of: basket.goods, to: .britain)).formatted)</dd></dl>\
            <a class="button wide" href="/checkout">Check out</a>\(free)<small>Ordered now, it arrives \
            \(Delivery(orderedAt: orderedAt, to: .britain).formatted) in the United Kingdom.</small></aside></div>
            """
        )
    }

    private func basketLine(_ line: Basket.Line, error: String?) -> HTML {
        let product = line.product
        let id = product.id.description
        let sentence =
            error ?? (line.isAvailable ? nil : product.available == 0 ? "Sold out." : "Only \(product.available) left.")
        let message = sentence.map { "<p class=\"error\" id=\"e-\(id)\">\($0)</p>" as HTML }
        let invalid: HTML = sentence == nil ? "" : " aria-invalid=\"true\" aria-describedby=\"e-\(id)\""
        return """
            <li><span class="pic">\(PictureBook.shared.svg(product.id, title: product.title))</span><div><h2>\
            <a href="/products/\(id)">\(product.title)</a></h2><p class="soft">\(product.price.formatted) each</p>\(message)\
            </div><p class="price">\(line.amount.formatted)</p><form method="post" action="/basket/lines/change" data-line>\
            \(tokenField)<input type="hidden" name="product" value="\(id)"><label for="q-\(id)">Quantity\
            <span class="hidden"> of \(product.title)</span></label><input class="number" id="q-\(id)" name="quantity" \
            type="number" inputmode="numeric" min="0" max="999" required value="\(line.quantity)"\(invalid)>\
            <button class="button quiet small plainonly">Update</button><button class="plain" name="remove" value="yes" \
            formnovalidate>Remove<span class="hidden"> \(product.title)</span></button></form></li>
            """
    }

    /// The checkout form with what was typed and what was wrong with it.
    func checkout(
        _ basket: Basket,
        form: CheckoutForm,
        now: Int64,
        errors: [String: String] = [:],
        notice: String? = nil
    ) -> HTML {
        let region = Country(name: form.country)?.region ?? .britain
        let lines = basket.lines.map { line in
            "<li><span>\(line.quantity) × \(line.product.title)</span><span class=\"price\">\(line.amount.formatted)</span></li>"
                as HTML
        }
        let version = form.version.map { "<input type=\"hidden\" name=\"version\" value=\"\($0)\">" as HTML }
        let options = Country.all.map { country in
            let selected: HTML = country.name == form.country ? " selected" : ""
            return "<option data-region=\"\(country.region.rawValue)\"\(selected)>\(country.name)</option>" as HTML
        }
        let invalid: HTML =
            errors["country"] == nil ? "" : " aria-invalid=\"true\" aria-describedby=\"country-error\""
        let sums = Region.allCases.map { self.sums(basket, to: $0, isShown: $0 == region, now: now) }
        return page(
            "Checkout",
            """
            \(crumbs([("/basket", "Basket")]))<h1>Checkout</h1>\(summary(errors, notice))<form class="split" method="post" \
            action="/checkout" data-checkout>\(tokenField)<input type="hidden" name="key" value="\(form.key)">\(version)\
            <fieldset class="fields"><legend>Where shall it go?</legend>\
            \(field("name", "Full name", form.name, "name", errors))\
            \(field("email", "Email", form.email, "email", errors, type: "email"))\
            \(field("street", "Street and number", form.street, "street-address", errors))\
            <div class="pair">\(field("town", "Town", form.town, "address-level2", errors))\
            \(field("postcode", "Postcode", form.postcode, "postal-code", errors))</div>\
            <div><label for="country">Country</label><select id="country" name="country" autocomplete="country-name"\(invalid)>\
            \(options)</select>\(errorText("country", errors))</div></fieldset>\
            <aside class="panel" aria-label="Your order"><h2>Your order</h2><ul class="brief">\(lines)</ul>\(sums)\
            <button class="button wide">Place order</button><small>No payment is taken. Delivery: \
            \(Postage.britain.formatted) in the United Kingdom (free from \(Postage.freeFrom.formatted)), \
            \(Postage.europe.formatted) in Europe, \(Postage.world.formatted) elsewhere.</small></aside></form>
            """
        )
    }

    /// What keeps an order from being placed, with a link to each field.
    private func summary(_ errors: [String: String], _ notice: String?) -> HTML {
        if let notice { return "<p class=\"notice bad\" role=\"alert\" tabindex=\"-1\">\(notice)</p>" }
        if errors.isEmpty { return "" }
        let order = ["name", "email", "street", "town", "postcode", "country"]
        let links = order.compactMap { field in
            errors[field].map { "<li><a href=\"#\(field)\">\($0)</a></li>" as HTML }
        }
        return """
            <div class="notice bad" role="alert" tabindex="-1"><p>Nothing was ordered yet:</p><ul>\(links)</ul></div>
            """
    }

    /// What it comes to for one region; scripts show the region of the country that is chosen.
    private func sums(_ basket: Basket, to region: Region, isShown: Bool, now: Int64) -> HTML {
        let postage = Postage.cost(of: basket.goods, to: region)
        let hidden: HTML = isShown ? "" : " hidden"
        return """
            <div data-sums="\(region.rawValue)"\(hidden)><dl class="sums"><dt>\(pieceCount(basket.pieces))</dt>\
            <dd>\(basket.goods.formatted)</dd><dt>Delivery, \(region.title)</dt><dd>\(delivery(postage))</dd>\
            <dt class="total">Total</dt><dd class="total">\((basket.goods + postage).formatted)</dd></dl>\
            <small>Arrives \(Delivery(orderedAt: now, to: region).formatted).</small></div>
            """
    }

    private func field(
        _ name: String,
        _ label: String,
        _ value: String,
        _ purpose: String,
        _ errors: [String: String],
        type: String = "text"
    ) -> HTML {
        let invalid: HTML = errors[name] == nil ? "" : " aria-invalid=\"true\" aria-describedby=\"\(name)-error\""
        return """
            <div><label for="\(name)">\(label)</label><input id="\(name)" name="\(name)" type="\(type)" \
            autocomplete="\(purpose)" maxlength="\(CheckoutForm.lengthMax(name))" required value="\(value)"\(invalid)>\
            \(errorText(name, errors))</div>
            """
    }

    private func errorText(_ name: String, _ errors: [String: String]) -> HTML {
        errors[name].map { "<p class=\"error\" id=\"\(name)-error\">\($0)</p>" } ?? ""
    }

    func pieceCount(_ pieces: Int) -> HTML { "\(pieces) \(pieces == 1 ? "piece" : "pieces")" }

    func delivery(_ postage: Money) -> HTML { postage == .zero ? "Free" : "\(postage.formatted)" }
}
