import Apus
import FoundationEssentials
import Testing

@testable import Bazaar

@Suite(.timeLimit(.minutes(5)))
struct APITests {
    private func decode<Value: Decodable>(_ answer: Browser.Answer, as type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(answer.body.utf8))
    }

    private static let address = """
        {"name":"Ada Lovelace","email":"ada@example.com","street":"12 St James's Square","town":"London",\
        "postcode":"SW1Y 4JH","country":"United Kingdom"}
        """

    @Test(arguments: Deployment.allCases)
    func `a program buys, once for each key, and reads its order`(deployment: Deployment) async throws {
        try await TestSite.with(deployment) { site in
            let client = Browser(site, origin: nil)
            let created = try await client.send("POST", "/api/carts", json: "{}")
            #expect(created.status == 201)
            let cart: APIBody.Cart = try decode(created)
            #expect(created.field("Location") == "/api/carts/\(cart.id)")
            let put = try await client.send(
                "PUT",
                "/api/carts/\(cart.id)/lines/\(TestShop.mug)",
                json: #"{"quantity":2}"#
            )
            #expect(put.status == 200)
            let filled: APIBody.Cart = try decode(put)
            #expect(filled.goods.amount == "25.50")

            let path = "/api/carts/\(cart.id)/checkout"
            let body = #"{"cartVersion":\#(filled.version),"address":\#(Self.address)}"#
            #expect(try await client.send("POST", path, json: body).status == 400)
            let key = [("Idempotency-Key", "\"k-1\"")]
            let placed = try await client.send("POST", path, json: body, fields: key)
            #expect(placed.status == 201)
            let order: APIBody.Order = try decode(placed)
            #expect(order.total.amount == "29.45")
            let again = try await client.send("POST", path, json: body, fields: key)
            #expect(again.status == 201)
            #expect(again.body == placed.body)

            let abroad = body.replacing("United Kingdom", with: "France")
            let refused = try await client.send("POST", path, json: abroad, fields: key)
            #expect(refused.status == 422)
            #expect(refused.field("Content-Type") == "application/problem+json")
            #expect(refused.body.contains("\"code\":\"shop.keyReused\""))

            let location = try #require(placed.field("Location"))
            #expect(try await client.get(location).body == placed.body)
            #expect(try await client.get("/api/orders/\(order.number)").status == 404)
            #expect(try await site.shop.count(TestShop.mug).sold == 2)
        }
    }

    @Test(arguments: Deployment.allCases)
    func `a request that finds its key in use is answered with the order, not with 409`(
        deployment: Deployment
    ) async throws {
        try await TestSite.with(deployment) { site in
            let cart = try await site.shop.cart()
            let claim = try await site.shop.checkout.claim(site.shop.request(cart, key: "k-2"))
            let answer = try await Browser(site, origin: nil).send(
                "POST",
                "/api/carts/\(cart)/checkout",
                json: #"{"address":\#(Self.address)}"#,
                fields: [("Idempotency-Key", "k-2")]
            )
            #expect(answer.status == 201)
            #expect(try decode(answer, as: APIBody.Order.self).number == claim.draft.order.number)
        }
    }

    @Test func `the catalogue is there by department and by product`() async throws {
        try await TestSite.with(.together) { site in
            let client = Browser(site, origin: nil)
            let departments: APIBody.Departments = try decode(try await client.get("/api/departments"))
            #expect(departments.departments.count == Category.allCases.count)
            let best: APIBody.Products = try decode(try await client.get("/api/products"))
            #expect(best.products.count == 3)
            let kitchen: APIBody.Products = try decode(try await client.get("/api/products?department=kitchen"))
            #expect(kitchen.products.map(\.id) == ["kitchen-22423"])
            let product: APIBody.Product = try decode(try await client.get("/api/products/kitchen-22423"))
            #expect(product.price.amount == "12.75")
            #expect(try await client.get("/api/products?department=nowhere").status == 422)
            #expect(try await client.get("/api/products?limit=0").status == 422)
            #expect(try await client.get("/api/nowhere").status == 404)
            let document = try await client.get("/openapi.json")
            #expect(document.status == 200)
            #expect(document.body.contains("\"/api/carts/{cart}/checkout\""))
            #expect(!document.body.contains("\"/basket\""))
        }
    }

    @Test(arguments: [
        ("{", 400), ("[]", 422), ("{\"quantity\":\"2\"}", 422), ("{\"quantity\":1.5}", 422),
        ("{\"quantity\":1000}", 422),
        ("{\"quantity\":-1}", 422), ("{}", 422), ("{\"quantity\":1e999}", 422), ("", 400),
    ])
    func `documents that are none are refused with a problem`(body: String, status: Int) async throws {
        try await TestSite.with(.together) { site in
            let path = "/api/carts/\(SecureRandom.token())/lines/\(TestShop.mug)"
            let answer = try await Browser(site, origin: nil).send("PUT", path, json: body)
            #expect(answer.status == status)
            #expect(answer.field("Content-Type") == "application/problem+json")
        }
    }
}
