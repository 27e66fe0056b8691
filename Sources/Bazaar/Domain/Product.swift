/// A product's name within the system: its category, which says where it is stored, and its stock code.
struct ProductID: Sendable, Hashable, Codable, CustomStringConvertible {
    let category: Category
    let code: StockCode

    init(category: Category, code: StockCode) {
        self.category = category
        self.code = code
    }

    /// Reads the text of ``description``, such as `kitchen-22423`; `nil` where it is none.
    init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 40, let dash = text.lastIndex(of: "-"),
            let category = Category(rawValue: String(text[..<dash])),
            let code = StockCode(text[text.index(after: dash)...])
        else { return nil }
        self.init(category: category, code: code)
    }

    /// Category and code, as in addresses: `kitchen-22423`.
    var description: String { category.rawValue + "-" + code.text }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = ProductID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a product")
        }
        self = id
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Something the shop sells.
struct Product: Sendable, Hashable, Codable {
    var id: ProductID
    /// A name of at most 80 characters.
    var title: String
    /// What one costs, in whole pennies.
    var price: Money
    /// Pieces that can be bought now: stock that no running checkout holds.
    var available: Int
    /// In how many lines of last year's orders it appears: how best sellers are ranked.
    var popularity: Int
}
