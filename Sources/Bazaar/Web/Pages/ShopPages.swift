extension Frame {
    /// The front page.
    func home(bestSellers: [Product], seen: [Product]) -> HTML {
        let tiles = Category.allCases.map { category in
            """
            <li><a href="/departments/\(category.rawValue)"><span class="pic">\(PictureBook.svg(category))</span>\
            \(category.title)</a></li>
            """ as HTML
        }
        let collage = bestSellers.prefix(3).map { product in
            """
            <a href="/products/\(product.id.description)" aria-label="\(product.title)">\
            \(PictureBook.shared.svg(product.id, title: product.title))</a>
            """ as HTML
        }
        let best = Array(bestSellers.dropFirst(3))
        return page(
            "Small things for a happier house",
            """
            <div class="hero"><div><h1>Small things for a happier house</h1>\
            <p>Hearts, lanterns, cake stands and a good deal of bunting. Four thousand gifts, most of them under five \
            pounds.</p><a class="button" href="#best">See what people love</a></div>\
            <div class="collage">\(collage)</div></div>\(seenBefore(seen, beside: bestSellers))\
            <section aria-labelledby="departments"><div class="head"><h2 id="departments">Departments</h2></div>\
            <ul class="tiles">\(tiles)</ul></section>\
            <section aria-labelledby="best"><div class="head"><h2 id="best">Best sellers</h2></div>\
            \(cards(best))</section>
            """
        )
    }

    /// A page of a department and the form that chooses what is on it.
    func department(_ listing: Listing, _ query: ListingQuery) -> HTML {
        let category = query.category
        let count: HTML = "\(listing.total) \(listing.total == 1 ? "thing" : "things")"
        let content: HTML =
            listing.products.isEmpty
            ? """
            <div class="none"><p>Nothing here fits all of that.</p><a class="button quiet" \
            href="/departments/\(category.rawValue)">Show everything</a></div>
            """
            : "\(cards(listing.products))"
        return page(
            category.title,
            """
            \(crumbs([]))<div class="titled"><h1>\(category.title)</h1><p class="soft">\(category.strapline)</p></div>\
            \(choices(query))<p class="count" role="status">\(count)</p><section class="tight" aria-labelledby="products">\
            <h2 class="hidden" id="products">Products</h2>\(content)\(pages(query.after != nil, listing.next.map { address(query, after: $0) }, first: address(query)))\
            </section>
            """
        )
    }

    /// The address of a department's page with the same choices.
    private func address(_ query: ListingQuery, after: PageCursor? = nil) -> String {
        var fields: [String] = []
        if query.sorting != .popular { fields.append("sort=\(query.sorting.rawValue)") }
        if let band = query.band { fields.append("price=\(band.rawValue)") }
        if query.isAvailable { fields.append("stock=yes") }
        if let after { fields.append("after=\(after)") }
        let path = "/departments/\(query.category.rawValue)"
        return fields.isEmpty ? path : path + "?" + fields.joined(separator: "&")
    }

    private func choices(_ query: ListingQuery) -> HTML {
        let sortings = Sorting.allCases.map { option($0.rawValue, $0.title, isChosen: $0 == query.sorting) }
        let bands = PriceBand.allCases.map { option($0.rawValue, $0.title, isChosen: $0 == query.band) }
        let checked: HTML = query.isAvailable ? " checked" : ""
        return """
            <form class="choices" action="/departments/\(query.category.rawValue)" data-auto aria-label="Sort and filter">\
            <div><label for="sort">Sort by</label><select id="sort" name="sort">\(sortings)</select></div>\
            <div><label for="price">Price</label><select id="price" name="price"><option value="">Any price</option>\
            \(bands)</select></div><label class="tick"><input type="checkbox" name="stock" value="yes"\(checked)>In stock \
            only</label><button class="button quiet small plainonly">Show</button></form>
            """
    }

    func option(_ value: String, _ title: String, isChosen: Bool) -> HTML {
        let selected: HTML = isChosen ? " selected" : ""
        return "<option value=\"\(value)\"\(selected)>\(title)</option>"
    }

    /// Where to go from a page of products.
    func pages(_ isLater: Bool, _ next: String?, first: String) -> HTML {
        guard isLater || next != nil else { return "" }
        let back: HTML = isLater ? "<a class=\"button quiet\" href=\"\(first)\">Back to the start</a>" : ""
        let more = next.map { "<a class=\"button quiet\" rel=\"next\" href=\"\($0)\">Next page</a>" as HTML }
        return "<nav class=\"pages\" aria-label=\"Pages\">\(back)\(more)</nav>"
    }

    /// What the visitor looked at before, without what the page shows anyway.
    func seenBefore(_ seen: [Product], beside shown: [Product]) -> HTML {
        let fresh = seen.filter { product in !shown.contains { $0.id == product.id } }
        if fresh.isEmpty { return "" }
        return """
            <section aria-labelledby="seen"><div class="head"><h2 id="seen">You looked at</h2></div>\
            \(cards(fresh, isSmall: true))</section>
            """
    }

    /// A page that says what went wrong.
    func problem(status: Int, title: String, sentence: String) -> HTML {
        page(
            title,
            """
            <div class="lone">\(PictureBook.svg(status < 500 ? .lighting : .craft))<h1>\(title)</h1><p>\(sentence)</p>\
            <a class="button" href="/">Back to the shop</a><p class="note">Code \(status)</p></div>
            """
        )
    }

    /// What every page says while the shop is closed.
    func closed() -> HTML {
        page(
            "Closed for a moment",
            """
            <div class="lone">\(PictureBook.svg(.signs))<h1>Closed for a moment</h1><p>We are counting the bunting. Your basket \
            and your orders are safe; please come back in a few minutes.</p>\
            <a class="button" href="">Try again</a></div>
            """
        )
    }

    func crumbs(_ path: [(address: String, title: String)]) -> HTML {
        let links = path.map { " › <a href=\"\($0.address)\">\($0.title)</a>" as HTML }
        return "<nav class=\"crumbs\" aria-label=\"You are here\"><a href=\"/\">Bazaar</a>\(links)</nav>"
    }

    /// Products side by side.
    func cards(_ products: [Product], isSmall: Bool = false) -> HTML {
        if products.isEmpty { return "<p class=\"soft\">There is nothing here at the moment.</p>" }
        let items = products.map { product in
            let flag: HTML =
                product.available == 0
                ? "<span class=\"flag\">Sold out</span>"
                : product.available < 10 ? "<span class=\"flag\">Last few</span>" : ""
            return """
                <li><article class="card"><span class="pic">\(PictureBook.shared.svg(product.id, title: product.title))\(flag)</span>\
                <h3><a href="/products/\(product.id.description)">\(product.title)</a></h3>\
                <p class="price">\(product.price.formatted)</p></article></li>
                """ as HTML
        }
        return isSmall ? "<ul class=\"cards few\">\(items)</ul>" : "<ul class=\"cards\">\(items)</ul>"
    }

    func stock(_ available: Int) -> HTML {
        switch available {
        case 0: "<p class=\"stock none\">Sold out</p>"
        case 1..<10: "<p class=\"stock low\">Only \(available) left</p>"
        default: "<p class=\"stock\">In stock</p>"
        }
    }
}
