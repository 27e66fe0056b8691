import Apus
import Testing

@testable import Bazaar

@Suite(.timeLimit(.minutes(15)))
struct LoaderTests {
    @Test func `the real year is loaded once, each order on its buyer's shard`() async throws {
        let folder = "/tmp/bazaar-\(SecureRandom.token(bits: 64))"
        try Files.makeFolder(folder)
        let storage = try await ShopStorage.make()
        let store = Schema.store()
        try await store.open(storage.site(folder))
        let loader = Loader(store: store, sales: salesFile)
        let report = try #require(try await loader.loadIfNeeded())
        #expect(report == Loader.Report(products: 3_798, customers: 4_372, orders: 23_799, orderLines: 531_238))
        #expect(try await loader.loadIfNeeded() == nil)

        // Customer 17850's orders, all on one shard, in the region's slots.
        let key = BuyerKey(region: .britain, buyer: "17850")
        let orders: Int = try await store.shard(for: key).one("SELECT COUNT(*) FROM orders WHERE buyer = '17850'")
        #expect(orders == 35, "\(orders)")
        let hottest = try await CatalogueTable(store: store).product(TestShop.id("lighting-85123A"))
        #expect(hottest?.title == "White Hanging Heart T-light Holder")
        let kitchen = try await CatalogueTable(store: store).best(.kitchen, count: 2)
        #expect(kitchen.first?.id == TestShop.mug)

        let companions = CompanionTable(store: store)
        let count = try #require(try await companions.makeIfNeeded())
        #expect(count > 2_500, "\(count)")
        #expect(try await companions.makeIfNeeded() == nil)
        let saucers = try await CatalogueTable(store: store).products(companions.companions(of: TestShop.mug))
        #expect(saucers.contains { $0.title == "Roses Regency Teacup and Saucer" }, "\(saucers.map(\.title))")

        await store.close()
        try await storage.remove()
        try Files.remove(folder)
    }
}
