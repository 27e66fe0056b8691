import Testing

@testable import Apus
@testable import Bazaar

/// What the databases of a shop say once it has ended.
struct ShopBooks: Sendable {
    /// Stock, reserved and sold pieces of a product.
    struct Stock: Row, Sendable {
        let product: String
        let stock: Int
        let reserved: Int
        let sold: Int
        var pieces: Int { stock + reserved + sold }

        init(from row: inout RowReader) throws {
            product = try row.next()
            stock = try row.next()
            reserved = try row.next()
            sold = try row.next()
        }
    }

    /// A line of an order that was placed in the shop, not loaded with the history.
    struct Line: Row, Sendable {
        let order: String
        let product: String
        let quantity: Int

        init(from row: inout RowReader) throws {
            order = try row.next()
            product = try row.next()
            quantity = try row.next()
        }
    }

    /// A clock that is some minutes ahead: what waits for its time is due.
    final class ClockAhead: Clock {
        private let ahead = Lock<Int64>(0)
        func now() -> Instant { SystemClock().now() }
        func wallNanoseconds() -> Int64 { SystemClock().wallNanoseconds() + ahead.withLock { $0 } }
        func turn(_ seconds: Int64) { ahead.withLock { $0 += seconds * 1_000_000_000 } }
    }

    let stock: [Stock]
    /// Numbers of the orders placed here, one for each row.
    let orders: [String]
    let lines: [Line]
    let problems: [Int: [String]]
    /// Holds and checkouts that nobody has finished.
    let unfinished: [Int]

    /// Opens the databases as they were left, lets the sweeper finish, and reads.
    init(_ folder: ShopFolder) async throws {
        let store = Schema.store()
        try await store.open(folder.storage.site(folder.store))
        problems = try await store.integrity()
        let before = try await Self.stock(store)
        for product in before { #expect(product.stock >= 0 && product.reserved >= 0 && product.sold >= 0) }
        let clock = ClockAhead()
        for _ in 0..<20 {
            clock.turn(StoreCheckout.holdSeconds + Sweeper.leaseSeconds + 1)
            let report = await Sweeper(store: store, clock: clock).sweep()
            #expect(report.failed == 0)
            if report == Sweeper.Report() { break }
        }
        stock = try await Self.stock(store)
        orders = try await store.everyShard.all("SELECT number FROM orders WHERE secret IS NOT NULL").rows
        lines = try await store.everyShard.all(
            """
            SELECT order_number, product, quantity FROM order_lines
            WHERE order_number IN (SELECT number FROM orders WHERE secret IS NOT NULL)
            """
        ).rows
        unfinished = try await store.everyShard.all(
            """
            SELECT (SELECT COUNT(*) FROM holds WHERE state = 'held')
              + (SELECT COUNT(*) FROM checkouts WHERE state = 'placed')
            """
        ).rows
        await store.close()
    }

    private static func stock(_ store: Store) async throws -> [Stock] {
        try await store.everyShard.all("SELECT category || '-' || code, stock, reserved, sold FROM products").rows
    }

    /// Checks that they balance and have exactly the orders that were acknowledged.
    ///
    /// - Parameters:
    ///   - start: How many pieces there were of each product.
    ///   - acknowledged: The orders that buyers were told of.
    ///   - hint: How to repeat this.
    func check(start: [String: Int], acknowledged: [APIBody.Order], _ hint: Comment) {
        #expect(problems.isEmpty, hint)
        #expect(unfinished.allSatisfy { $0 == 0 }, hint)
        #expect(orders.sorted() == acknowledged.map(\.number).sorted(), hint)
        var sold: [String: Int] = [:]
        for line in lines { sold[line.product, default: 0] += line.quantity }
        var promised: [String: Int] = [:]
        for line in acknowledged.flatMap(\.lines) { promised[line.product ?? "", default: 0] += line.quantity }
        #expect(sold == promised, hint)
        #expect(stock.count == start.count, hint)
        for product in stock {
            #expect(product.pieces == start[product.product], "\(product); \(hint)")
            #expect(product.stock >= 0 && product.reserved == 0, "\(product); \(hint)")
            #expect(product.sold == sold[product.product] ?? 0, "\(product); \(hint)")
        }
    }
}
