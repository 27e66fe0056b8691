import Apus
import ApusStore
import Distributed

/// The catalogue over the store; it keeps nothing between calls.
distributed actor CatalogueService: Catalogue {
    /// Most products in one answer.
    static let countMax = 100

    private let table: CatalogueTable

    init(actorSystem: ApusActorSystem, store: Store) {
        self.actorSystem = actorSystem
        table = CatalogueTable(store: store)
    }

    distributed func product(_ id: ProductID) async throws -> Product? {
        try await answering { try await table.product(id) }
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
            try await table.department(category, after: after, count: min(max(count, 1), Self.countMax))
        }
    }

    distributed func bestSellers(count: Int) async throws -> [Product] {
        try await answering {
            let count = min(max(count, 1), Self.countMax)
            var best: [Product] = []
            // Whatever is among the best of all is among the best of its department.
            for category in Category.allCases { best += try await table.department(category, after: nil, count: count) }
            best.sort { ($0.popularity, $1.id.code) > ($1.popularity, $0.id.code) }
            return Array(best.prefix(count))
        }
    }
}
