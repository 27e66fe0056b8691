import Apus
import Testing

@testable import Bazaar

@Suite(.timeLimit(.minutes(5)))
struct LookingAroundTests {
    @Test(arguments: Deployment.allCases)
    func `search finds, corrects, suggests and says where there is nothing`(deployment: Deployment) async throws {
        try await TestSite.with(deployment) { site in
            for (id, title) in [(TestShop.mug, "Blue Lantern"), (TestShop.heart, "White Hanging Heart")] {
                try await site.shop.store.shard(for: CategoryKey(category: id.category)).execute(
                    "UPDATE products SET title = \(title) WHERE category = \(id.category)"
                )
            }
            let browser = Browser(site)
            let found = try await browser.get("/search?q=hanging+heart")
            #expect(found.body.contains("White Hanging Heart</a>") && found.body.contains("1 thing<"))
            let corrected = try await browser.get("/search?q=lnatern")
            #expect(corrected.body.contains("“lantern”") && corrected.body.contains("Blue Lantern</a>"))
            let nothing = try await browser.get("/search?q=zzzqqq")
            #expect(nothing.status == 200 && nothing.body.contains("Nothing for “zzzqqq”"))
            #expect(try await browser.get("/search").body.contains("What are you looking for?"))
            let long = try await browser.get("/search?q=" + String(repeating: "a", count: 81))
            #expect(long.status == 422 && long.body.contains("at most 80 characters"))
            let elsewhere = try await browser.get("/search?q=heart&department=bags")
            #expect(elsewhere.body.contains("Search all departments"))

            let suggested = try await browser.get("/search/suggestions?q=lant")
            #expect(suggested.body.contains("role=\"option\"") && suggested.body.contains("Blue Lantern"))
            #expect(try await browser.get("/search/suggestions?q=").body.isEmpty)
            for attack in ["<script>alert(1)</script>", "\"><svg onload=alert(1)>", "%00"] {
                let page = try await browser.get("/search?q=" + Browser.encode(attack))
                #expect(!page.body.contains("<script>") && !page.body.contains("<svg onload"))
            }
        }
    }

    @Test(arguments: Deployment.allCases)
    func `a department is sorted, filtered and walked through page by page`(deployment: Deployment) async throws {
        try await TestSite.with(deployment) { site in
            for number in 0..<60 {
                try await site.shop.store.shard(for: CategoryKey(category: .garden)).execute(
                    """
                    INSERT INTO products (category, code, title, price_mills, popularity, stock, reserved, sold)
                    VALUES ('garden', \("\(40_000 + number)"), 'Thing', \(500 + number * 100), 7, \(number % 2), 0, 0)
                    """
                )
            }
            let browser = Browser(site)
            var path: String? = "/departments/garden?sort=dear&stock=yes"
            var seen: [String] = []
            while let address = path {
                let page = try await browser.get(address)
                #expect(page.status == 200)
                #expect(page.body.contains("30 things"))
                seen += page.body.ranges(of: "href=\"/products/garden-").map {
                    String(page.body[$0.upperBound...].prefix(5))
                }
                path = page.body.firstRange(of: "rel=\"next\" href=\"").map {
                    String(page.body[$0.upperBound...].prefix { $0 != "\"" }).replacing("&amp;", with: "&")
                }
            }
            #expect(seen == stride(from: 59, to: 0, by: -2).map { "\(40_000 + $0)" })
            #expect(try await browser.get("/departments/garden?price=0-1&stock=yes").body.contains("2 things"))
            #expect(try await browser.get("/departments/christmas?price=6-").body.contains("Nothing here fits"))
            #expect(try await browser.get("/departments/garden?sort=nice").status == 400)
            #expect(try await browser.get("/departments/garden?price=1").status == 400)
        }
    }

    @Test(arguments: Deployment.allCases)
    func `what was looked at is shown again, to the same visitor only`(deployment: Deployment) async throws {
        try await TestSite.with(deployment) { site in
            let visitor = Browser(site)
            let first = try await visitor.get("/products/\(TestShop.mug)")
            let cookie = try #require(first.field("Set-Cookie"))
            #expect(cookie.hasPrefix("seen=\(TestShop.mug);") && cookie.contains("HttpOnly"))
            let second = try await visitor.get("/products/\(TestShop.bag)")
            #expect(second.body.contains("You looked at"))
            #expect(second.field("Set-Cookie")?.hasPrefix("seen=\(TestShop.bag).\(TestShop.mug);") == true)
            #expect(try await !Browser(site).get("/products/\(TestShop.bag)").body.contains("You looked at"))
            // What is no list of products is no list.
            let forged = [("Cookie", "seen=<script>.kitchen-22423.x; session=y")]
            let page = try await Browser(site).send("GET", "/products/\(TestShop.bag)", fields: forged)
            #expect(page.status == 200 && page.body.count("<script") == 1 && page.body.contains("You looked at"))
        }
    }

    @Test(arguments: Deployment.allCases)
    func `a product shows what is bought with it and when it arrives`(deployment: Deployment) async throws {
        try await TestSite.with(deployment) { site in
            try await site.shop.store.shard(for: CategoryKey(category: .kitchen)).execute(
                "INSERT INTO companions (category, code, place, companion, orders) VALUES ('kitchen', '22423', 0, 'bags-85099B', 9)"
            )
            let page = try await Browser(site).get("/products/\(TestShop.mug)")
            #expect(page.body.contains("Bought together") && page.body.contains("href=\"/products/bags-85099B\""))
            let delivery = Delivery(orderedAt: site.shop.clock.wallNanoseconds() / 1_000_000_000, to: .britain)
            #expect(page.body.contains("Arrives \(delivery.formatted)"))
            #expect(
                try await Browser(site).get("/api/products/\(TestShop.mug)/companions").body.contains("bags-85099B")
            )
        }
    }

    @Test(arguments: Deployment.allCases)
    func `a page that has not changed is not sent again`(deployment: Deployment) async throws {
        try await TestSite.with(deployment) { site in
            let browser = Browser(site)
            for path in ["/", "/departments/kitchen", "/products/\(TestShop.mug)", "/search?q=mug", "/basket"] {
                let page = try await browser.get(path)
                #expect(page.field("Cache-Control") == "private, no-cache", "\(path)")
                #expect(page.field("Vary") == "Cookie")
                let tag = try #require(page.field("ETag"))
                let again = try await browser.send("GET", path, fields: [("If-None-Match", tag)])
                #expect(again.status == (path.hasPrefix("/products") ? 304 : 304), "\(path)")
                #expect(again.body.isEmpty)
            }
            #expect(try await browser.get("/orders").field("Cache-Control") == "private, no-store")
            #expect(try await browser.get("/nowhere").field("Cache-Control") == "private, no-store")
        }
    }

    @Test(arguments: Deployment.allCases)
    func `a closed shop says so, to people and to programs`(deployment: Deployment) async throws {
        try await TestSite.with(deployment, isClosed: true) { site in
            let browser = Browser(site)
            for path in ["/", "/products/\(TestShop.mug)", "/checkout"] {
                let page = try await browser.get(path)
                #expect(page.status == 503 && page.body.contains("Closed for a moment"))
                #expect(page.field("Retry-After") == "120")
            }
            let answer = try await browser.get("/api/products")
            #expect(answer.status == 503 && answer.field("Content-Type") == "application/problem+json")
            #expect(answer.body.contains("shop.closed") && answer.field("Retry-After") == "120")
            #expect(try await browser.get(Stylesheet.path).status == 200)
        }
    }

    @Test(arguments: Deployment.allCases)
    func `orders are listed, and found by number and email address`(deployment: Deployment) async throws {
        try await TestSite.with(deployment) { site in
            let visitor = Browser(site)
            #expect(try await visitor.get("/orders").body.contains("Nothing was ordered"))
            _ = try await visitor.post("/basket/lines", form: [("product", "\(TestShop.mug)"), ("quantity", "2")])
            let checkout = try await visitor.get("/checkout")
            let hidden = [("key", checkout.hidden("key") ?? ""), ("version", checkout.hidden("version") ?? "")]
            let placed = try await visitor.post("/checkout", form: ShoppingTests.address + hidden)
            let number = try #require(placed.field("Location")).dropFirst("/orders/".count)
            #expect(try await visitor.get("/orders").body.contains("/orders/\(number)\""))

            let stranger = Browser(site)
            #expect(try await !stranger.get("/orders").body.contains("\(number)"))
            let form = [("number", " \(number.lowercased())"), ("email", "ADA@example.com ")]
            let led = try await stranger.post("/orders/find", form: form)
            #expect(led.status == 303)
            #expect(try await stranger.get(led.field("Location") ?? "").body.contains("Ada Lovelace"))
            for wrong in [
                [("number", "\(number)"), ("email", "eve@example.com")],
                [("number", "536365"), ("email", "ada@example.com")], [],
            ] {
                let refused = try await stranger.post("/orders/find", form: wrong)
                #expect(refused.status == 422 && refused.body.contains("There is no order with"))
            }
        }
    }

    @Test
    func `who looks for orders again and again is told to wait`() async throws {
        try await TestSite.with(.together, searchesMax: 3) { site in
            let stranger = Browser(site)
            for _ in 0..<3 {
                #expect(try await stranger.post("/orders/find", form: [("number", "900001")]).status == 422)
            }
            let refused = try await stranger.post("/orders/find", form: [("number", "900001")])
            #expect(refused.status == 429)
            #expect(refused.field("Retry-After").flatMap { Int($0) }.map { (1...60).contains($0) } == true)
            #expect(refused.body.contains("Please try again in"))
        }
    }
}
