/// Derives the catalogue from a year of sales.
///
/// The rules, each with its test:
/// 1. An article is a ``StockCode``, capitals and small letters taken for the same.
/// 2. It is in the catalogue if it was sold at all: a line with a positive quantity and price on an invoice that is
///    neither a cancellation nor an adjustment. Notes of the stock-keepers ("damaged", "found?") all have price zero.
/// 3. Its title comes from its most frequent description among such lines; of equals, the first in the alphabet.
/// 4. Its price is the median of its unit prices over such lines, the lower of the two in the middle, in whole pennies
///    and at least one. Trade discounts and the dearer web shop pull a mean; they do not pull a median.
/// 5. Its category comes from its title by ``CategoryRules``.
/// 6. Its stock is a month's sales: a twelfth of the pieces sold, at least 2 and at most 5,000. What was not sold in the
///    file's last half year is running out: a quarter of that, which may be none.
struct CatalogueBuilder {
    private struct Article {
        var descriptions: [String: Int] = [:]
        var prices: [Int64: Int] = [:]
        var lines = 0
        var pieces = 0
        var lastSold: Int64 = 0

        mutating func count(_ line: SalesLine) {
            if !line.description.isEmpty {
                descriptions[line.description.split(separator: " ").joined(separator: " "), default: 0] += 1
            }
            prices[line.unitPrice.mills, default: 0] += 1
            lines += 1
            pieces += line.quantity
            lastSold = max(lastSold, line.time)
        }
    }

    private var articles: [StockCode: Article] = [:]
    private var end: Int64 = 0

    /// Counts one line in.
    mutating func add(_ line: SalesLine) {
        end = max(end, line.time)
        guard line.quantity > 0, line.unitPrice > .zero, line.invoice.first?.isNumber == true,
            let code = StockCode(line.stockCode)
        else { return }
        articles[code, default: Article()].count(line)
    }

    /// The catalogue, by product id.
    func products() -> [Product] {
        articles.compactMap { code, article in product(code, article) }.sorted { $0.id.code < $1.id.code }
    }

    private func product(_ code: StockCode, _ article: Article) -> Product? {
        let named = article.descriptions.max { ($0.value, $1.key) < ($1.value, $0.key) }
        guard let description = named?.key else { return nil }
        let title = TitleCase.title(of: description)
        guard !title.isEmpty else { return nil }
        let month = min(max(article.pieces / 12, 2), 5_000)
        let isRunningOut = end - article.lastSold > 182 * 86_400
        return Product(
            id: ProductID(category: CategoryRules.category(of: description), code: code),
            title: title,
            price: Money(pence: max(1, median(article.prices).pence)),
            available: isRunningOut ? month / 4 : month,
            popularity: article.lines
        )
    }

    private func median(_ prices: [Int64: Int]) -> Money {
        let middle = (prices.values.reduce(0, +) + 1) / 2
        var passed = 0
        for (mills, count) in prices.sorted(by: { $0.key < $1.key }) {
            passed += count
            if passed >= middle { return Money(mills: mills) }
        }
        return .zero
    }
}
