/// What a buyer asks for: buy what is in this cart, for this address, once for this key.
struct CheckoutRequest: Sendable, Hashable, Codable {
    /// The Idempotency-Key: 1 to 64 printable ASCII characters.
    var key: String
    var cart: String
    /// The version of the cart that the buyer saw, if they say.
    var version: Int64?
    var address: Address

    /// What two requests with the same key must share, besides the cart, to be the same request.
    ///
    /// Fields are told apart by a character that none of them may hold.
    var canonical: String {
        let seen = version.map(String.init) ?? "any"
        return [seen, address.name, address.email, address.street, address.town, address.postcode, address.country]
            .joined(separator: "\n")
    }
}

/// What a key was first used for.
struct Claim: Sendable, Hashable {
    var key: String
    var cart: String
    /// The order as it will be placed: lines and prices as they were when the key was claimed.
    var draft: PlacedOrder
    /// The draft as ``Document`` writes it: encoded once, stored with the key and again with the order.
    var document: String
    /// The version of the cart that the buyer saw, if they said: a new attempt buys no other.
    var version: Int64?

    init(key: String, cart: String, draft: PlacedOrder, document: String, version: Int64? = nil) {
        self.key = key
        self.cart = cart
        self.draft = draft
        self.document = document
        self.version = version
    }
}

/// An order together with what only its buyer knows.
struct PlacedOrder: Sendable, Hashable, Codable {
    var order: Order
    /// The cart it came from.
    var cart: String
    /// 128 random bits that let their bearer see the order.
    var secret: String

    /// The departments with something in the order, each once, in a fixed order.
    var categories: [Category] { order.categories }

    /// How many pieces of each code are ordered from one department, by code: whoever locks rows does it in one order.
    func pieces(from category: Category) -> [(code: String, quantity: Int)] {
        order.lines.compactMap { line in
            line.product?.category == category ? (line.code, line.quantity) : nil
        }.sorted { $0.code < $1.code }
    }
}

extension Order {
    /// The departments with something in the order, each once, in a fixed order.
    var categories: [Category] {
        let present = Set(lines.compactMap { $0.product?.category })
        return Category.allCases.filter(present.contains)
    }
}

/// Who may see an order, beside the shop.
enum OrderCredential: Sendable, Hashable, Codable {
    /// The cart it was made from, which the session has.
    case cart(String)
    /// The secret of its link.
    case secret(String)
    /// The address that the order was made with, in either case; the number, 50 random bits, is the other half.
    case email(String)
}
