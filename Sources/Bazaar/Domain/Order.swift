/// Who an order belongs to.
enum Buyer: Sendable, Hashable, CustomStringConvertible {
    /// A customer with a number in the history.
    case customer(Int)
    /// Somebody without an account: each guest's order stands alone, under its own number.
    case guest(order: String)

    /// What is stored and hashed: `17850`, `guest-536544`.
    var description: String {
        switch self {
        case .customer(let number): String(number)
        case .guest(let order): "guest-\(order)"
        }
    }
}

/// One line of an order.
struct OrderLine: Sendable, Hashable, Codable {
    /// The product; `nil` in the history where the article is not in today's catalogue.
    var product: ProductID?
    /// The stock code, also of articles the shop no longer has.
    var code: String
    /// What it was called when it was ordered.
    var title: String
    /// Pieces, 1 or more.
    var quantity: Int
    /// What one piece cost when it was ordered.
    var unitPrice: Money

    var amount: Money { unitPrice * quantity }
}

/// Where an order goes.
struct Address: Sendable, Hashable, Codable {
    var name: String
    var email: String
    var street: String
    var town: String
    var postcode: String
    var country: String
}

/// Something bought, or brought back.
struct Order: Sendable, Hashable, Codable {
    enum Kind: String, Sendable, Hashable, Codable { case sale, `return` }

    /// The number customers read out: the invoice's in the history, `W` and 12 digits or letters for the shop's own.
    var number: String
    var kind: Kind
    /// Text of the ``Buyer``.
    var buyer: String
    /// The country's name as on the checkout's list.
    var country: String
    /// Seconds since 1970.
    var placedAt: Int64
    var lines: [OrderLine]
    /// What was added for postage and carriage.
    var postage: Money
    /// Discounts (negative), charges and corrections by hand.
    var adjustment: Money
    /// Where it goes; `nil` in the history, which has no addresses.
    var address: Address?

    /// The lines' amounts, postage left out.
    var goods: Money { lines.reduce(.zero) { $0 + $1.amount } }
    /// What was paid, or paid back for a return.
    var total: Money { goods + postage + adjustment }
    var pieces: Int { lines.reduce(0) { $0 + $1.quantity } }
}
