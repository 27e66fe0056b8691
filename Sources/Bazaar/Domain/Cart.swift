/// What is in a cart: products and numbers, no prices.
struct Cart: Sendable, Hashable, Codable {
    struct Line: Sendable, Hashable, Codable {
        var product: ProductID
        /// Pieces, 1...999.
        var quantity: Int
    }

    /// 128 random bits in hexadecimal; who knows it has the cart.
    var id: String
    /// Grows with every change.
    var version: Int64
    /// In the order they were put in.
    var lines: [Line]

    var pieces: Int { lines.reduce(0) { $0 + $1.quantity } }
}

/// A visit that has a cart.
struct Session: Sendable, Hashable, Codable {
    /// 128 random bits in hexadecimal, what the cookie holds.
    var id: String
    var cart: String
    /// 128 random bits in hexadecimal, what our own forms carry.
    var formToken: String
}

/// A session together with what is in its cart.
struct Visit: Sendable, Hashable, Codable {
    var session: Session
    var cart: Cart
}

/// Identifiers that are 128 random bits in 32 lower-case hexadecimal digits.
enum RandomID {
    static func isValid(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 32
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }
}
