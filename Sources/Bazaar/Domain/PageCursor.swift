/// Where a page of products ended: what the products are ordered by, and a code that tells equals apart.
struct PageCursor: Sendable, Hashable, Codable, CustomStringConvertible {
    /// The popularity, the price in thousandths of a pound or the score; 0 in the order of names, which the code gives.
    let rank: Int64
    let code: StockCode

    init(rank: Int64, code: StockCode) {
        self.rank = rank
        self.code = code
    }

    /// Where a page with this product at its end stops.
    init(after product: Product, by sorting: Sorting = .popular) {
        rank =
            switch sorting {
            case .popular: Int64(product.popularity)
            case .cheap, .dear: product.price.mills
            case .name: 0
            }
        code = product.id.code
    }

    /// Reads the text of ``description``, such as `1988-22423`; `nil` where it is none.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...10).contains(parts[0].utf8.count),
            parts[0].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let rank = Int64(parts[0]), let code = StockCode(parts[1])
        else { return nil }
        self.rank = rank
        self.code = code
    }

    var description: String { "\(rank)-\(code)" }
}
