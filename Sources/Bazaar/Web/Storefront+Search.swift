import Apus

/// Search, and what it says while the visitor still types.
extension Storefront {
    static let searchPath = "/search"
    static let suggestionsPath = "/search/suggestions"

    func addSearch(to routes: inout RouterBuilder) {
        routes.on(Route(.get, Self.searchPath), describe: Self.asPage) { exchange in
            let fields = try exchange.queryFields()
            let query = SearchQuery(
                Text.trim(fields["q"] ?? ""),
                category: fields["department"].flatMap { Category(rawValue: $0) },
                after: try Self.cursor(fields),
                count: Self.productsPerPage
            )
            let session = exchange.sessionID
            async let visit = visit(session: session)
            func frame(_ visit: Visit?) -> Frame {
                var frame = Frame(visit)
                frame.searched = String(query.text.prefix(SearchQuery.lengthMax))
                return frame
            }
            if query.text.isEmpty { return exchange.answer(page: frame(try await visit).emptySearch()) }
            do {
                let found = try await catalogue.search(query)
                // What nobody sells may still be what somebody loves.
                let others =
                    found.products.isEmpty && query.after == nil ? try await catalogue.bestSellers(count: 6) : []
                exchange.answer(page: frame(try await visit).search(found, query, others: others))
            } catch let error as ShopError where error.code == .invalidInput {
                exchange.answer(.unprocessableContent, page: frame(try await visit).emptySearch(error: error.detail))
            }
        }
        routes.on(Route(.get, Self.suggestionsPath), describe: Self.asPage) { exchange in
            let text = Text.trim(try exchange.queryFields()["q"] ?? "")
            let found = text.isEmpty ? [] : try await catalogue.suggestions(text)
            exchange.answer(fragment: Frame.suggestions(found, for: text))
        }
    }
}
