/// Where a page of a department ended.
struct PageCursor: Sendable, Hashable, Codable, CustomStringConvertible {
    let popularity: Int
    let code: StockCode

    init(after product: Product) {
        popularity = product.popularity
        code = product.id.code
    }

    /// Reads the text of ``description``, such as `1988-22423`; `nil` where it is none.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count <= 9, let popularity = Int(parts[0]), popularity >= 0,
            let code = StockCode(parts[1])
        else { return nil }
        self.popularity = popularity
        self.code = code
    }

    var description: String { "\(popularity)-\(code)" }
}
