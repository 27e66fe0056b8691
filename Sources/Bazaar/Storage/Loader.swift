import Apus

/// Fills an empty store with the catalogue and the year of orders, once.
struct Loader: Sendable {
    let store: Store
    let sales: SalesFile

    /// What was loaded.
    struct Report: Sendable, Hashable {
        var products = 0
        var customers = 0
        var orders = 0
        var orderLines = 0
    }

    /// Order lines written in one transaction.
    static let linesPerTransaction = 20_000
    private static let note = "history loaded"

    /// Loads unless it was done before.
    ///
    /// A load that was cut short begins again: nobody has used the shop by then. Only one process may load, the one
    /// that starts the others afterwards.
    ///
    /// - Parameter progress: Hears how much of what is done, for people.
    /// - Returns: What was loaded; `nil` where there was nothing to do.
    /// - Throws: ``ShopError`` where the file is not what it should be; what the store throws.
    func loadIfNeeded(progress: (_ done: Int, _ all: Int, _ unit: String) -> Void = { _, _, _ in }) async throws
        -> Report?
    {
        let notes = try store.shard(for: NoteKey(name: Self.note))
        let done: String? = try await notes.first("SELECT value FROM notes WHERE name = \(Self.note)")
        if done != nil { return nil }

        var catalogue = CatalogueBuilder()
        var lines = 0
        try sales.forEachLine { line in
            catalogue.add(line)
            lines += 1
            if lines % 50_000 == 0 { progress(lines, SalesFile.lineCount, "lines read") }
        }
        let products = catalogue.products()
        var report = Report()
        report.products = products.count
        try await insert(products)
        try await CatalogueVersion(store: store).raise()

        let batches = try OrderBatches(store: store)
        try await batches.clear()
        var history = HistoryBuilder(products: products)
        // The file is read twice: an order needs the products, and the products need every line.
        var pending: [Order] = []
        try sales.forEachLine { line in
            if let order = history.add(line) { pending.append(order) }
        }
        while let order = history.finish() { pending.append(order) }
        report.orders = pending.count
        progress(0, pending.count, "orders written")
        report.orderLines = pending.reduce(0) { $0 + $1.lines.count }
        let customers = history.customers()
        report.customers = customers.count
        try await batches.insert(pending)
        try await batches.insert(customers)
        progress(pending.count, pending.count, "orders written")
        try await notes.execute("INSERT INTO notes (name, value) VALUES (\(Self.note), \(SalesFile.name))")
        return report
    }

    private func insert(_ products: [Product]) async throws {
        for (category, products) in Dictionary(grouping: products, by: \.id.category) {
            try await store.shard(for: CategoryKey(category: category)).transaction(deadline: .seconds(60)) {
                transaction in
                try transaction.execute("DELETE FROM products WHERE category = \(category)")
                try transaction.insert(
                    products,
                    into: "products",
                    ["category", "code", "title", "price_mills", "popularity", "stock", "reserved", "sold"]
                ) { product in
                    [
                        category, product.id.code.text, product.title, product.price.mills, product.popularity,
                        product.available, 0, 0,
                    ]
                }
            }
        }
    }
}

/// Writes orders to their buyers' shards in large transactions, all shards at a time.
private struct OrderBatches {
    let store: Store
    private let shards: Int

    init(store: Store) throws {
        self.store = store
        shards = try store.map.shards
    }

    private func key(_ order: Order) -> BuyerKey {
        BuyerKey(region: Country(name: order.country)?.region ?? .world, buyer: order.buyer)
    }

    /// One key for each shard that has slots of some region.
    private func keys() throws -> [Int: BuyerKey] {
        var keys: [Int: BuyerKey] = [:]
        for region in Region.allCases {
            for attempt in 0..<10_000 where keys.count < shards {
                let key = BuyerKey(region: region, buyer: "\(attempt)")
                keys[try store.shard(for: key).index, default: key] = key
            }
        }
        return keys
    }

    func clear() async throws {
        for key in try keys().values {
            try await store.shard(for: key).transaction(deadline: .seconds(60)) { transaction in
                try transaction.execute("DELETE FROM order_lines")
                try transaction.execute("DELETE FROM orders")
                try transaction.execute("DELETE FROM customers")
            }
        }
    }

    func insert(_ orders: [Order]) async throws {
        let byShard = try Dictionary(grouping: orders) { try store.shard(for: key($0)).index }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (_, orders) in byShard {
                group.addTask { try await insertInBatches(orders) }
            }
            try await group.waitForAll()
        }
    }

    /// All of `orders` are on one shard.
    private func insertInBatches(_ orders: [Order]) async throws {
        guard let first = orders.first else { return }
        let shard = try store.shard(for: key(first))
        var start = 0
        while start < orders.count {
            var (end, lines) = (start, 0)
            while end < orders.count, lines < Loader.linesPerTransaction {
                lines += orders[end].lines.count
                end += 1
            }
            let batch = Array(orders[start..<end])
            try await shard.transaction(deadline: .seconds(60)) { transaction in
                try OrderTable.insert(new: batch, transaction)
            }
            start = end
        }
    }

    func insert(_ customers: [HistoryBuilder.Customer]) async throws {
        func key(_ customer: HistoryBuilder.Customer) -> BuyerKey {
            let region = Country(name: customer.country)?.region ?? .world
            return BuyerKey(region: region, buyer: Buyer.customer(customer.number).description)
        }
        let byShard = try Dictionary(grouping: customers) { try store.shard(for: key($0)).index }
        for (_, customers) in byShard {
            guard let first = customers.first else { continue }
            try await store.shard(for: key(first)).transaction(deadline: .seconds(60)) { transaction in
                _ = try transaction.insert(customers, into: "customers", ["number", "region", "country", "orders"]) {
                    let region = Country(name: $0.country)?.region ?? .world
                    return [$0.number, region.rawValue, $0.country, $0.orders]
                }
            }
        }
    }
}
