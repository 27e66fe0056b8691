import Apus
import Testing

@testable import Bazaar

@Suite(.timeLimit(.minutes(5)))
struct WebSafetyTests {
    @Test func `pages forbid other scripts than ours, frames and foreign things, and assets are kept for good`()
        async throws
    {
        try await TestSite.with(.together) { site in
            let browser = Browser(site)
            for path in ["/", "/departments/kitchen", "/basket", "/nowhere"] {
                let page = try await browser.get(path)
                let policy = page.field("Content-Security-Policy") ?? ""
                #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "\(path)")
                #expect(!policy.contains("unsafe"))
                #expect(page.field("X-Content-Type-Options") == "nosniff")
                #expect(page.field("Referrer-Policy") == "same-origin")
                #expect(
                    page.body.count("<script") == 1
                        && page.body.contains("<script src=\"\(Script.path)\" defer></script>")
                )
                #expect(!page.body.contains(" style=") && !page.body.contains(" onclick"))
            }
            for path in [Stylesheet.path, Script.path] {
                let asset = try await browser.get(path)
                #expect(asset.status == 200)
                #expect(asset.field("Cache-Control")?.contains("immutable") == true)
                let tag = try #require(asset.field("ETag"))
                let again = try await browser.send("GET", path, fields: [("If-None-Match", tag)])
                #expect(again.status == 304)
            }
        }
    }

    @Test func `over TLS the cookie is secure and bound to the host`() async throws {
        try await TestSite.with(.together) { site in
            let visitor = Browser(site, origin: "https://shop.test", isSecure: true)
            let answer = try await visitor.post(
                "/basket/lines",
                form: [("product", "\(TestShop.mug)"), ("quantity", "1")]
            )
            let cookie = try #require(answer.field("Set-Cookie"))
            #expect(cookie.hasPrefix("__Host-session="))
            #expect(cookie.contains("; Secure") && cookie.contains("; HttpOnly") && cookie.contains("; Path=/"))
            #expect(try await visitor.get("/basket").body.contains("1 piece<"))
        }
    }

    @Test(arguments: ["http://evil.test", "null", "http://shop.test.evil.test", "http://shop.test:81"])
    func `a form from another site changes nothing`(origin: String) async throws {
        try await TestSite.with(.together) { site in
            let stranger = Browser(site, origin: origin)
            let answer = try await stranger.post(
                "/basket/lines",
                form: [("product", "\(TestShop.mug)"), ("quantity", "1")]
            )
            #expect(answer.status == 403)
            #expect(answer.field("Set-Cookie") == nil)
        }
    }

    @Test func `without an Origin the form needs the session's token`() async throws {
        try await TestSite.with(.together) { site in
            let visitor = Browser(site)
            _ = try await visitor.post("/basket/lines", form: [("product", "\(TestShop.mug)"), ("quantity", "1")])
            let token = try #require(try await visitor.get("/basket").hidden("token"))
            let body = "product=\(TestShop.mug)&quantity=3"
            let silent = [("Cookie", visitor.cookies)]
            let type = "application/x-www-form-urlencoded"
            let quiet = Browser(site, origin: nil)
            #expect(
                try await quiet.send("POST", "/basket/lines/change", type: type, body: body, fields: silent).status
                    == 403
            )
            #expect(
                try await quiet.send(
                    "POST",
                    "/basket/lines/change",
                    type: type,
                    body: body + "&token=\(token)",
                    fields: silent
                ).status == 303
            )
            let crossSite = silent + [("Sec-Fetch-Site", "cross-site")]
            #expect(
                try await quiet.send(
                    "POST",
                    "/basket/lines/change",
                    type: type,
                    body: body + "&token=\(token)",
                    fields: crossSite
                ).status == 403
            )
        }
    }

    @Test(arguments: [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'; DROP TABLE orders; --", "' OR '1'='1",
        "</title><svg onload=alert(1)>", "${7*7}{{7*7}}", "javascript:alert(1)", "Robert'); DELETE FROM products; --",
        "&lt;b&gt;", "‮abc".filter { $0 != "\u{202E}" },
    ])
    func `what is typed is kept as text and shown as text`(attack: String) async throws {
        try await TestSite.with(.together) { site in
            let visitor = Browser(site)
            _ = try await visitor.post("/basket/lines", form: [("product", "\(TestShop.mug)"), ("quantity", "1")])
            let checkout = try await visitor.get("/checkout")
            let hidden = [("key", checkout.hidden("key") ?? ""), ("version", checkout.hidden("version") ?? "")]
            let postcode = String(attack.prefix(16))
            let form = [
                ("name", attack), ("email", "ada@example.com"), ("street", attack), ("town", attack),
                ("postcode", postcode), ("country", "France"),
            ]
            // First with a mistake, so that the form comes back with everything in it.
            let refused = try await visitor.post(
                "/checkout",
                form: form.map { $0.0 == "email" ? ("email", attack) : $0 } + hidden
            )
            #expect(refused.status == 422)
            let placed = try await visitor.post("/checkout", form: form + hidden)
            let path = try #require(placed.field("Location"))
            let order = try await visitor.get(path)
            for page in [refused, order] {
                #expect(
                    page.body.count("<script") == 1 && !page.body.contains("<img") && !page.body.contains("<svg onload")
                )
            }
            let number = try #require(OrderNumber(path.dropFirst("/orders/".count)))
            let stored = try #require(try await OrderTable(store: site.shop.store).order(number))
            #expect(stored.order.address?.name == Text.trim(attack))
            #expect(try await site.shop.count(TestShop.mug).sold == 1)
        }
    }

    @Test(arguments: [
        ("/products/kitchen-0", 404), ("/products/kitchen-99999", 404), ("/products/garden-22423", 404),
        ("/products/..%2F..%2Fetc%2Fpasswd", 400), ("/departments/nowhere", 404), ("/orders/WB0000000000", 404),
        ("/orders/536365", 404), ("/departments/kitchen?after=x", 400), ("/departments/kitchen?after=1-22423'--", 400),
        ("/products/%ff", 404), ("/%", 400), ("/a/../b", 400),
    ])
    func `an address that names nothing is a page that says so`(path: String, status: Int) async throws {
        try await TestSite.with(.together) { site in
            let answer = try await Browser(site).get(path)
            #expect(answer.status == status)
        }
    }

    @Test func `a form that is no form is refused`() async throws {
        try await TestSite.with(.together) { site in
            let browser = Browser(site)
            let type = "application/x-www-form-urlencoded"
            for (type, body, status) in [
                ("text/plain", "product=x", 415), (type, "product=%ff", 400), (type, "product=%zz", 400),
                (type, String(repeating: "a", count: 20_000), 413), (type, String(repeating: "a&", count: 300), 413),
                (type, "", 404),
            ] {
                let answer = try await browser.send("POST", "/basket/lines", type: type, body: body)
                #expect(answer.status == status, "\(type) \(body.prefix(20))")
            }
        }
    }

    @Test(arguments: Deployment.allCases)
    func `what breaks behind the pages is a page and a problem document, and says nothing of how`(
        deployment: Deployment
    ) async throws {
        try await TestSite.with(deployment) { site in
            await site.shop.store.close()
            let browser = Browser(site)
            let page = try await browser.get("/products/\(TestShop.mug)")
            #expect(page.status == 500)
            #expect(page.body.contains("Something broke"))
            #expect(page.field("Content-Type") == "text/html; charset=utf-8")
            let document = try await browser.get("/api/products/\(TestShop.mug)")
            #expect(document.status == 500)
            #expect(document.field("Content-Type") == "application/problem+json")
            for answer in [page, document] {
                #expect(
                    !answer.body.contains("Store") && !answer.body.contains("sqlite") && !answer.body.contains("closed")
                )
            }
        }
    }
}

extension String {
    /// How often `part` is in it.
    func count(_ part: String) -> Int { ranges(of: part).count }
}
