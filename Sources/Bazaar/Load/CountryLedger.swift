import Apus

/// Orders, pieces and takings by country, at the shop's prices and without postage.
struct CountryLedger: Sendable, Equatable {
    /// What one country bought.
    struct Entry: Sendable, Hashable {
        var orders = 0
        var pieces = 0
        var goods = Money.zero
    }

    private(set) var entries: [String: Entry] = [:]

    /// What `orders` come to at these prices; a product without one counts as given away, and so does not balance.
    init(_ orders: [RecordedOrders.Order], prices: [ProductID: Money]) {
        for order in orders {
            var entry = Entry(orders: 1)
            for line in order.lines {
                entry.pieces += line.quantity
                entry.goods += (prices[line.product] ?? .zero) * line.quantity
            }
            add(entry, to: order.country)
        }
    }

    private struct Sum: Row, Sendable {
        let country: String
        let entry: Entry
        init(from row: inout RowReader) throws {
            country = try row.next()
            entry = Entry(orders: try row.next(), pieces: try row.next(), goods: Money(mills: try row.next()))
        }
    }

    /// What the store has of orders that were placed in the shop, by their rows.
    init(_ store: Store) async throws {
        let sums: [Sum] = try await store.everyShard.all(
            """
            SELECT country, COUNT(DISTINCT number), SUM(quantity), SUM(quantity * unit_mills)
            FROM orders JOIN order_lines ON order_number = number WHERE secret IS NOT NULL GROUP BY country
            """
        ).rows
        for sum in sums { add(sum.entry, to: sum.country) }
    }

    private mutating func add(_ entry: Entry, to country: String) {
        var sum = entries[country, default: Entry()]
        sum.orders += entry.orders
        sum.pieces += entry.pieces
        sum.goods += entry.goods
        entries[country] = sum
    }

    /// What came since `before`.
    func since(_ before: CountryLedger) -> CountryLedger {
        var fresh = self
        for (country, old) in before.entries {
            var entry = fresh.entries[country, default: Entry()]
            entry.orders -= old.orders
            entry.pieces -= old.pieces
            entry.goods = entry.goods - old.goods
            fresh.entries[country] = entry == Entry() ? nil : entry
        }
        return fresh
    }

    /// All countries together.
    var total: Entry {
        entries.values.reduce(into: Entry()) { sum, entry in
            sum.orders += entry.orders
            sum.pieces += entry.pieces
            sum.goods += entry.goods
        }
    }

    /// Whether every country bought what `wanted` says, and a sentence with the figures.
    func finding(wanted: CountryLedger) -> Mix.Finding {
        let countries = Set(entries.keys).union(wanted.entries.keys).sorted()
        let wrong = countries.filter { entries[$0] != wanted.entries[$0] }
        let sum = total
        var words =
            "\(wanted.entries.count) countries, \(Figures.grouped(Double(sum.orders))) orders, "
            + "\(Figures.grouped(Double(sum.pieces))) pieces, \(sum.goods.formatted) of goods"
        if !wrong.isEmpty {
            let some = wrong.prefix(3).map { country in
                let (has, should) = (entries[country, default: Entry()], wanted.entries[country, default: Entry()])
                return "\(country) has \(has.orders) orders, \(has.pieces) pieces, \(has.goods.formatted), and should "
                    + "have \(should.orders), \(should.pieces), \(should.goods.formatted)"
            }
            words += "; \(wrong.count) countries differ: " + some.joined(separator: "; ")
        }
        return Mix.Finding(
            "orders, pieces and takings of each country are those of the file",
            holds: wrong.isEmpty,
            words
        )
    }
}
