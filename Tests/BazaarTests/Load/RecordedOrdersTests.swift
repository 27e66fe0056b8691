import Apus
import Testing

@testable import Bazaar

struct RecordedOrdersTests {
    private let kettle = ProductID("kitchen-22423")
    private let lamp = ProductID("kitchen-21212")

    private func order(
        _ number: String,
        at minute: Int64,
        _ lines: [(ProductID?, Int)],
        country: String = "France"
    ) -> Bazaar.Order {
        Bazaar.Order(
            number: number,
            kind: .sale,
            buyer: "guest",
            country: country,
            placedAt: minute * 60,
            lines: lines.map { product, quantity in
                OrderLine(
                    product: product,
                    code: product?.code.text ?? "",
                    title: "Title",
                    quantity: quantity,
                    unitPrice: Money(pence: 100)
                )
            },
            postage: .zero,
            adjustment: .zero,
            address: nil
        )
    }

    @Test func `orders of a minute are spread over it, and long pauses are cut`() {
        let recorded = RecordedOrders([
            order("1", at: 100, [(kettle, 1)]), order("2", at: 100, [(kettle, 1)]), order("3", at: 102, [(kettle, 1)]),
            order("4", at: 1_500, [(kettle, 1)]),
        ])
        #expect(recorded.times == [0, 30, 120, 120 + Double(RecordedOrders.pauseMax)])
    }

    @Test func `lines of a product become one, what a basket does not take is cut and counted`() {
        let recorded = RecordedOrders([
            order("1", at: 0, [(kettle, 2), (lamp, 1), (kettle, 3), (nil, 7)]), order("2", at: 1, [(lamp, 5_000)]),
            order("3", at: 2, [(nil, 1)]), order("4", at: 3, [(lamp, 1)], country: Country.elsewhere),
        ])
        #expect(recorded.orders.map { $0.lines.map(\.quantity) } == [[5, 1], [999], [1]])
        #expect(recorded.cut == 1 && recorded.without == 1 && recorded.split == 0)
        #expect(recorded.orders.map(\.country) == ["France", "France", "United Kingdom"])
        #expect(recorded.pieces.values.reduce(0, +) == 1_006)
    }

    @Test func `an order with more lines than a basket takes becomes several`() {
        let lines = (0..<250).map { (ProductID("kitchen-\(20_000 + $0)"), 1) }
        let recorded = RecordedOrders([order("1", at: 0, lines)])
        #expect(recorded.orders.map(\.lines.count) == [100, 100, 50])
        #expect(recorded.split == 1 && recorded.times == [0, 0, 0])
    }

    @Test func `the real year is some 20,000 orders, in order, each a basket`() throws {
        let file = try #require(SalesFile.beside())
        let recorded = try RecordedOrders(file)
        #expect(recorded.orders.count > 19_000 && recorded.orders.count < 23_000, "\(recorded.orders.count)")
        #expect(recorded.orders.count == recorded.times.count)
        #expect(zip(recorded.times, recorded.times.dropFirst()).allSatisfy { $0 <= $1 })
        for order in recorded.orders {
            #expect((1...Basket.linesMax).contains(order.lines.count))
            #expect(order.lines.allSatisfy { Basket.quantityRange.contains($0.quantity) })
            #expect(Set(order.lines.map(\.product)).count == order.lines.count)
        }
    }
}
