import Apus

/// The catalogue over the store; it keeps nothing between calls.
distributed actor CatalogueService: Catalogue {
    /// Most products in one answer.
    static let countMax = 100

    private let table: CatalogueTable
    private let cachedProducts: Cache<ProductID, Product>
    private let shelves: Cache<Shelf, [Product]>

    /// An instance over `store`, with the process's caches of single products and of departments' first pages.
    init(
        actorSystem: ApusActorSystem,
        store: Store,
        products: Cache<ProductID, Product>,
        shelves: Cache<Shelf, [Product]>
    ) {
        self.actorSystem = actorSystem
        table = CatalogueTable(store: store)
        cachedProducts = products
        self.shelves = shelves
    }

    distributed func product(_ id: ProductID) async throws -> Product? {
        try await answering { try await cachedProducts.find(id) { [table] in try await table.product(id) } }
    }

    distributed func products(_ ids: [ProductID]) async throws -> [Product] {
        try await answering {
            guard ids.count <= Basket.linesMax else {
                throw ShopError.invalid("products", "At most 100 products, please.")
            }
            return try await table.products(ids)
        }
    }

    distributed func department(_ category: Category, after: PageCursor?, count: Int) async throws -> [Product] {
        try await answering {
            let count = min(max(count, 1), Self.countMax)
            if let after { return try await table.department(category, after: after, count: count) }
            return try await shelf(category, count)
        }
    }

    distributed func bestSellers(count: Int) async throws -> [Product] {
        try await answering {
            let count = min(max(count, 1), Self.countMax)
            var best: [Product] = []
            // Whatever is among the best of all is among the best of its department.
            for category in Category.allCases { best += try await shelf(category, count) }
            best.sort { ($0.popularity, $1.id.code) > ($1.popularity, $0.id.code) }
            return Array(best.prefix(count))
        }
    }

    private func shelf(_ category: Category, _ count: Int) async throws -> [Product] {
        let key = Shelf(category: category, count: count)
        let products: [Product] = try await shelves.value(for: key) { [table] () async throws -> [Product] in
            try await table.department(category, after: nil, count: count)
        }
        return products
    }
}

/// A department's most popular products, so many of them.
struct Shelf: Sendable, Hashable {
    let category: Category
    let count: Int
}
