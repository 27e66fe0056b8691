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

    /// A department's products by popularity, from after `cursor` on.
    func department(_ category: Category, after cursor: PageCursor?, count: Int) async throws -> [Product] {
        let shard = try store.shard(for: CategoryKey(category: category))
        if let cursor {
            return try await shard.list(
                """
                SELECT \(sql: Self.columns) FROM products
                WHERE category = \(category) AND popularity <= \(cursor.popularity)
                  AND (popularity < \(cursor.popularity) OR code < \(cursor.code.text))
                ORDER BY popularity DESC, code DESC LIMIT \(count)
                """,
                as: ProductRow.self
            ).map(\.product)
        }
        return try await shard.list(
            """
            SELECT \(sql: Self.columns) FROM products WHERE category = \(category)
            ORDER BY popularity DESC, code DESC LIMIT \(count)
            """,
            as: ProductRow.self
        ).map(\.product)
    }
}

extension Category: SQLScalar {}
