import Apus
import FoundationEssentials
import Testing

@testable import Bazaar

@Suite(.timeLimit(.minutes(5)))
struct CartFillingTests {
    private func decode<Value: Decodable>(_ answer: Browser.Answer, as type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(answer.body.utf8))
    }

    /// A document with these lines.
    private static func contents(_ lines: [(product: String, quantity: Int)]) -> String {
        let items = lines.map { #"{"product":"\#($0.product)","quantity":\#($0.quantity)}"# }
        return #"{"lines":[\#(items.joined(separator: ","))]}"#
    }

    private static let (mug, heart, bag) = ("\(TestShop.mug)", "\(TestShop.heart)", "\(TestShop.bag)")

    @Test(arguments: Deployment.allCases)
    func `a cart is filled at once, whatever was in it, in the order said`(deployment: Deployment) async throws {
        try await TestSite.with(deployment) { site in
            let client = Browser(site, origin: nil)
            let path = "/api/carts/\(SecureRandom.token())"
            let first = try await client.send(
                "PUT",
                path,
                json: Self.contents([(Self.mug, 2), (Self.heart, 3)])
            )
            #expect(first.status == 200)
            let one: APIBody.Cart = try decode(first)
            #expect(one.lines.map(\.product) == [Self.mug, Self.heart])
            #expect(one.lines.map(\.quantity) == [2, 3])
            #expect(one.goods.amount == "34.35")

            let second: APIBody.Cart = try decode(
                try await client.send("PUT", path, json: Self.contents([(Self.heart, 1), (Self.bag, 999)]))
            )
            #expect(second.lines.map(\.product) == [Self.heart, Self.bag])
            #expect(second.lines.map(\.quantity) == [1, 999])
            #expect(second.version > one.version)
            // What is put in later comes after all of it.
            let third: APIBody.Cart = try decode(
                try await client.send("PUT", "\(path)/lines/\(Self.mug)", json: #"{"quantity":1}"#)
            )
            #expect(third.lines.map(\.product) == [Self.heart, Self.bag, Self.mug])
            let read: APIBody.Cart = try decode(try await client.get(path))
            #expect(read.lines.map(\.product) == third.lines.map(\.product))
            #expect(read.version == third.version)

            let empty: APIBody.Cart = try decode(try await client.send("PUT", path, json: Self.contents([])))
            #expect(empty.lines.isEmpty)
            #expect(empty.version > third.version)
        }
    }

    @Test func `a cart takes as many products as a basket does, and not one more`() async throws {
        try await TestSite.with(.together) { site in
            let shard = try site.shop.store.shard(for: CategoryKey(category: .garden))
            let codes = (0...Basket.linesMax).map { "\(30_000 + $0)" }
            try await shard.transaction { transaction in
                for code in codes {
                    try transaction.execute(
                        """
                        INSERT INTO products (category, code, title, price_mills, popularity, stock, reserved, sold)
                        VALUES (\(Category.garden), \(code), \(code), 1000, 1, 5, 0, 0)
                        """
                    )
                }
            }
            let client = Browser(site, origin: nil)
            let path = "/api/carts/\(SecureRandom.token())"
            let lines = codes.map { (product: "garden-\($0)", quantity: 1) }
            let full = try await client.send("PUT", path, json: Self.contents(Array(lines.dropLast())))
            #expect(full.status == 200)
            #expect(try decode(full, as: APIBody.Cart.self).goods.amount == "100.00")
            let more = try await client.send("PUT", path, json: Self.contents(lines))
            #expect(more.status == 422)
            #expect(more.body.contains("At most 100 different products"))
            let one = try await client.send("PUT", "\(path)/lines/garden-30100", json: #"{"quantity":1}"#)
            #expect(one.status == 422)
            #expect(try decode(try await client.get(path), as: APIBody.Cart.self).lines.count == Basket.linesMax)
        }
    }

    @Test(arguments: [
        ("{", 400, "json."), ("", 400, "json."), ("[]", 422, "json."), ("{}", 422, "/lines"),
        (#"{"lines":{}}"#, 422, "/lines"), (#"{"lines":[{}]}"#, 422, "/lines/0/product"),
        (contents([(mug, 1), ("nothing", 1)]), 422, "/lines/1/product"),
        (#"{"lines":[{"product":"\#(mug)"}]}"#, 422, "/lines/0/quantity"),
        (#"{"lines":[{"product":"\#(mug)","quantity":1.5}]}"#, 422, "json.valueRefused"),
        (contents([(mug, 0)]), 422, "shop.invalidInput"), (contents([(mug, 1000)]), 422, "shop.invalidInput"),
        (contents([(mug, -1)]), 422, "shop.invalidInput"),
        (contents([(mug, 1), (heart, 1), (mug, 2)]), 422, "name each product once"),
        (contents([(mug, 1), ("kitchen-99999", 2)]), 422, "no such product"),
        (String(repeating: " ", count: Exchange.formBytesMax + 1), 413, "http.body"),
    ])
    func `contents that a cart cannot have change nothing`(body: String, status: Int, says: String) async throws {
        try await TestSite.with(.together) { site in
            let client = Browser(site, origin: nil)
            let path = "/api/carts/\(try await site.shop.cart())"
            let before = try await client.get(path).body
            let answer = try await client.send("PUT", path, json: body)
            #expect(answer.status == status)
            #expect(answer.field("Content-Type") == "application/problem+json")
            #expect(answer.body.contains(says), "\(answer.body)")
            #expect(try await client.get(path).body == before)
        }
    }

    @Test func `a cart is filled by a JSON document only, under an id that could be one`() async throws {
        try await TestSite.with(.together) { site in
            let client = Browser(site, origin: nil)
            let path = "/api/carts/\(SecureRandom.token())"
            let text = try await client.send("PUT", path, type: "text/plain", body: Self.contents([]))
            #expect(text.status == 415)
            #expect(try await client.send("PUT", "/api/carts/mine", json: Self.contents([])).status == 404)
        }
    }

    @Test func `the document says how many lines a cart takes`() async throws {
        try await TestSite.with(.together) { site in
            let document = try await Browser(site, origin: nil).get("/openapi.json").body
            #expect(document.contains("\"maxItems\":\(Basket.linesMax)"))
        }
    }
}
