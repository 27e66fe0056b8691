import Testing

@testable import Bazaar

@Suite struct HistoryBuilderTests {
    private func orders(_ lines: [SalesLine], _ look: (HistoryBuilder) -> Void = { _ in }) -> [Order] {
        var builder = HistoryBuilder(products: [])
        var orders: [Order] = []
        for line in lines { if let order = builder.add(line) { orders.append(order) } }
        while let order = builder.finish() { orders.append(order) }
        look(builder)
        return orders
    }

    @Test func `lines of one invoice are one order`() {
        let orders = orders([line("1"), line("1", "71053", quantity: 2), line("2")])
        #expect(orders.map(\.number) == ["1", "2"])
        #expect(orders.first?.pieces == 8)
        #expect(orders.first?.total == Money(mills: 8 * 2_550))
    }

    @Test func `an invoice that others interrupt is still one order`() {
        let orders = orders([line("1"), line("2"), line("3"), line("1", "71053", quantity: 2)])
        #expect(orders.map(\.number) == ["1", "2", "3"])
        #expect(orders.map(\.pieces) == [8, 6, 6])
    }

    @Test func `a cancellation is a return with positive pieces`() {
        let order = orders([line("C1", quantity: -4)]).first
        #expect(order?.kind == .return)
        #expect(order?.pieces == 4)
        #expect(order?.total == Money(mills: 10_200))
    }

    @Test func `corrections of the books and stock-keeping are no orders, but are counted`() {
        let lines = [
            line("A1", "B", "Adjust bad debt", quantity: 1, price: -11_062_060, customer: nil),
            line("2", quantity: -10, price: 0, customer: nil), line("3", quantity: 10, price: 0, customer: nil),
        ]
        let orders = orders(lines) { builder in
            #expect(builder.bookkeeping.lines == 1)
            #expect(builder.bookkeeping.amount == Money(mills: -11_062_060))
            #expect(builder.stockkeeping.lines == 2)
        }
        #expect(orders.isEmpty)
    }

    @Test func `a gift to a customer stays, at no price`() {
        #expect(orders([line(price: 0)]).first?.total == .zero)
    }

    @Test func `a line keyed in twice counts once, and the same article at another price counts twice`() {
        let orders = orders([line(), line(), line(price: 2_000)]) { #expect($0.duplicates.lines == 1) }
        #expect(orders.first?.lines.count == 2)
    }

    @Test func `orders without a customer are guests', each another`() {
        #expect(orders([line("1", customer: nil), line("2", customer: nil)]).map(\.buyer) == ["guest-1", "guest-2"])
    }

    @Test func `postage, discounts and manual entries are no lines`() {
        let order = orders([
            line(quantity: 1, price: 1_000), line("536365", "POST", "POSTAGE", quantity: 1, price: 18_000),
            line("536365", "D", "Discount", quantity: 1, price: -500),
            line("536365", "M", "Manual", quantity: 2, price: 250),
        ]).first
        #expect(order?.lines.count == 1)
        #expect(order?.postage == Money(pence: 1_800))
        #expect(order?.adjustment == .zero)
        #expect(order?.total == Money(pence: 1_900))
    }

    @Test func `a customer lives where most of their orders went`() {
        let lines = [line("1", country: "EIRE"), line("2", country: "France"), line("3", country: "EIRE")]
        _ = orders(lines) { #expect($0.customers().map(\.country) == ["Ireland"]) }
    }

    @Test func `the real year adds up: what was kept and what was left out make the whole`() throws {
        var builder = HistoryBuilder(products: try History.shared.get().products)
        var (sales, returns, lines, guests) = (0, 0, 0, 0)
        var total = Money.zero
        func count(_ order: Order?) {
            guard let order else { return }
            if order.kind == .sale { sales += 1 } else { returns += 1 }
            total = order.kind == .sale ? total + order.total : total - order.total
            lines += order.lines.count
            if order.buyer.hasPrefix("guest") { guests += 1 }
        }
        try salesFile.forEachLine { count(builder.add($0)) }
        while let order = builder.finish() { count(order) }
        let fates = [builder.kept, builder.bookkeeping, builder.stockkeeping, builder.duplicates]
        #expect(fates.reduce(0) { $0 + $1.lines } == 541_909)
        #expect(fates.reduce(0) { $0 + $1.pieces } == 5_176_450)
        #expect(fates.reduce(Money.zero) { $0 + $1.amount } == Money(mills: 9_747_747_934))
        #expect(builder.kept.amount == total)
        #expect(builder.bookkeeping.lines == 3)
        #expect(builder.duplicates.lines == 5_263)
        #expect(builder.customers().count == 4_372)
        #expect(returns == 3_836)
        #expect((sales, guests, lines) == (19_963, 1_609, 531_238))
    }
}
