import Apus

/// What a replay was told, and what the store says.
final class ReplayBooks: Sendable {
    /// Pieces of a product.
    struct Stock: Row, Sendable {
        let product: String
        let price: Money
        let stock: Int
        let reserved: Int
        let sold: Int
        var pieces: Int { stock + reserved + sold }

        init(from row: inout RowReader) throws {
            product = try row.next()
            price = Money(mills: try row.next())
            stock = try row.next()
            reserved = try row.next()
            sold = try row.next()
        }
    }

    private struct Told {
        /// Checkouts whose outcome nobody knows yet, by their keys.
        var open: [String: (cart: CartID, address: APIBody.Address)] = [:]
        var numbers: Set<String> = []
        var sold: [String: Int] = [:]
        var refused = 0
        var before: [String: Stock] = [:]
        var ordersBefore = 0
        var wanted = CountryLedger([], prices: [:])
        var ledgerBefore = CountryLedger([], prices: [:])
    }

    private let store: Store
    private let told = Lock(Told())

    init(store: Store) { self.store = store }

    /// Fills the warehouse for `recorded`, and notes what there is and what there should be in the end.
    func begin(_ recorded: RecordedOrders) async throws {
        for (category, wanted) in Dictionary(grouping: recorded.pieces, by: \.key.category) {
            try await store.shard(for: CategoryKey(category: category)).transaction(deadline: .seconds(60)) {
                transaction in
                for (product, count) in wanted {
                    try transaction.execute(
                        """
                        UPDATE products SET stock = stock + \(count)
                        WHERE category = \(category) AND code = \(product.code.text)
                        """
                    )
                }
            }
        }
        let (stock, orders) = (try await stock(), try await orderNumbers().count)
        let prices = stock.compactMap { name, product in ProductID(name).map { ($0, product.price) } }
        let wanted = CountryLedger(
            recorded.orders,
            prices: Dictionary(prices) { first, _ in first }
        )
        let ledger = try await CountryLedger(store)
        told.withLock {
            $0.before = stock
            $0.ordersBefore = orders
            $0.wanted = wanted
            $0.ledgerBefore = ledger
        }
    }

    // MARK: What buyers hear

    func asked(_ key: String, _ cart: CartID, _ address: APIBody.Address) {
        told.withLock { $0.open[key] = (cart, address) }
    }

    func refused(_ key: String) {
        told.withLock {
            $0.open[key] = nil
            $0.refused += 1
        }
    }

    func acknowledged(_ key: String, _ order: APIBody.Order) {
        told.withLock { told in
            told.open[key] = nil
            told.numbers.insert(order.number)
            for line in order.lines { told.sold[line.product ?? "", default: 0] += line.quantity }
        }
    }

    // MARK: What the store says

    private func stock() async throws -> [String: Stock] {
        let rows: [Stock] = try await store.everyShard.all(
            "SELECT category || '-' || code, price_mills, stock, reserved, sold FROM products"
        ).rows
        return Dictionary(rows.map { ($0.product, $0) }) { first, _ in first }
    }

    private func orderNumbers() async throws -> Set<String> {
        Set(try await store.everyShard.all("SELECT number FROM orders WHERE secret IS NOT NULL").rows as [String])
    }

    private func unfinished() async throws -> Int {
        let counts: [Int] = try await store.everyShard.all(
            """
            SELECT (SELECT COUNT(*) FROM holds WHERE state = 'held')
              + (SELECT COUNT(*) FROM checkouts WHERE state = 'placed')
            """
        ).rows
        return counts.reduce(0, +)
    }

    /// Asks again, under the same keys, for the checkouts that were cut short: by the run's end, or by a time-out.
    private func settle(_ site: LoadSite) async throws {
        for (key, open) in told.withLock({ $0.open }) {
            var writer = ByteWriter(capacity: 512)
            try JSONBody().encode(APIBody.Checkout(cartVersion: nil, address: open.address), to: &writer)
            let request = ClientRequest(
                Storefront.apiCheckout.method,
                Storefront.apiCheckout.path(open.cart),
                fields: [("Content-Type", "application/json"), ("Idempotency-Key", key)],
                body: Array(writer.bytes)
            )
            guard let answer = try? await site.client.send(request) else { continue }
            if answer.status == .created {
                acknowledged(
                    key,
                    try answer.body.withUnsafeBytes { try JSONBody().decode(APIBody.Order.self, from: $0) }
                )
            } else if answer.status.isClientError {
                refused(key)
            }
        }
    }

    /// Balances the books once nothing is under way any more.
    func audit(_ site: LoadSite) async throws -> [Mix.Finding] {
        try await settle(site)
        let deadline = site.loop.now + .seconds(120)
        while try await unfinished() > 0, site.loop.now < deadline {
            try await site.loop.sleep(for: .milliseconds(250))
        }
        let left = try await unfinished()
        let (stock, numbers) = (try await stock(), try await orderNumbers())
        let ledger = try await CountryLedger(store)
        return told.withLock { told in
            let fresh = numbers.count - told.ordersBefore
            let missing = told.numbers.subtracting(numbers).count
            var (lost, wrong, negative) = (0, 0, 0)
            for (product, before) in told.before {
                guard let after = stock[product] else {
                    lost += 1
                    continue
                }
                if after.pieces != before.pieces { lost += 1 }
                if after.sold - before.sold != told.sold[product] ?? 0 { wrong += 1 }
                if after.stock < 0 || after.reserved != 0 || after.sold < 0 { negative += 1 }
            }
            return [
                Mix.Finding(
                    "every order acknowledged is in the store, and no other",
                    holds: missing == 0 && fresh == told.numbers.count && left == 0,
                    "\(told.numbers.count) acknowledged, \(fresh) in the store, \(missing) missing, "
                        + "\(told.refused) refused as sold out, \(told.open.count) never answered, \(left) unfinished"
                ),
                ledger.since(told.ledgerBefore).finding(wanted: told.wanted),
                Mix.Finding(
                    "stock adds up",
                    holds: lost == 0 && wrong == 0 && negative == 0,
                    "\(told.before.count) products, \(told.sold.values.reduce(0, +)) pieces sold; \(lost) with another "
                        + "number of pieces than before, \(wrong) sold otherwise than acknowledged, \(negative) below "
                        + "zero or still reserved"
                ),
            ]
        }
    }
}
