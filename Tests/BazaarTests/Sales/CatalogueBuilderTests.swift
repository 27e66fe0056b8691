import Testing

@testable import Bazaar

/// A line of history to vary.
func line(
    _ invoice: String = "536365",
    _ code: String = "85123A",
    _ description: String = "WHITE HANGING HEART T-LIGHT HOLDER",
    quantity: Int = 6,
    price: Int64 = 2_550,
    customer: Int? = 17_850,
    country: String = "United Kingdom",
    time: Int64 = 1_291_191_960
) -> SalesLine {
    SalesLine(
        invoice: invoice,
        stockCode: code,
        description: description,
        quantity: quantity,
        time: time,
        unitPrice: Money(mills: price),
        customer: customer,
        country: country
    )
}

@Suite struct CatalogueBuilderTests {
    private func catalogue(_ lines: [SalesLine]) -> [Product] {
        var builder = CatalogueBuilder()
        for line in lines { builder.add(line) }
        return builder.products()
    }

    @Test(arguments: [
        "POST", "DOT", "M", "m", "BANK CHARGES", "AMAZONFEE", "gift_0001_20", "D", "C2", "S", "B", "CRUK", "PADS",
    ])
    func `what is no article never gets into the catalogue`(code: String) {
        #expect(catalogue([line("536365", code, "SOMETHING")]).isEmpty)
    }

    @Test func `an article that was never sold for money is left out`() {
        #expect(
            catalogue([line(price: 0), line("C536365", quantity: -6), line("A536365"), line(quantity: -3)]).isEmpty
        )
    }

    @Test func `capitals and small letters of a code are the same article`() throws {
        let products = catalogue([
            line("1", "15056bl", "EDWARDIAN PARASOL BLACK"), line("2", "15056BL", "EDWARDIAN PARASOL BLACK"),
        ])
        #expect(products.map(\.id.description) == ["garden-15056BL"])
        #expect(products.first?.popularity == 2)
    }

    @Test func `the most frequent description names the article and stock-keepers' notes do not`() {
        let products = catalogue([
            line("1", "22423", "REGENCY CAKESTAND 3 TIER"), line("2", "22423", "REGENCY  CAKESTAND 3 TIER"),
            line("3", "22423", "CAKESTAND"), line("4", "22423", "damaged", quantity: 4, price: 0),
            line("5", "22423", "damaged", quantity: 4, price: 0), line("6", "22423", "damaged", quantity: 4, price: 0),
        ])
        #expect(products.map(\.title) == ["Regency Cakestand 3 Tier"])
        #expect(products.map(\.id.category) == [.kitchen])
    }

    @Test func `the price is the median of what was asked, in whole pennies`() {
        let prices = [1_250, 2_550, 2_550, 5_914, 99_000] as [Int64]
        #expect(catalogue(prices.map { line(price: $0) }).first?.price == Money(pence: 255))
        #expect(catalogue([line(price: 1)]).first?.price == Money(pence: 1))
    }

    @Test func `stock is a month's sales, and a quarter of it for what runs out`() {
        let year: Int64 = 1_291_191_960
        #expect(catalogue([line(quantity: 1_200)]).first?.available == 100)
        let old = catalogue([line(quantity: 1_200, time: year), line("2", "22423", "MUG", time: year + 300 * 86_400)])
        #expect(old.first { $0.id.code.text == "85123A" }?.available == 25)
        #expect(catalogue([line(quantity: 1)]).first?.available == 2)
        #expect(catalogue([line(quantity: 80_995)]).first?.available == 5_000)
    }

    @Test func `the real catalogue has every department well filled and sane prices`() throws {
        let products = try History.shared.get().products
        #expect(products.count == 3_798, "\(products.count)")
        #expect(Set(products.map(\.id)).count == products.count)
        for category in Category.allCases {
            #expect(products.count { $0.id.category == category } >= 60, "\(category)")
        }
        #expect(products.allSatisfy { $0.price >= Money(pence: 1) && $0.price <= Money(pence: 50_000) })
        #expect(products.allSatisfy { !$0.title.isEmpty && $0.title.count <= 80 && $0.available >= 0 })
        let hottest = products.max { $0.popularity < $1.popularity }
        #expect(hottest?.title == "White Hanging Heart T-light Holder")
        #expect(hottest?.id.description == "lighting-85123A")
        #expect(hottest?.price == Money(pence: 295), "\(hottest?.price.formatted ?? "")")
    }
}
