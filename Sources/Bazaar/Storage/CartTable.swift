import Apus

/// Sessions and carts.
struct CartTable: Sendable {
    let store: Store
    let clock: any Clock

    /// A session unused for this long is forgotten: 30 days.
    static let sessionSeconds: Int64 = 30 * 86_400

    private var now: Int64 { clock.wallNanoseconds() / 1_000_000_000 }

    private struct SessionRow: Row, Sendable {
        let cart: String
        let formToken: String
        let seenAt: Int64
        init(from row: inout RowReader) throws {
            cart = try row.next()
            formToken = try row.next()
            seenAt = try row.next()
        }
    }

    private struct LineRow: Row, Sendable {
        let line: Cart.Line
        init(from row: inout RowReader) throws {
            guard let product = ProductID(try row.next(String.self)) else { throw row.mismatch("a product") }
            line = Cart.Line(product: product, quantity: try row.next())
        }
    }

    /// The session with this id, or `nil` where there is none or it is too old.
    func session(_ id: String) async throws -> Session? {
        let shard = try store.shard(for: SessionKey(id: id))
        let row = try await shard.seek(
            "SELECT cart_id, form_token, seen_at FROM sessions WHERE id = \(id)",
            as: SessionRow.self
        )
        guard let row, row.seenAt > now - Self.sessionSeconds else { return nil }
        // Once a day is enough to keep it alive.
        if row.seenAt < now - 86_400 {
            try await shard.execute("UPDATE sessions SET seen_at = \(now) WHERE id = \(id)")
        }
        return Session(id: id, cart: row.cart, formToken: row.formToken)
    }

    func createSession() async throws -> Session {
        let session = Session(id: SecureRandom.token(), cart: SecureRandom.token(), formToken: SecureRandom.token())
        try await store.shard(for: SessionKey(id: session.id)).execute(
            """
            INSERT INTO sessions (id, cart_id, form_token, seen_at)
            VALUES (\(session.id), \(session.cart), \(session.formToken), \(now))
            """
        )
        return session
    }

    /// What is in the cart; an unknown one is empty.
    func cart(_ id: String) async throws -> Cart {
        let shard = try store.shard(for: CartKey(id: id))
        let version: Int64? = try await shard.seek("SELECT version FROM carts WHERE id = \(id)")
        guard let version else { return Cart(id: id, version: 0, lines: []) }
        let rows = try await shard.list(
            "SELECT product, quantity FROM cart_lines WHERE cart_id = \(id) ORDER BY position",
            as: LineRow.self
        )
        return Cart(id: id, version: version, lines: rows.map(\.line))
    }

    /// Puts `quantity` more pieces of a product into the cart.
    ///
    /// - Throws: ``ShopError`` for field `quantity` beyond ``Basket/quantityRange`` or ``Basket/linesMax``.
    func add(_ product: ProductID, quantity: Int, to id: String) async throws -> Cart {
        try await change(product, in: id) { ($0 ?? 0) + quantity }
    }

    /// Makes it exactly `quantity` pieces; 0 takes the product out.
    ///
    /// - Throws: As ``add(_:quantity:to:)``.
    func set(_ product: ProductID, quantity: Int, in id: String) async throws -> Cart {
        try await change(product, in: id) { _ in quantity }
    }

    /// Makes it hold exactly `lines`, in one transaction: at most ``Basket/linesMax``, each product once.
    func fill(_ id: String, with lines: [Cart.Line]) async throws -> Cart {
        let now = now
        return try await store.shard(for: CartKey(id: id)).transaction { transaction in
            let version: Int64? = try transaction.first("SELECT version FROM carts WHERE id = \(id)")
            // A line's position is the version it came with, so whatever is put in later comes after it.
            let first = (version ?? 0) + 1
            let last = first + Int64(max(1, lines.count)) - 1
            if version == nil {
                try transaction.execute("INSERT INTO carts (id, version, changed_at) VALUES (\(id), \(last), \(now))")
            } else {
                try transaction.execute("UPDATE carts SET version = \(last), changed_at = \(now) WHERE id = \(id)")
                try transaction.execute("DELETE FROM cart_lines WHERE cart_id = \(id)")
            }
            for (place, line) in lines.enumerated() {
                try transaction.execute(
                    """
                    INSERT INTO cart_lines (cart_id, product, position, quantity)
                    VALUES (\(id), \(line.product.description), \(first + Int64(place)), \(line.quantity))
                    """
                )
            }
            return Cart(id: id, version: last, lines: lines)
        }
    }

    private func change(
        _ product: ProductID,
        in id: String,
        _ count: @escaping @Sendable (Int?) -> Int
    ) async throws -> Cart {
        let name = product.description
        let now = now
        return try await store.shard(for: CartKey(id: id)).transaction { transaction in
            let version: Int64? = try transaction.first("SELECT version FROM carts WHERE id = \(id)")
            if version == nil {
                try transaction.execute("INSERT INTO carts (id, version, changed_at) VALUES (\(id), 0, \(now))")
            }
            let old: Int? = try transaction.first(
                "SELECT quantity FROM cart_lines WHERE cart_id = \(id) AND product = \(name)"
            )
            let quantity = count(old)
            guard quantity == 0 || Basket.quantityRange.contains(quantity) else {
                throw ShopError.invalid(
                    "quantity",
                    "At most \(Basket.quantityRange.upperBound) pieces of one product, please."
                )
            }
            let next = (version ?? 0) + 1
            if quantity == 0 {
                try transaction.execute("DELETE FROM cart_lines WHERE cart_id = \(id) AND product = \(name)")
            } else if old != nil {
                try transaction.execute(
                    "UPDATE cart_lines SET quantity = \(quantity) WHERE cart_id = \(id) AND product = \(name)"
                )
            } else {
                let lines: Int = try transaction.one("SELECT COUNT(*) FROM cart_lines WHERE cart_id = \(id)")
                guard lines < Basket.linesMax else { throw Text.tooManyProducts }
                try transaction.execute(
                    """
                    INSERT INTO cart_lines (cart_id, product, position, quantity)
                    VALUES (\(id), \(name), \(next), \(quantity))
                    """
                )
            }
            try transaction.execute("UPDATE carts SET version = \(next), changed_at = \(now) WHERE id = \(id)")
            let rows = try transaction.all(
                "SELECT product, quantity FROM cart_lines WHERE cart_id = \(id) ORDER BY position",
                as: LineRow.self
            )
            return Cart(id: id, version: next, lines: rows.map(\.line))
        }
    }
}
