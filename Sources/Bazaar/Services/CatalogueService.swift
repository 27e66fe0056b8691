import Apus

/// The catalogue over the store; besides the caches it is given it keeps nothing between calls.
distributed actor CatalogueService: Catalogue {
    /// Most products in one answer.
    static let countMax = 100
    /// Most suggestions for what is being typed.
    static let suggestionsMax = 7

    private let table: CatalogueTable
    private let companionTable: CompanionTable
    private let caches: CatalogueCaches

    /// An instance over `store`, with the process's caches.
    init(actorSystem: ApusActorSystem, store: Store, caches: CatalogueCaches) {
        self.actorSystem = actorSystem
        table = CatalogueTable(store: store)
        companionTable = CompanionTable(store: store)
        self.caches = caches
    }

    distributed func product(_ id: ProductID) async throws -> Product? {
        try await answering { try await caches.products.find(id) { [table] in try await table.product(id) } }
    }

    distributed func products(_ ids: [ProductID]) async throws -> [Product] {
        try await answering {
            guard ids.count <= Basket.linesMax else {
                throw ShopError.invalid("products", "At most 100 products, please.")
            }
            return try await table.products(ids)
        }
    }

    distributed func department(_ query: ListingQuery) async throws -> Listing {
        try await answering {
            var query = query
            query.count = min(max(query.count, 1), Self.countMax)
            guard query.isPlain, query.after == nil else { return try await table.listing(query) }
            let (key, question) = (Shelf(category: query.category, count: query.count), query)
            let listing: Listing = try await caches.shelves.value(for: key) { [table] () async throws -> Listing in
                try await table.listing(question)
            }
            return listing
        }
    }

    distributed func bestSellers(count: Int) async throws -> [Product] {
        try await answering {
            let count = min(max(count, 1), Self.countMax)
            let best: [Product] = try await caches.best.value(for: count) { [table] () async throws -> [Product] in
                var best: [Product] = []
                // Whatever is among the best of all is among the best of its department.
                for category in Category.allCases { best += try await table.best(category, count: count) }
                best.sort { ($0.popularity, $1.id.code) > ($1.popularity, $0.id.code) }
                return Array(best.prefix(count))
            }
            return best
        }
    }

    distributed func companions(of id: ProductID) async throws -> [Product] {
        try await answering {
            let names: [ProductID] = try await caches.companions.value(for: id) {
                [companionTable] () async throws -> [ProductID] in
                try await companionTable.companions(of: id)
            }
            return try await cached(names)
        }
    }

    distributed func search(_ query: SearchQuery) async throws -> SearchPage {
        try await answering {
            try Self.check(query.text)
            let index = try await caches.search.index(of: table)
            let answer = index.search(query.text)
            var counts: [Category: Int] = [:]
            for hit in answer.hits { counts[index.entries[hit.place].id.category, default: 0] += 1 }
            var hits = answer.hits
            if let category = query.category { hits.removeAll { index.entries[$0.place].id.category != category } }
            let total = hits.count
            if let after = query.after {
                // Behind the cursor's place in the order of scores; the place itself may be gone.
                let place = index.entry(code: after.code.text) ?? .max
                hits = Array(hits.drop { (Int64($0.score), place) >= (after.rank, $0.place) })
            }
            let count = min(max(query.count, 1), Self.countMax)
            let shown = hits.prefix(count)
            let next = hits.count > count ? shown.last : nil
            return SearchPage(
                products: try await cached(shown.map { index.entries[$0.place].id }),
                total: total,
                next: next.map { PageCursor(rank: Int64($0.score), code: index.entries[$0.place].id.code) },
                corrected: answer.corrected,
                facets: counts.map { SearchPage.Facet(category: $0.key, count: $0.value) }
                    .sorted { ($0.count, $1.category.rawValue) > ($1.count, $0.category.rawValue) }
            )
        }
    }

    distributed func suggestions(_ text: String) async throws -> [Suggestion] {
        try await answering {
            try Self.check(text)
            let index = try await caches.search.index(of: table)
            return index.search(text, isTyping: true).hits.prefix(Self.suggestionsMax).map { hit in
                Suggestion(product: index.entries[hit.place].id, title: index.entries[hit.place].title)
            }
        }
    }

    private static func check(_ text: String) throws(ShopError) {
        guard text.unicodeScalars.count <= SearchQuery.lengthMax, text.utf8.count <= 4 * SearchQuery.lengthMax else {
            throw .invalid("q", "Please search for at most \(SearchQuery.lengthMax) characters.")
        }
    }

    /// Those of `ids` that there are, in their order, from the cache as far as it has them.
    private func cached(_ ids: [ProductID]) async throws -> [Product] {
        var found: [ProductID: Product] = [:]
        for id in ids { if let product = caches.products.cached(id) { found[id] = product } }
        let missing = ids.filter { found[$0] == nil }
        if !missing.isEmpty {
            for product in try await table.products(missing) {
                found[product.id] = product
                try await caches.products.set(product, for: product.id)
            }
        }
        return ids.compactMap { found[$0] }
    }
}

/// What a process keeps of the catalogue for a moment, for all its loops.
struct CatalogueCaches: Sendable {
    /// What product pages show; two seconds old at most, so stock shown may be gone when it is reserved.
    let products: Cache<ProductID, Product>
    /// First pages of the departments.
    let shelves: Cache<Shelf, Listing>
    /// The best sellers, by how many.
    let best: Cache<Int, [Product]>
    /// What is bought with what.
    let companions: Cache<ProductID, [ProductID]>
    let search: ProductSearch

    static var products: CacheConfiguration {
        var configuration = CacheConfiguration(capacity: 20_000, lifetime: .seconds(2))
        configuration.isShared = false
        return configuration
    }
}

/// A department's most popular products, so many of them.
struct Shelf: Sendable, Hashable, Codable {
    let category: Category
    let count: Int
}
