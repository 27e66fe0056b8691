import Apus

/// Orders and their lines, on their buyers' shards.
struct OrderTable: Sendable {
    let store: Store

    private struct OrderRow: Row, Sendable {
        var order: Order
        let secret: String?

        init(from row: inout RowReader) throws {
            let number: String = try row.next()
            guard let kind = Order.Kind(rawValue: try row.next()) else { throw row.mismatch("a kind of order") }
            order = Order(
                number: number,
                kind: kind,
                buyer: try row.next(),
                country: try row.next(),
                placedAt: try row.next(),
                lines: [],
                postage: Money(mills: try row.next()),
                adjustment: Money(mills: try row.next()),
                address: nil
            )
            if let address: String = try row.next() { order.address = try Document.decode(address) }
            secret = try row.next()
        }
    }

    private struct LineRow: Row, Sendable {
        let line: OrderLine
        init(from row: inout RowReader) throws {
            let product: String? = try row.next()
            line = OrderLine(
                product: product.flatMap { ProductID($0) },
                code: try row.next(),
                title: try row.next(),
                quantity: try row.next(),
                unitPrice: Money(mills: try row.next())
            )
        }
    }

    private static let columns: SQL =
        "number, kind, buyer, country, placed_at, postage_mills, adjustment_mills, address, secret"

    /// An order of this shop with the secret of its link; `nil` where it was never filed.
    func order(_ number: OrderNumber) async throws -> (order: Order, secret: String)? {
        let key = BuyerKey(region: number.region, buyer: number.buyer.description)
        let shard = try store.shard(for: key)
        let row = try await shard.seek(
            "SELECT \(sql: Self.columns) FROM orders WHERE number = \(number.text)",
            as: OrderRow.self
        )
        guard var row, let secret = row.secret else { return nil }
        row.order.lines = try await shard.list(
            """
            SELECT product, code, title, quantity, unit_mills FROM order_lines
            WHERE order_number = \(number.text) ORDER BY line
            """,
            as: LineRow.self
        ).map(\.line)
        return (row.order, secret)
    }

    /// Writes an order once; a second time changes nothing.
    static func insert(
        _ order: Order,
        region: Region,
        secret: String?,
        _ transaction: borrowing Transaction
    ) throws {
        let known: String? = try transaction.first("SELECT number FROM orders WHERE number = \(order.number)")
        if known != nil { return }
        let address = try order.address.map { try Document.encode($0) }
        try transaction.execute(
            """
            INSERT INTO orders (number, region, buyer, kind, country, placed_at, postage_mills, adjustment_mills,
              total_mills, address, secret)
            VALUES (\(order.number), \(region.rawValue), \(order.buyer), \(order.kind.rawValue), \(order.country),
              \(order.placedAt), \(order.postage.mills), \(order.adjustment.mills), \(order.total.mills), \(address.sqlValue),
              \(secret.sqlValue))
            """
        )
        for (index, line) in order.lines.enumerated() {
            try transaction.execute(
                """
                INSERT INTO order_lines (order_number, line, product, code, title, quantity, unit_mills)
                VALUES (\(order.number), \(index), \((line.product?.description).sqlValue), \(line.code), \(line.title),
                  \(line.quantity), \(line.unitPrice.mills))
                """
            )
        }
    }

    /// Writes orders of which none is there yet, all on one shard, in the way that costs least.
    static func insert(new orders: [Order], _ transaction: borrowing Transaction) throws {
        try transaction.insert(
            orders,
            into: "orders",
            [
                "number", "region", "buyer", "kind", "country", "placed_at", "postage_mills", "adjustment_mills",
                "total_mills", "address",
            ]
        ) { order in
            let region = Country(name: order.country)?.region ?? .world
            return [
                order.number, region.rawValue, order.buyer, order.kind.rawValue, order.country, order.placedAt,
                order.postage.mills, order.adjustment.mills, order.total.mills,
                try order.address.map { try Document.encode($0) },
            ]
        }
        let lines = orders.lazy.flatMap { order in
            order.lines.enumerated().map { (order.number, $0.offset, $0.element) }
        }
        try transaction.insert(
            lines,
            into: "order_lines",
            ["order_number", "line", "product", "code", "title", "quantity", "unit_mills"]
        ) { number, index, line in
            [
                number, index, line.product?.description, line.code, line.title, line.quantity, line.unitPrice.mills,
            ]
        }
    }
}

extension Region: SQLScalar {}
