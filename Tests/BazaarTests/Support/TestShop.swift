import Apus

@testable import Bazaar

/// A clock that stands still until it is turned.
final class TurnedClock: Clock {
    private let nanoseconds = Lock<Int64>(1_700_000_000_000_000_000)

    func now() -> Instant { Instant(nanoseconds: wallNanoseconds()) }
    func wallNanoseconds() -> Int64 { nanoseconds.withLock { $0 } }
    func turn(_ seconds: Int64) { nanoseconds.withLock { $0 += seconds * 1_000_000_000 } }
}

/// A small shop in a folder of its own: three departments, stock of 10 of everything.
final class TestShop: Sendable {
    let folder: String
    let storage: ShopStorage
    let store: Store
    let clock = TurnedClock()

    static let mug = id("kitchen-22423")
    static let heart = id("lighting-85123A")
    static let bag = id("bags-85099B")
    static let stock = 10
    /// The departments of the three.
    static let departments = [mug, heart, bag].map(\.category)

    static func id(_ text: String) -> ProductID {
        guard let id = ProductID(text) else { preconditionFailure("\(text) is no product") }
        return id
    }

    init() async throws {
        folder = "/tmp/bazaar-\(SecureRandom.token(bits: 64))"
        try Files.makeFolder(folder)
        storage = try await ShopStorage.make()
        store = Schema.store()
        try await store.open(storage.site(folder))
        for (id, price) in [(Self.mug, Int64(12_750)), (Self.heart, 2_950), (Self.bag, 2_080)] {
            try await store.shard(for: CategoryKey(category: id.category)).execute(
                """
                INSERT INTO products (category, code, title, price_mills, popularity, stock, reserved, sold)
                VALUES (\(id.category), \(id.code.text), \(id.description), \(price), 1, \(Self.stock), 0, 0)
                """
            )
        }
    }

    func end() async throws {
        await store.close()
        try await storage.remove()
        try Files.remove(folder)
    }

    var carts: CartTable { CartTable(store: store, clock: clock) }
    var checkout: StoreCheckout { StoreCheckout(store: store, clock: clock) }
    var sweeper: Sweeper { Sweeper(store: store, clock: clock) }

    /// A cart with so many of each.
    func cart(mugs: Int = 2, hearts: Int = 3, bags: Int = 1) async throws -> String {
        let cart = SecureRandom.token()
        for (product, count) in [(Self.mug, mugs), (Self.heart, hearts), (Self.bag, bags)] where count > 0 {
            _ = try await carts.set(product, quantity: count, in: cart)
        }
        return cart
    }

    func request(
        _ cart: String,
        key: String = "key-1",
        name: String = "Ada Lovelace",
        country: String = "United Kingdom"
    ) -> CheckoutRequest {
        let address = Address(
            name: name,
            email: "ada@example.com",
            street: "12 St James's Square",
            town: "London",
            postcode: "SW1Y 4JH",
            country: country
        )
        return CheckoutRequest(key: key, cart: cart, version: nil, address: address)
    }

    func buy(_ request: CheckoutRequest) async throws -> PlacedOrder {
        try await CheckoutWalk(steps: checkout).run(request)
    }

    /// Stock, reserved and sold pieces of one product.
    struct Count: Row, Sendable, Equatable {
        let stock: Int
        let reserved: Int
        let sold: Int

        init(stock: Int, reserved: Int, sold: Int) {
            self.stock = stock
            self.reserved = reserved
            self.sold = sold
        }

        init(from row: inout RowReader) throws {
            stock = try row.next()
            reserved = try row.next()
            sold = try row.next()
        }
    }

    func count(_ id: ProductID) async throws -> Count {
        try await store.shard(for: CategoryKey(category: id.category)).one(
            """
            SELECT stock, reserved, sold FROM products WHERE category = \(id.category) AND code = \(id.code.text)
            """
        )
    }

    /// The orders filed for a region's shards, by number.
    func filed() async throws -> [String] {
        var numbers: Set<String> = []
        for region in Region.allCases {
            for buyer in 0..<64 {
                let shard = try store.shard(for: BuyerKey(region: region, buyer: "\(buyer)"))
                numbers.formUnion(try await shard.scan("SELECT number FROM orders", as: String.self))
            }
        }
        return numbers.sorted()
    }
}
