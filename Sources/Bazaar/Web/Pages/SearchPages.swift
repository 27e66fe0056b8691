import Apus

extension Frame {
    /// What was found, or what else there is.
    func search(_ found: SearchPage, _ query: SearchQuery, others: [Product]) -> HTML {
        let shown = found.corrected ?? query.text
        if found.products.isEmpty, query.after == nil { return nothing(query, others) }
        let correction = found.corrected.map { corrected in
            """
            <p class="notice" role="status">Nothing is called “\(query.text)”. This is what there is for \
            <strong>“\(corrected)”</strong>.</p>
            """ as HTML
        }
        let count: HTML = "\(found.total) \(found.total == 1 ? "thing" : "things")"
        let next = found.next.map { Self.searchAddress(query, query.category, after: $0) }
        return page(
            "“\(shown)”",
            """
            \(crumbs([]))<h1>“\(shown)”</h1>\(correction)\(facets(found, query))<p class="count" role="status">\(count)</p>\
            <section class="tight" aria-labelledby="products"><h2 class="hidden" id="products">Products</h2>\(cards(found.products))\
            \(pages(query.after != nil, next, first: Self.searchAddress(query, query.category)))</section>
            """
        )
    }

    private func nothing(_ query: SearchQuery, _ others: [Product]) -> HTML {
        let everywhere: HTML =
            query.category == nil
            ? ""
            : "<a class=\"button quiet\" href=\"\(Self.searchAddress(query, nil))\">Search all departments</a>"
        return page(
            "Nothing for “\(query.text)”",
            """
            <div class="lone">\(PictureBook.svg(.storage))<h1>Nothing for “\(query.text)”</h1><p>Try one word, or another word: \
            heart, lantern, bunting, cake.</p>\(everywhere)</div><section aria-labelledby="best"><div class="head">\
            <h2 id="best">What other people love</h2></div>\(cards(others, isSmall: true))</section>
            """
        )
    }

    /// The search page before anything was searched for, or when it was too much.
    func emptySearch(error: String? = nil) -> HTML {
        let message = error.map { "<p class=\"notice bad\" role=\"alert\">\($0)</p>" as HTML }
        return page(
            "Search",
            """
            <div class="lone">\(PictureBook.svg(.lighting))<h1>What are you looking for?</h1>\(message)<p>Type a word or two into \
            the field above: a colour, a thing, a code.</p></div>
            """
        )
    }

    private func facets(_ found: SearchPage, _ query: SearchQuery) -> HTML {
        guard found.facets.count > 1 || query.category != nil else { return "" }
        let all = found.facets.reduce(0) { $0 + $1.count }
        let chips = found.facets.map { facet in
            chip(
                facet.category.title,
                facet.count,
                Self.searchAddress(query, facet.category),
                query.category == facet.category
            )
        }
        return """
            <nav class="chips" aria-label="Departments with results"><ul>\
            \(chip("All", all, Self.searchAddress(query, nil), query.category == nil))\(chips)</ul></nav>
            """
    }

    private func chip(_ title: String, _ count: Int, _ address: String, _ isCurrent: Bool) -> HTML {
        let current: HTML = isCurrent ? " aria-current=\"true\"" : ""
        return "<li><a href=\"\(address)\"\(current)>\(title) <span>\(count)</span></a></li>"
    }

    private static func searchAddress(_ query: SearchQuery, _ category: Category?, after: PageCursor? = nil) -> String {
        var writer = ByteWriter(capacity: 128)
        writer.append("/search?q=")
        writer.append(percentEncoding: query.text)
        if let category {
            writer.append("&department=")
            writer.append(string: category.rawValue)
        }
        if let after {
            writer.append("&after=")
            writer.append(string: after.description)
        }
        return writer.string
    }

    /// The list under the search field, for scripts.
    static func suggestions(_ found: [Suggestion], for text: String) -> HTML {
        let items = found.enumerated().map { index, suggestion in
            """
            <li role="option" id="s\(index)" aria-selected="false" data-href="/products/\(suggestion.product.description)">\
            <span class="pic">\(PictureBook.shared.svg(suggestion.product, title: suggestion.title))</span>\(suggestion.title)</li>
            """ as HTML
        }
        return HTML(items)
    }
}
