import Apus
import Testing

@testable import Bazaar

struct CountryLedgerTests {
    private static let prices = [TestShop.mug: Money(mills: 12_750), TestShop.heart: Money(mills: 2_950)]

    private func order(_ country: String, _ lines: [(ProductID, Int)]) -> RecordedOrders.Order {
        RecordedOrders.Order(
            number: "1",
            country: country,
            lines: lines.map { RecordedOrders.Line(product: $0, quantity: $1) }
        )
    }

    @Test func `the store's ledger is that of the orders that were placed, by country`() async throws {
        let shop = try await TestShop()
        let before = try await CountryLedger(shop.store)
        #expect(before.entries.isEmpty)
        for (key, country) in [("1", "France"), ("2", "France"), ("3", "Japan")] {
            let cart = try await shop.cart(mugs: 1, hearts: 2, bags: 0)
            _ = try await shop.buy(shop.request(cart, key: key, country: country))
        }
        let placed = try await CountryLedger(shop.store)
        let lines = [(TestShop.mug, 1), (TestShop.heart, 2)]
        let wanted = CountryLedger(["France", "France", "Japan"].map { order($0, lines) }, prices: Self.prices)
        #expect(placed == wanted)
        #expect(placed.entries["France"] == .init(orders: 2, pieces: 6, goods: Money(mills: 37_300)))
        #expect(placed.finding(wanted: wanted).holds)

        // Later orders are told apart from those before.
        let cart = try await shop.cart(mugs: 2, hearts: 0, bags: 0)
        _ = try await shop.buy(shop.request(cart, key: "4", country: "Japan"))
        let fresh = try await CountryLedger(shop.store).since(placed)
        #expect(fresh == CountryLedger([order("Japan", [(TestShop.mug, 2)])], prices: Self.prices))
        try await shop.end()
    }

    @Test func `a country that has one piece too few is named with both figures`() {
        let wanted = CountryLedger(
            [order("France", [(TestShop.mug, 2)]), order("Japan", [(TestShop.heart, 1)])],
            prices: Self.prices
        )
        let has = CountryLedger(
            [order("France", [(TestShop.mug, 1)]), order("Japan", [(TestShop.heart, 1)])],
            prices: Self.prices
        )
        let finding = has.finding(wanted: wanted)
        #expect(!finding.holds)
        #expect(finding.detail.contains("France has 1 orders, 1 pieces, £12.75, and should have 1, 2, £25.50"))
        #expect(!finding.detail.contains("Japan has"))
        #expect(!has.finding(wanted: CountryLedger([], prices: [:])).holds)
    }
}
