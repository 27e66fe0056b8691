/// Why the shop could not do what was asked.
struct ShopError: Error, Sendable, Hashable, Codable {
    /// A cause one can act on.
    enum Code: String, Sendable, Hashable, Codable {
        /// The history's file is not what its README says.
        case malformedSales
        /// A field of a form or document breaks a rule; ``ShopError/field`` names it.
        case invalidInput
        /// There is no such product, cart or order, or not for this visitor.
        case notFound
        /// The cart has nothing in it.
        case emptyCart
        /// Fewer pieces are left than were asked for.
        case outOfStock
        /// The Idempotency-Key was used before, with other content or for another cart.
        case keyReused
        /// Another change of the same row came between; the same call may well succeed.
        case conflict
        /// A database is too busy, full or away; trying again later helps.
        case unavailable
    }

    /// Who has to act.
    enum Fault: String, Sendable, Hashable, Codable { case caller, shop }

    /// What to match on, never the text.
    let code: Code
    /// Whose mistake it was.
    let fault: Fault
    /// True when the same call, unchanged, may succeed later.
    let isRetryable: Bool
    /// A sentence for the visitor; never holds what they typed.
    let detail: String
    /// The form field it is about, if there is one.
    let field: String?

    private init(_ code: Code, _ fault: Fault, isRetryable: Bool = false, _ detail: String, field: String? = nil) {
        self.code = code
        self.fault = fault
        self.isRetryable = isRetryable
        self.detail = detail
        self.field = field
    }

    /// The history's file is broken at `line`, counted from 1 with the header.
    static func malformedSales(line: Int, _ what: String) -> ShopError {
        ShopError(.malformedSales, .shop, "line \(line): \(what)")
    }
    static func invalid(_ field: String, _ sentence: String) -> ShopError {
        ShopError(.invalidInput, .caller, sentence, field: field)
    }
    static func notFound(_ what: String) -> ShopError { ShopError(.notFound, .caller, "There is no such \(what).") }
    static let emptyCart = ShopError(.emptyCart, .caller, "Your basket is empty.")
    static func outOfStock(_ title: String, left: Int) -> ShopError {
        let rest = left == 0 ? "is sold out." : "has only \(left) left."
        return ShopError(.outOfStock, .caller, isRetryable: true, "\(title) \(rest)")
    }
    static let keyReused = ShopError(
        .keyReused,
        .caller,
        "This Idempotency-Key was already used for another basket or other content."
    )
    static let unavailable = ShopError(
        .unavailable,
        .shop,
        isRetryable: true,
        "The shop cannot do this just now; please try again in a moment."
    )
    /// Nothing can be written: a disk is full or read-only.
    static let unwritable = ShopError(
        .unavailable,
        .shop,
        isRetryable: true,
        """
        The shop cannot write anything down just now: its disk is full or read-only. Nothing was changed; please try \
        again later.
        """
    )
    static let conflict = ShopError(
        .conflict,
        .shop,
        isRetryable: true,
        "Something changed meanwhile; please try again."
    )
}
