import Apus

/// What is bought together with what, beside the products of each department.
struct CompanionTable: Sendable {
    let store: Store

    /// The rule by which the table was made; raise it with the rule, and the next start makes the table again.
    static let edition = "1"
    private static let note = "companions"
    /// Order lines read at a time.
    private static let linesPerRead = 50_000

    /// Names of the products that go with `id`, the nearest first.
    func companions(of id: ProductID) async throws -> [ProductID] {
        try await store.shard(for: CategoryKey(category: id.category)).list(
            """
            SELECT companion FROM companions WHERE category = \(id.category) AND code = \(id.code.text) ORDER BY place
            """,
            as: String.self
        ).compactMap { ProductID($0) }
    }

    /// Makes the table from the orders in the store, unless it is there by today's rule.
    ///
    /// It is derived: in a folder from before there was such a table it is made the same way.
    ///
    /// - Returns: How many products have companions; `nil` where there was nothing to do.
    func makeIfNeeded(progress: (_ done: Int, _ all: Int, _ unit: String) -> Void = { _, _, _ in }) async throws
        -> Int?
    {
        let notes = try store.shard(for: NoteKey(name: Self.note))
        let done: String? = try await notes.first("SELECT value FROM notes WHERE name = \(Self.note)")
        if done == Self.edition { return nil }
        let products = try await CatalogueTable(store: store).everything().map(\.id).sorted { $0.code < $1.code }
        var builder = CompanionBuilder(products: products)
        let shards = try store.everyShard.handles
        for (index, shard) in shards.enumerated() {
            progress(index, shards.count, "shards of orders read")
            try await read(shard) { builder.add($0) }
        }
        let found = builder.companions()
        try await write(found)
        try await notes.transaction { transaction in
            try transaction.execute("DELETE FROM notes WHERE name = \(Self.note)")
            try transaction.execute("INSERT INTO notes (name, value) VALUES (\(Self.note), \(Self.edition))")
        }
        progress(shards.count, shards.count, "shards of orders read")
        return found.count
    }

    private struct LineRow: Row, Sendable {
        let order: String
        let product: ProductID?
        init(from row: inout RowReader) throws {
            order = try row.next()
            product = ProductID(try row.next(String.self))
        }
    }

    /// Reads a shard's sales order by order.
    private func read(_ shard: Shard<AnyKey>, _ body: ([ProductID]) -> Void) async throws {
        var last = ""
        while true {
            let rows = try await shard.scan(
                """
                SELECT l.order_number, l.product FROM order_lines l JOIN orders o ON o.number = l.order_number
                WHERE l.order_number > \(last) AND l.product IS NOT NULL AND o.kind = \(Order.Kind.sale.rawValue)
                ORDER BY l.order_number LIMIT \(Self.linesPerRead)
                """,
                as: LineRow.self,
                deadline: .seconds(60)
            )
            let isLast = rows.count < Self.linesPerRead
            var start = 0
            while start < rows.count {
                let number = rows[start].order
                let end = rows[start...].firstIndex { $0.order != number } ?? rows.count
                // The last one may go on behind the rows read; no order has as many lines as are read at a time.
                if end == rows.count, !isLast { break }
                body(rows[start..<end].compactMap(\.product))
                last = number
                start = end
            }
            if isLast { return }
        }
    }

    private func write(_ found: [(product: ProductID, companions: [CompanionBuilder.Companion])]) async throws {
        let byCategory = Dictionary(grouping: found, by: \.product.category)
        for category in Category.allCases {
            let rows = byCategory[category] ?? []
            try await store.shard(for: CategoryKey(category: category)).transaction(deadline: .seconds(60)) {
                transaction in
                try transaction.execute("DELETE FROM companions WHERE category = \(category)")
                let places = rows.lazy.flatMap { product, companions in
                    companions.enumerated().map { (product, $0.offset, $0.element) }
                }
                try transaction.insert(
                    places,
                    into: "companions",
                    ["category", "code", "place", "companion", "orders"]
                ) { product, place, companion in
                    [category, product.code.text, place, companion.product.description, companion.orders]
                }
            }
        }
    }
}
