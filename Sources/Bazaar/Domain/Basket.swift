/// What a visitor has chosen, with today's prices.
struct Basket: Sendable, Hashable {
    /// So many pieces of one product.
    struct Line: Sendable, Hashable {
        var product: Product
        var quantity: Int

        var amount: Money { product.price * quantity }
        /// Whether there are that many.
        var isAvailable: Bool { quantity <= product.available }
    }

    /// In the order they were put in.
    var lines: [Line]

    static let linesMax = 100
    static let quantityRange = 1...999

    var pieces: Int { lines.reduce(0) { $0 + $1.quantity } }
    var goods: Money { lines.reduce(.zero) { $0 + $1.amount } }
}
