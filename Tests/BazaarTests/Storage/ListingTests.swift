import Apus
import ApusTesting
import Testing

@testable import Bazaar

@Suite(.timeLimit(.minutes(5)))
struct ListingTests {
    /// A kitchen of products with many equals in every respect.
    private func fill(_ shop: TestShop, _ count: Int, _ random: inout SeededRandom) async throws -> [Product] {
        var products: [Product] = []
        for number in 0..<count {
            let product = Product(
                id: TestShop.id("kitchen-\(30_000 + number)"),
                title: "Thing \(Int.random(in: 0..<5, using: &random))",
                price: Money(pence: Int64.random(in: 50...54, using: &random) * [1, 4, 16][number % 3]),
                available: Int.random(in: 0...2, using: &random),
                popularity: Int.random(in: 0..<6, using: &random)
            )
            try await shop.store.shard(for: CategoryKey(category: .kitchen)).execute(
                """
                INSERT INTO products (category, code, title, price_mills, popularity, stock, reserved, sold)
                VALUES ('kitchen', \(product.id.code.text), \(product.title), \(product.price.mills),
                  \(product.popularity), \(product.available), 0, 0)
                """
            )
            products.append(product)
        }
        return products
    }

    private func model(_ products: [Product], _ query: ListingQuery) -> [Product] {
        let fitting = products.filter { product in
            (query.band?.mills.contains(product.price.mills) ?? true) && (!query.isAvailable || product.available > 0)
        }
        return fitting.sorted { one, other in
            let (a, b) = (one.id.code, other.id.code)
            return switch query.sorting {
            case .popular: (one.popularity, a) > (other.popularity, b)
            case .cheap: (one.price, a) < (other.price, b)
            case .dear: (one.price, a) > (other.price, b)
            case .name: (one.title, a) < (other.title, b)
            }
        }
    }

    @Test func `every order and filter, page by page, shows each fitting product once`() async throws {
        var random = SeededRandom(seed: TestRun.seed)
        let shop = try await TestShop()
        try await shop.store.shard(for: CategoryKey(category: .kitchen)).execute("DELETE FROM products")
        let products = try await fill(shop, 60, &random)
        let table = CatalogueTable(store: shop.store)
        for sorting in Sorting.allCases {
            for band in [nil] + PriceBand.allCases {
                for isAvailable in [false, true] {
                    var query = ListingQuery(.kitchen, count: Int.random(in: 1...9, using: &random))
                    (query.sorting, query.band, query.isAvailable) = (sorting, band, isAvailable)
                    let expected = model(products, query)
                    var found: [Product] = []
                    repeat {
                        let listing = try await table.listing(query)
                        #expect(listing.total == expected.count)
                        #expect(listing.products.count <= query.count)
                        found += listing.products
                        // A cursor goes through an address and back.
                        query.after = listing.next.flatMap { PageCursor($0.description) }
                    } while query.after != nil && found.count <= expected.count
                    #expect(found == expected, "\(sorting) \(String(describing: band)), seed \(TestRun.seed)")
                }
            }
        }
        try await shop.end()
    }

    @Test func `a folder from before the table gets what is bought together from its own orders`() async throws {
        let folder = "/tmp/bazaar-\(SecureRandom.token(bits: 64))"
        try Files.makeFolder(folder)
        let old = Schema.store(migrations: Array(Schema.migrations.prefix(4)))
        let storage = try await ShopStorage.make()
        try await old.open(storage.site(folder))
        let pair = [TestShop.mug, TestShop.bag]
        for id in pair {
            try await old.shard(for: CategoryKey(category: id.category)).execute(
                """
                INSERT INTO products (category, code, title, price_mills, popularity, stock, reserved, sold)
                VALUES (\(id.category), \(id.code.text), 'Thing', 1000, 1, 1, 0, 0)
                """
            )
        }
        for number in 0..<40 {
            let order = Order(
                number: "\(536_000 + number)",
                kind: number < 35 ? .sale : .return,
                buyer: "\(number)",
                country: "United Kingdom",
                placedAt: 0,
                lines: pair.map {
                    OrderLine(
                        product: $0,
                        code: $0.code.text,
                        title: "Thing",
                        quantity: 1,
                        unitPrice: Money(pence: 100)
                    )
                },
                postage: .zero,
                adjustment: .zero,
                address: nil
            )
            try await old.shard(for: BuyerKey(region: .britain, buyer: order.buyer)).transaction { transaction in
                try OrderTable.insert(order, region: .britain, secret: nil, transaction)
            }
        }
        await old.close()

        let store = Schema.store()
        try await store.open(storage.site(folder))
        let companions = CompanionTable(store: store)
        #expect(try await companions.companions(of: TestShop.mug).isEmpty)
        #expect(try await companions.makeIfNeeded() == 2)
        #expect(try await companions.companions(of: TestShop.mug) == [TestShop.bag])
        let orders: Int = try await store.shard(for: CategoryKey(category: .bags)).one(
            "SELECT orders FROM companions WHERE code = '85099B'"
        )
        #expect(orders == 35)
        #expect(try await companions.makeIfNeeded() == nil)
        // Made by another rule, it is made again.
        for shard in try store.everyShard.handles {
            try await shard.execute("UPDATE notes SET value = '0' WHERE name = 'companions'")
        }
        #expect(try await companions.makeIfNeeded() == 2)
        await store.close()
        try await storage.remove()
        try Files.remove(folder)
    }

    @Test func `a changed catalogue is searched anew once its version is raised, and not before`() async throws {
        let shop = try await TestShop()
        let table = CatalogueTable(store: shop.store)
        let search = ProductSearch(metrics: Metrics())
        #expect(try await search.index(of: table).search("gazebo").hits.isEmpty)
        try await shop.store.shard(for: CategoryKey(category: .bags)).execute(
            "UPDATE products SET title = 'Gazebo' WHERE category = 'bags'"
        )
        search.invalidate()
        #expect(try await search.index(of: table).search("gazebo").hits.isEmpty)
        try await CatalogueVersion(store: shop.store).raise()
        search.invalidate()
        #expect(try await search.index(of: table).search("gazebo").hits.count == 1)
        #expect(try await CatalogueVersion(store: shop.store).read() == 1)
        try await shop.end()
    }
}
