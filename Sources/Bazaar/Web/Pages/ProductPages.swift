/// What a product's page shows.
struct ProductPage: Sendable {
    let product: Product
    /// When the visitor looks, in seconds since 1970: what the delivery estimate starts from.
    let orderedAt: Int64
    /// What was bought together with it.
    var companions: [Product] = []
    /// What stands next to it in its department.
    var neighbours: [Product] = []
    /// What the visitor looked at before.
    var seen: [Product] = []
    /// What was wrong with the quantity asked for.
    var error: String?
    /// The quantity as typed.
    var quantity = "1"

    init(_ product: Product, orderedAt: Int64) {
        self.product = product
        self.orderedAt = orderedAt
    }
}

extension Frame {
    /// One product, how it is bought, and where to look next.
    func product(_ content: ProductPage) -> HTML {
        let product = content.product
        let category = product.id.category
        return page(
            product.title,
            """
            \(crumbs([("/departments/\(category.rawValue)", category.title)]))<div class="product">\
            <div class="pic">\(PictureBook.shared.svg(product.id, title: product.title))</div><div><h1>\(product.title)</h1>\
            <p class="price">\(product.price.formatted)</p>\(stock(product.available))\(buyForm(content))\
            \(deliveryBox(content))<dl class="facts"><dt>Code</dt><dd>\(product.id.code.text)</dd><dt>Department</dt>\
            <dd><a href="/departments/\(category.rawValue)">\(category.title)</a></dd><dt>Popularity</dt>\
            <dd>in \(product.popularity) orders last year</dd></dl></div></div>\
            \(shelf("Bought together", "together", content.companions))\
            \(shelf("More from \(category.title)", "more", content.neighbours))\
            \(seenBefore(content.seen, beside: [product] + content.companions + content.neighbours))
            """
        )
    }

    private func shelf(_ title: String, _ id: String, _ products: [Product]) -> HTML {
        if products.isEmpty { return "" }
        return """
            <section aria-labelledby="\(id)"><div class="head"><h2 id="\(id)">\(title)</h2></div>\
            \(cards(products, isSmall: true))</section>
            """
    }

    private func buyForm(_ content: ProductPage) -> HTML {
        let product = content.product
        if product.available == 0 {
            return "<p class=\"notice\">This one is sold out. Have a look at what is bought with it.</p>"
        }
        let message = content.error.map { "<p class=\"error\" id=\"quantity-error\" role=\"alert\">\($0)</p>" as HTML }
        let invalid: HTML =
            content.error == nil ? "" : " aria-invalid=\"true\" aria-describedby=\"quantity-error\""
        return """
            <form class="buy" method="post" action="/basket/lines" data-buy>\(tokenField)<input type="hidden" name="product" \
            value="\(product.id.description)"><div><label for="quantity">Quantity</label><input class="number" \
            id="quantity" name="quantity" type="number" inputmode="numeric" min="1" max="999" required \
            value="\(content.quantity)"\(invalid)></div><button class="button">Add to basket</button></form>\(message)\
            <p class="said" role="status"></p>
            """
    }

    private func deliveryBox(_ content: ProductPage) -> HTML {
        let home = Delivery(orderedAt: content.orderedAt, to: .britain)
        let others = [Region.europe, .world].map { region in
            """
            <dt>\(region.title)</dt><dd>\(Delivery(orderedAt: content.orderedAt, to: region).formatted), \
            \(Postage.cost(of: content.product.price, to: region).formatted)</dd>
            """ as HTML
        }
        return """
            <div class="arrives"><p><strong>Arrives \(home.formatted)</strong><br>in the United Kingdom, ordered now. \
            \(Postage.britain.formatted), free from \(Postage.freeFrom.formatted).</p><details><summary>Delivery to other \
            countries</summary><dl>\(others)</dl></details></div>
            """
    }
}
