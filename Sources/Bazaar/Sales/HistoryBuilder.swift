/// Derives customers and a year of orders from the sales, and accounts for every line.
///
/// The rules, each with its test:
/// 1. Lines with the same invoice number are one order. They follow each other in the file, but for one invoice that
///    others interrupt: the last 8 invoices are kept open.
/// 2. An invoice whose number starts with `C` is a return: its quantities count positive, its order's kind is `return`.
/// 3. An invoice whose number starts with `A` corrects the books and is no order.
/// 4. A line with price zero and no customer is stock-keeping (damaged, found, sent elsewhere) and no sale. With a
///    customer it is a gift and stays.
/// 5. A negative quantity outside a return (all have price zero) is stock-keeping too.
/// 6. A line equal to an earlier one of the same invoice in every column was keyed in twice and counts once.
/// 7. An order without a customer number is a guest's, and every guest is another.
/// 8. POST, DOT and C2 lines are the order's postage; discounts and manual entries its adjustment.
/// 9. A customer lives where most of their orders went; of equals, the first in the alphabet.
struct HistoryBuilder {
    /// What became of the lines: their number, pieces and amount by fate, so that the books can be balanced.
    struct Fate: Sendable, Hashable {
        var lines = 0
        var pieces = 0
        var amount = Money.zero

        mutating func add(_ line: SalesLine) {
            lines += 1
            pieces += line.quantity
            amount += line.amount
        }
    }

    /// A customer of the history.
    struct Customer: Sendable, Hashable {
        let number: Int
        /// The country's name as on the checkout's list.
        let country: String
        let orders: Int
    }

    private struct Invoice {
        let number: String
        var lines: [SalesLine] = []
        var seen: Set<SalesLine> = []
    }

    private static let openMax = 8

    private(set) var kept = Fate()
    private(set) var bookkeeping = Fate()
    private(set) var stockkeeping = Fate()
    private(set) var duplicates = Fate()

    /// The catalogue's products, by stock code.
    private let products: [StockCode: Product]
    private var open: [Invoice] = []
    private var countries: [Int: [String: Int]] = [:]

    init(products: [Product]) {
        self.products = Dictionary(products.map { ($0.id.code, $0) }) { first, _ in first }
    }

    /// Counts one line in and gives the order that is thereby known to be complete, if there is one.
    mutating func add(_ line: SalesLine) -> Order? {
        if line.invoice.hasPrefix("A") {
            bookkeeping.add(line)
            return nil
        }
        if line.customer == nil && line.unitPrice == .zero || line.quantity < 0 && !line.invoice.hasPrefix("C") {
            stockkeeping.add(line)
            return nil
        }
        var finished: Order?
        var index = open.lastIndex { $0.number == line.invoice }
        if index == nil {
            if open.count == Self.openMax { finished = finish() }
            open.append(Invoice(number: line.invoice))
            index = open.count - 1
        }
        if let index {
            if open[index].seen.insert(line).inserted {
                kept.add(line)
                open[index].lines.append(line)
            } else {
                duplicates.add(line)
            }
        }
        return finished
    }

    /// The order longest under way; call it after the last line until it gives `nil`.
    mutating func finish() -> Order? {
        guard let invoice = open.first, let first = invoice.lines.first else { return nil }
        open.removeFirst()
        let isReturn = first.invoice.hasPrefix("C")
        let country = Country(history: first.country)?.name ?? Country.elsewhere
        let buyer = first.customer.map(Buyer.customer) ?? .guest(order: first.invoice)
        var order = Order(
            number: first.invoice,
            kind: isReturn ? .return : .sale,
            buyer: buyer.description,
            country: country,
            placedAt: first.time,
            lines: [],
            postage: .zero,
            adjustment: .zero,
            address: nil
        )
        for line in invoice.lines {
            let amount = isReturn ? Money(mills: -line.amount.mills) : line.amount
            switch line.kind {
            case .postage: order.postage += amount
            case .discount, .adjustment: order.adjustment += amount
            case .article: order.lines.append(orderLine(line))
            }
        }
        if let customer = first.customer { countries[customer, default: [:]][country, default: 0] += 1 }
        return order
    }

    private func orderLine(_ line: SalesLine) -> OrderLine {
        let product = StockCode(line.stockCode).flatMap { products[$0] }
        return OrderLine(
            product: product?.id,
            code: line.stockCode,
            title: product?.title ?? TitleCase.title(of: line.description),
            quantity: abs(line.quantity),
            unitPrice: line.unitPrice
        )
    }

    /// The customers of the orders given out so far, by number.
    func customers() -> [Customer] {
        countries.map { number, orders in
            let home = orders.max { ($0.value, $1.key) < ($1.value, $0.key) }
            return Customer(
                number: number,
                country: home?.key ?? Country.elsewhere,
                orders: orders.values.reduce(0, +)
            )
        }
        .sorted { $0.number < $1.number }
    }
}
