import Apus

/// The products of a store, read by department.
struct CatalogueTable: Sendable {
    let store: Store

    struct ProductRow: Row, Sendable {
        let product: Product

        init(from row: inout RowReader) throws {
            let category: Category = try row.next()
            let code: String = try row.next()
            guard let code = StockCode(code) else { throw row.mismatch("a stock code") }
            product = Product(
                id: ProductID(category: category, code: code),
                title: try row.next(),
                price: Money(mills: try row.next()),
                available: try row.next(),
                popularity: try row.next()
            )
        }
    }

    private static let columns: SQL = "category, code, title, price_mills, stock, popularity"

    func product(_ id: ProductID) async throws -> Product? {
        try await store.shard(for: CategoryKey(category: id.category)).seek(
            """
            SELECT \(sql: Self.columns) FROM products WHERE category = \(id.category) AND code = \(id.code.text)
            """,
            as: ProductRow.self
        )?.product
    }

    /// Those of `ids` that there are, in no particular order.
    func products(_ ids: [ProductID]) async throws -> [Product] {
        var found: [Product] = []
        for (category, ids) in Dictionary(grouping: ids, by: \.category).sorted(by: {
            $0.key.rawValue < $1.key.rawValue
        }) {
            found += try await store.shard(for: CategoryKey(category: category)).list(
                """
                SELECT \(sql: Self.columns) FROM products
                WHERE category = \(category) AND code IN (\(list: ids.map(\.code.text)))
                """,
                as: ProductRow.self
            ).map(\.product)
        }
        return found
    }

    /// Whether all of `ids` are there.
    func hasAll(_ ids: Set<ProductID>) async throws -> Bool {
        for (category, ids) in Dictionary(grouping: ids, by: \.category) {
            let found: Int = try await store.shard(for: CategoryKey(category: category)).one(
                """
                SELECT COUNT(*) FROM products WHERE category = \(category) AND code IN (\(list: ids.map(\.code.text)))
                """
            )
            guard found == ids.count else { return false }
        }
        return true
    }

    /// A department's most popular products.
    func best(_ category: Category, count: Int) async throws -> [Product] {
        try await page(ListingQuery(category, count: count)).map(\.product)
    }

    /// A page of a department, and how many there are on all.
    func listing(_ query: ListingQuery) async throws -> Listing {
        var probe = query
        probe.count += 1
        var products = try await page(probe).map(\.product)
        var next: PageCursor?
        if products.count > query.count {
            products.removeLast()
            next = products.last.map { PageCursor(after: $0, by: query.sorting) }
        }
        let shard = try store.shard(for: CategoryKey(category: query.category))
        let total: Int = try await shard.one("SELECT COUNT(*) FROM products WHERE \(sql: Self.filter(query))")
        return Listing(products: products, total: total, next: next)
    }

    private func page(_ query: ListingQuery) async throws -> [ProductRow] {
        let shard = try store.shard(for: CategoryKey(category: query.category))
        return try await shard.list(
            """
            SELECT \(sql: Self.columns) FROM products WHERE \(sql: Self.filter(query)) \(sql: Self.start(query))
            ORDER BY \(sql: Self.order(query.sorting)) LIMIT \(query.count)
            """,
            as: ProductRow.self
        )
    }

    private static func filter(_ query: ListingQuery) -> SQL {
        let available: SQL = query.isAvailable ? "AND stock > 0" : ""
        guard let band = query.band?.mills else { return "category = \(query.category) \(sql: available)" }
        return """
            category = \(query.category) AND price_mills >= \(band.lowerBound) AND price_mills < \(band.upperBound)
            \(sql: available)
            """
    }

    private static func order(_ sorting: Sorting) -> SQL {
        switch sorting {
        case .popular: "popularity DESC, code DESC"
        case .cheap: "price_mills, code"
        case .dear: "price_mills DESC, code DESC"
        case .name: "title, code"
        }
    }

    /// What comes after the query's cursor in its order.
    private static func start(_ query: ListingQuery) -> SQL {
        guard let after = query.after else { return "" }
        let (rank, code) = (after.rank, after.code.text)
        return switch query.sorting {
        case .popular: "AND popularity <= \(rank) AND (popularity < \(rank) OR code < \(code))"
        case .cheap: "AND price_mills >= \(rank) AND (price_mills > \(rank) OR code > \(code))"
        case .dear: "AND price_mills <= \(rank) AND (price_mills < \(rank) OR code < \(code))"
        case .name:
            """
            AND (title, code) > (SELECT title, code FROM products WHERE category = \(query.category) AND code = \(code))
            """
        }
    }

    /// Every product of every department.
    func everything() async throws -> [Product] {
        var products: [Product] = []
        for category in Category.allCases {
            products += try await store.shard(for: CategoryKey(category: category)).scan(
                "SELECT \(sql: Self.columns) FROM products WHERE category = \(category)",
                as: ProductRow.self
            ).map(\.product)
        }
        return products
    }
}

extension Category: SQLScalar {}
