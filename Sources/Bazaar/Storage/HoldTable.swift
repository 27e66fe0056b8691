import Apus

/// Stock of one department that orders hold: reserved, then sold or released, never twice.
///
/// For every product `stock + reserved + sold` stays what it was, and none of the three is ever below zero.
/// A hold that was released stays as a mark, so that a latecomer cannot reserve under the same order number again.
enum HoldTable {
    /// What became of a hold.
    enum State: String, Sendable { case held, sold, released }

    /// A hold that was found expired.
    struct Expired: Row, Sendable {
        let number: String
        let cart: String
        init(from row: inout RowReader) throws {
            number = try row.next()
            cart = try row.next()
        }
    }

    private struct HoldRow: Row {
        let state: State
        let pieces: String
        init(from row: inout RowReader) throws {
            guard let state = State(rawValue: try row.next()) else { throw row.mismatch("a hold's state") }
            self.state = state
            pieces = try row.next()
        }
    }

    private struct StockRow: Row {
        let title: String
        let stock: Int
        init(from row: inout RowReader) throws {
            title = try row.next()
            stock = try row.next()
        }
    }

    private static func hold(
        _ number: String,
        _ category: Category,
        _ transaction: borrowing Transaction
    ) throws -> HoldRow? {
        try transaction.first(
            "SELECT state, pieces FROM holds WHERE category = \(category) AND order_number = \(number)"
        )
    }

    /// Takes the pieces out of stock for an order, all or none.
    ///
    /// - Throws: ``ShopError``: `outOfStock`; `conflict` where the order was released here before.
    static func reserve(
        _ pieces: [(code: String, quantity: Int)],
        of category: Category,
        for number: String,
        cart: String,
        expiresAt: Int64,
        _ transaction: borrowing Transaction
    ) throws {
        if let hold = try hold(number, category, transaction) {
            if hold.state == .released { throw ShopError.conflict }
            return
        }
        for (code, quantity) in pieces {
            let changed = try transaction.execute(
                """
                UPDATE products SET stock = stock - \(quantity), reserved = reserved + \(quantity)
                WHERE category = \(category) AND code = \(code) AND stock >= \(quantity)
                """
            )
            guard changed == 1 else {
                let left: StockRow? = try transaction.first(
                    "SELECT title, stock FROM products WHERE category = \(category) AND code = \(code)"
                )
                throw ShopError.outOfStock(left?.title ?? "A product", left: left?.stock ?? 0)
            }
        }
        try transaction.execute(
            """
            INSERT INTO holds (category, order_number, cart_id, state, pieces, expires_at)
            VALUES (\(category), \(number), \(cart), \(State.held.rawValue), \(text(pieces)), \(expiresAt))
            """
        )
    }

    /// Counts the held pieces as sold.
    static func confirm(_ number: String, _ category: Category, _ transaction: borrowing Transaction) throws {
        guard let hold = try hold(number, category, transaction), hold.state == .held else { return }
        for (code, quantity) in pieces(hold.pieces) {
            try transaction.execute(
                """
                UPDATE products SET reserved = reserved - \(quantity), sold = sold + \(quantity)
                WHERE category = \(category) AND code = \(code)
                """
            )
        }
        try set(.sold, number, category, transaction)
    }

    /// Gives the held pieces back and leaves a mark, also where nothing was held.
    static func release(
        _ number: String,
        cart: String,
        _ category: Category,
        now: Int64,
        _ transaction: borrowing Transaction
    ) throws {
        guard let hold = try hold(number, category, transaction) else {
            try transaction.execute(
                """
                INSERT INTO holds (category, order_number, cart_id, state, pieces, expires_at)
                VALUES (\(category), \(number), \(cart), \(State.released.rawValue), '', \(now))
                """
            )
            return
        }
        guard hold.state == .held else { return }
        for (code, quantity) in pieces(hold.pieces) {
            try transaction.execute(
                """
                UPDATE products SET reserved = reserved - \(quantity), stock = stock + \(quantity)
                WHERE category = \(category) AND code = \(code)
                """
            )
        }
        try set(.released, number, category, transaction)
    }

    private static func set(
        _ state: State,
        _ number: String,
        _ category: Category,
        _ transaction: borrowing Transaction
    ) throws {
        try transaction.execute(
            """
            UPDATE holds SET state = \(state.rawValue) WHERE category = \(category) AND order_number = \(number)
            """
        )
    }

    /// `22423=6 85123A=2`.
    static func text(_ pieces: [(code: String, quantity: Int)]) -> String {
        pieces.map { "\($0.code)=\($0.quantity)" }.joined(separator: " ")
    }

    /// What ``text(_:)`` wrote.
    static func pieces(_ text: String) -> [(code: String, quantity: Int)] {
        text.split(separator: " ").compactMap { item in
            let parts = item.split(separator: "=")
            guard parts.count == 2, let quantity = Int(parts[1]) else { return nil }
            return (String(parts[0]), quantity)
        }
    }
}
