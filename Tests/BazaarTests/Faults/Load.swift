import Testing

@testable import Apus
@testable import Bazaar

/// Customers who go on asking while something is done to the system.
//
// `@unchecked Sendable` is sound because it is used on its loop alone.
final class Load: @unchecked Sendable {
    /// A request that did not get the answer it should.
    struct Failure: Sendable, CustomStringConvertible {
        let what: String
        let began: Instant
        let ended: Instant
        let outcome: Outcome
        var description: String { "\(what) after \((ended - began).seconds) s: \(outcome)" }
    }

    private(set) var answered: [String: Int] = [:]
    private(set) var failures: [Failure] = []
    private(set) var buyers: [Buyer] = []
    private let loop: EventLoop
    private var isOver = false
    private var customers: [Task<Void, Never>] = []
    /// Between two requests of one customer: load, and yet room for the others on a small machine.
    private static let pause: Duration = .milliseconds(4)

    var count: Int { answered.values.reduce(0, +) }

    /// - Parameters:
    ///   - readers: Customers who only look.
    ///   - writers: Customers who fill a cart and buy it.
    ///   - shop: The shop they are in.
    /// - Throws: What keeps the first of them from buying.
    init(readers: Int, writers: Int, of shop: RunningShop) async throws {
        loop = shop.loop
        let address = try shop.address
        let first = Client(address, on: loop)
        defer { first.close() }
        let products = try await first.catalogue().filter { $0.available > 1_000 }.map(\.id)
        let buyer = Buyer(0)
        await buyer.fill([(products[0], 1)], first)
        await buyer.checkOut(first)
        let placed = try #require(buyer.placed)
        let paths = [
            ("page", "/"), ("products", "/api/products?limit=8"), ("product", "/api/products/\(products[1])"),
            ("cart", "/api/carts/\(buyer.cart)"), ("order", "/api/orders/\(placed.number)?secret=\(placed.secret)"),
        ]
        let filed = try await loop.eventually(within: .seconds(20)) { await buyer.look(first)?.status == 200 }
        #expect(filed)
        for number in 0..<readers {
            customers.append(
                Task(executorPreference: loop) { [self] in await read(Client(address, on: loop), paths, from: number) }
            )
        }
        for number in 0..<writers {
            customers.append(
                Task(executorPreference: loop) { [self] in await write(Client(address, on: loop), products, number) }
            )
        }
    }

    private func read(_ client: Client, _ paths: [(String, String)], from start: Int) async {
        defer { client.close() }
        var next = start
        while !isOver {
            let (what, path) = paths[next % paths.count]
            next += 1
            await note(what, expected: 200) { await client.ask(.get, path) }
        }
    }

    private func write(_ client: Client, _ products: [String], _ start: Int) async {
        defer { client.close() }
        var next = start
        while !isOver {
            next += 1
            let buyer = Buyer(next)
            let product = products[next % 8]
            let path = "/api/carts/\(buyer.cart)/lines/\(product)"
            await note("line", expected: 200) { await client.ask(.put, path, json: #"{"quantity":1}"#) }
            buyers.append(buyer)
            await note("checkout", expected: 201) {
                await buyer.checkOut(client)
            }
        }
    }

    private func note(_ what: String, expected: Int, _ ask: () async -> Outcome) async {
        let began = loop.preciseNow()
        let outcome = await ask()
        if outcome.status == expected {
            answered[what, default: 0] += 1
        } else {
            failures.append(Failure(what: what, began: began, ended: loop.preciseNow(), outcome: outcome))
        }
        try? await loop.sleep(for: Self.pause)
    }

    /// Waits until so many more requests are answered.
    func answers(_ more: Int, within limit: Duration = .seconds(10)) async throws {
        let before = count
        #expect(try await loop.eventually(within: limit) { count >= before + more }, "the load does not get through")
    }

    /// Lets everyone finish what they are at.
    func stop() async {
        isOver = true
        for customer in customers { await customer.value }
    }
}

extension Client {
    /// What the shop sells.
    func catalogue() async throws -> [APIBody.Product] {
        let outcome = await ask(.get, "/api/products?limit=100")
        guard case .answered(let response) = outcome, response.status == .ok else {
            throw ShopError.notFound("catalogue")
        }
        return try JSONDocument.decode(APIBody.Products.self, from: response.body).products
    }
}
