import Testing

@testable import Bazaar

@Suite(.timeLimit(.minutes(5)))
struct ShoppingTests {
    static let address = [
        ("name", "Ada Lovelace"), ("email", "ada@example.com"), ("street", "12 St James's Square"), ("town", "London"),
        ("postcode", "SW1Y 4JH"), ("country", "United Kingdom"),
    ]

    @Test(arguments: Deployment.allCases)
    func `a guest buys: basket, checkout, order, and the link that shows it to nobody else`(
        deployment: Deployment
    ) async throws {
        try await TestSite.with(deployment) { site in
            let visitor = Browser(site)
            #expect(try await visitor.get("/").status == 200)
            #expect(visitor.cookies.isEmpty)
            #expect(try await visitor.get("/products/\(TestShop.mug)").status == 200)
            let added = try await visitor.post(
                "/basket/lines",
                form: [("product", "\(TestShop.mug)"), ("quantity", "2")]
            )
            #expect(added.status == 303)
            #expect(added.field("Location") == "/basket")
            #expect(added.field("Set-Cookie")?.contains("HttpOnly; SameSite=Lax") == true)
            #expect(try await visitor.get("/basket").body.contains("£25.50"))

            let checkout = try await visitor.get("/checkout")
            let key = try #require(checkout.hidden("key"))
            let version = try #require(checkout.hidden("version"))
            let form = Self.address + [("key", key), ("version", version)]
            let placed = try await visitor.post("/checkout", form: form)
            #expect(placed.status == 303)
            let path = try #require(placed.field("Location"))
            // The button pressed twice.
            #expect(try await visitor.post("/checkout", form: form).field("Location") == path)
            #expect(try await site.shop.count(TestShop.mug) == TestShop.Count(stock: 8, reserved: 0, sold: 2))

            let order = try await visitor.get(path)
            #expect(order.status == 200)
            #expect(order.body.contains("Ada Lovelace"))
            #expect(order.field("Cache-Control")?.contains("private") == true)
            let link = try #require(order.body.firstRange(of: "\(path)?secret=")).lowerBound
            let secret = String(order.body[link...].prefix { $0 != "\"" })
            let stranger = Browser(site)
            #expect(try await stranger.get(path).status == 404)
            #expect(try await stranger.get(path + "?secret=00000000000000000000000000000000").status == 404)
            #expect(try await stranger.get(secret).status == 200)
            #expect(try await visitor.get("/basket").body.contains("Your basket is empty"))
        }
    }

    @Test(arguments: Deployment.allCases)
    func `mistakes at the checkout are shown beside their fields, and what was typed stays`(
        deployment: Deployment
    ) async throws {
        try await TestSite.with(deployment) { site in
            let visitor = Browser(site)
            _ = try await visitor.post("/basket/lines", form: [("product", "\(TestShop.bag)"), ("quantity", "1")])
            let key = try #require(try await visitor.get("/checkout").hidden("key"))
            let answer = try await visitor.post(
                "/checkout",
                form: [
                    ("key", key), ("name", "Ada\u{0007}"), ("email", "ada at home"), ("street", ""), ("town", "London"),
                    ("postcode", String(repeating: "9", count: 17)), ("country", "Atlantis"),
                ]
            )
            #expect(answer.status == 422)
            for field in ["name", "email", "street", "postcode", "country"] {
                #expect(answer.body.contains("id=\"\(field)-error\""), "\(field)")
            }
            #expect(!answer.body.contains("id=\"town-error\""))
            #expect(answer.body.contains("value=\"ada at home\""))
            #expect(try await site.shop.filed().isEmpty)
        }
    }

    @Test(arguments: ["0", "-1", "1000", "1.5", "1e2", "", " ", "2x", "٣", "99999999999999999999"])
    func `a quantity that is none is refused beside the field`(quantity: String) async throws {
        try await TestSite.with(.together) { site in
            let answer = try await Browser(site).post(
                "/basket/lines",
                form: [("product", "\(TestShop.mug)"), ("quantity", quantity)]
            )
            #expect(answer.status == 422)
            #expect(answer.body.contains("Please give a whole number from 1 to 999."))
            #expect(answer.field("Set-Cookie") == nil)
        }
    }

    @Test func `buying more than there is says what is left and buys nothing`() async throws {
        try await TestSite.with(.split) { site in
            let visitor = Browser(site)
            _ = try await visitor.post("/basket/lines", form: [("product", "\(TestShop.mug)"), ("quantity", "11")])
            #expect(try await visitor.get("/basket").body.contains("Only 10 left."))
            let checkout = try await visitor.get("/checkout")
            let form =
                Self.address
                + [("key", checkout.hidden("key") ?? ""), ("version", checkout.hidden("version") ?? "")]
            let answer = try await visitor.post("/checkout", form: form)
            #expect(answer.status == 409)
            #expect(answer.body.contains("has only 10 left."))
            #expect(answer.hidden("key") != checkout.hidden("key"))
            #expect(try await site.shop.count(TestShop.mug) == TestShop.Count(stock: 10, reserved: 0, sold: 0))
        }
    }

    @Test func `quantities can be changed and products taken out`() async throws {
        try await TestSite.with(.together) { site in
            let visitor = Browser(site)
            _ = try await visitor.post("/basket/lines", form: [("product", "\(TestShop.mug)"), ("quantity", "2")])
            _ = try await visitor.post("/basket/lines", form: [("product", "\(TestShop.bag)"), ("quantity", "1")])
            let changed = try await visitor.post(
                "/basket/lines/change",
                form: [("product", "\(TestShop.mug)"), ("quantity", "5")]
            )
            #expect(changed.status == 303)
            #expect(try await visitor.get("/basket").body.contains("6 pieces"))
            let wrong = try await visitor.post(
                "/basket/lines/change",
                form: [("product", "\(TestShop.mug)"), ("quantity", "lots")]
            )
            #expect(wrong.status == 422)
            _ = try await visitor.post(
                "/basket/lines/change",
                form: [("product", "\(TestShop.mug)"), ("quantity", "5"), ("remove", "yes")]
            )
            #expect(try await visitor.get("/basket").body.contains("1 piece<"))
        }
    }
}
