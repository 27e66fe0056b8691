import Testing

@testable import Bazaar

@Suite struct CompanionBuilderTests {
    private static func ids(_ count: Int) -> [ProductID] {
        (0..<count).compactMap { ProductID("kitchen-\(20_000 + $0)") }
    }

    @Test func `what goes with everything goes with nothing in particular`() throws {
        let ids = Self.ids(4)
        var builder = CompanionBuilder(products: ids)
        // 0 and 1 are always together; 3 is in every order.
        for _ in 0..<5 { builder.add([ids[0], ids[1], ids[3]]) }
        for _ in 0..<20 { builder.add([ids[2], ids[3]]) }
        let found = Dictionary(uniqueKeysWithValues: builder.companions().map { ($0.product, $0.companions) })
        let first = try #require(found[ids[0]])
        #expect(first.map(\.product) == [ids[1], ids[3]])
        #expect(first.map(\.orders) == [5, 5])
        #expect(found[ids[2]]?.map(\.product) == [ids[3]])
    }

    @Test func `few orders, orders of one thing and whole stockrooms say nothing`() {
        let ids = Self.ids(CompanionBuilder.productsMax + 1)
        var builder = CompanionBuilder(products: ids)
        for _ in 0..<(CompanionBuilder.ordersMin - 1) { builder.add([ids[0], ids[1]]) }
        for _ in 0..<10 { builder.add([ids[2], ids[2]]) }
        for _ in 0..<10 { builder.add(ids) }
        #expect(builder.companions().isEmpty)
        builder.add([ids[0], ids[1], ids[0]])
        #expect(builder.companions().map(\.product) == [ids[0], ids[1]])
    }

    @Test func `products that are gone are left out`() throws {
        let ids = Self.ids(2)
        var builder = CompanionBuilder(products: ids)
        let gone = try #require(ProductID("kitchen-99999"))
        for _ in 0..<5 { builder.add([ids[0], gone]) }
        #expect(builder.companions().isEmpty)
    }
}
