extension Frame {
    /// The front page.
    func home(bestSellers: [Product]) -> HTML {
        let tiles = Category.allCases.map { category in
            """
            <li><a href="/departments/\(category.rawValue)"><span class="pic">\(Picture(category).svg)</span>\
            \(category.title)</a></li>
            """ as HTML
        }
        let collage = bestSellers.prefix(3).map { product in
            """
            <a href="/products/\(product.id.description)" aria-label="\(product.title)">\
            \(Picture(product.id, title: product.title).svg)</a>
            """ as HTML
        }
        return page(
            "Small things for a happier house",
            """
            <div class="hero"><div><h1>Small things for a happier house</h1>\
            <p>Hearts, lanterns, cake stands and a good deal of bunting. Four thousand gifts, most of them under five \
            pounds.</p><a class="button" href="#best">See what people love</a></div>\
            <div class="collage">\(collage)</div></div>\
            <section aria-labelledby="departments"><div class="head"><h2 id="departments">Departments</h2></div>\
            <ul class="tiles">\(tiles)</ul></section>\
            <section aria-labelledby="best"><div class="head"><h2 id="best">Best sellers</h2></div>\
            \(cards(bestSellers))</section>
            """
        )
    }

    /// One page of a department: the products on it, best sellers first, and the address of the next page if there is one.
    func department(_ category: Category, products: [Product], next: String?, isFirst: Bool) -> HTML {
        let back: HTML =
            isFirst ? "" : "<a class=\"button quiet\" href=\"/departments/\(category.rawValue)\">Back to the start</a>"
        let more = next.map { "<a class=\"button quiet\" href=\"\($0)\">More</a>" as HTML }
        return page(
            category.title,
            """
            \(crumbs([]))<h1>\(category.title)</h1><p class="soft">\(category.strapline)</p>\
            <section aria-label="Products">\(cards(products))\
            <nav class="pages" aria-label="Pages">\(back)\(more)</nav></section>
            """
        )
    }

    /// One product, others from its department, and what was wrong with the quantity asked for.
    func product(_ product: Product, more: [Product], error: String? = nil, quantity: String = "1") -> HTML {
        let category = product.id.category
        let message = error.map { "<p class=\"error\" id=\"quantity-error\">\($0)</p>" as HTML }
        let invalid: HTML = error == nil ? "" : " aria-invalid=\"true\" aria-describedby=\"quantity-error\""
        let form: HTML =
            product.available == 0
            ? "<p class=\"notice\">This one is sold out. Have a look at what stands next to it.</p>"
            : """
            <form class="buy" method="post" action="/basket/lines">\(tokenField)<input type="hidden" name="product" \
            value="\(product.id.description)"><div><label for="quantity">Quantity</label><input class="number" \
            id="quantity" name="quantity" type="number" inputmode="numeric" min="1" max="999" required \
            value="\(quantity)"\(invalid)></div><button class="button">Add to basket</button></form>\(message)
            """
        let others: HTML =
            more.isEmpty
            ? ""
            : """
            <section aria-labelledby="more"><div class="head"><h2 id="more">More from \(category.title)</h2></div>\
            \(cards(more))</section>
            """
        return page(
            product.title,
            """
            \(crumbs([("/departments/\(category.rawValue)", category.title)]))<div class="product">\
            <div class="pic">\(Picture(product.id, title: product.title).svg)</div><div><h1>\(product.title)</h1>\
            <p class="price">\(product.price.formatted)</p>\(stock(product.available))\(form)\
            <dl class="facts"><dt>Code</dt><dd>\(product.id.code.text)</dd><dt>Department</dt><dd>\(category.title)</dd>\
            <dt>Delivery</dt><dd>\(Postage.britain.formatted) in the United Kingdom, free from \
            \(Postage.freeFrom.formatted)</dd></dl></div></div>\(others)
            """
        )
    }

    /// A page that says what went wrong.
    func problem(status: Int, title: String, sentence: String) -> HTML {
        page(
            title,
            """
            <div class="lone">\(Picture(status < 500 ? .lighting : .craft).svg)<h1>\(title)</h1><p>\(sentence)</p>\
            <a class="button" href="/">Back to the shop</a><p class="note">Code \(status)</p></div>
            """
        )
    }

    func crumbs(_ path: [(address: String, title: String)]) -> HTML {
        let links = path.map { " › <a href=\"\($0.address)\">\($0.title)</a>" as HTML }
        return "<nav class=\"crumbs\" aria-label=\"You are here\"><a href=\"/\">Bazaar</a>\(links)</nav>"
    }

    private func cards(_ products: [Product]) -> HTML {
        if products.isEmpty { return "<p class=\"soft\">There is nothing here at the moment.</p>" }
        let items = products.map { product in
            let flag: HTML =
                product.available == 0
                ? "<span class=\"flag\">Sold out</span>"
                : product.available < 10 ? "<span class=\"flag\">Last few</span>" : ""
            return """
                <li><article class="card"><span class="pic">\(Picture(product.id, title: product.title).svg)\(flag)</span>\
                <h3><a href="/products/\(product.id.description)">\(product.title)</a></h3>\
                <p class="price">\(product.price.formatted)</p></article></li>
                """ as HTML
        }
        return "<ul class=\"cards\">\(items)</ul>"
    }

    private func stock(_ available: Int) -> HTML {
        switch available {
        case 0: "<p class=\"stock none\">Sold out</p>"
        case 1..<10: "<p class=\"stock low\">Only \(available) left</p>"
        default: "<p class=\"stock\">In stock</p>"
        }
    }
}
