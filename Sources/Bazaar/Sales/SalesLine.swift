/// One line of the history: so many pieces of one article on one invoice.
struct SalesLine: Sendable, Hashable {
    /// Six digits, or `C` and six digits for a cancellation, or `A` and six digits for an adjustment of the books.
    var invoice: String
    /// As the file spells it.
    var stockCode: String
    /// Without spaces at its ends; empty where the file has none.
    var description: String
    /// Negative on cancellations and where stock was written off.
    var quantity: Int
    /// Seconds since 1970, the file's local time taken for UTC; minute resolution.
    var time: Int64
    /// What one piece cost; zero for gifts and stock-keeping, negative twice.
    var unitPrice: Money
    /// The customer's number; `nil` where the file has none.
    var customer: Int?
    /// As the file spells it, such as `EIRE`.
    var country: String

    /// Quantity times unit price.
    var amount: Money { unitPrice * quantity }
}

extension SalesLine {
    /// What a line is about; only the first kind has articles the shop can sell.
    enum Kind: Sendable, Hashable { case article, postage, discount, adjustment }

    /// What the line is about, by its stock code.
    ///
    /// Codes that are no ``StockCode``: POST, DOT and C2 are postage and carriage, D is a discount; M and m (manual),
    /// B (bad debt), BANK CHARGES, AMAZONFEE, CRUK (a charity's commission), S (samples), PADS and the gift vouchers
    /// (`gift_0001_…`) adjust an invoice.
    var kind: Kind {
        if StockCode(stockCode) != nil { return .article }
        return switch stockCode {
        case "POST", "DOT", "C2": .postage
        case "D": .discount
        default: .adjustment
        }
    }
}
