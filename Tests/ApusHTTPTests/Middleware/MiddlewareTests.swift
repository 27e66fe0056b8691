import ApusCore
import ApusHTTP
import ApusRuntime
import Testing

/// A router with one middleware, a page and a change.
private func router(_ middleware: RouterBuilder.Middleware...) -> RouterBuilder {
    var router = RouterBuilder()
    for part in middleware { router.use(part) }
    router.on(Route(.get, "/page")) { $0.answer(type: "text/plain", text: RequestID.current ?? "page") }
    router.on(Route(.post, "/change")) { $0.answer(type: "text/plain", text: "changed") }
    return router
}

@Suite(.timeLimit(.minutes(5)))
struct SecurityHeadersTests {
    @Test func `every answer has them, also those no route gives`() async throws {
        try await withRouter(router(SecurityHeaders().middleware)) { client, _ async throws in
            for (method, target, status) in [
                (Method.get, "/page", 200), (.get, "/nowhere", 404), (.post, "/page", 405), (.options, "/page", 204),
                (.get, "/a/%2e%2e/b", 400),
            ] {
                let answer = try await client.ask(method, target)
                #expect(Int(answer.status.code) == status)
                #expect(answer.field("x-content-type-options") == "nosniff")
                #expect(answer.field("x-frame-options") == "DENY")
                #expect(answer.field("referrer-policy") == "same-origin")
                #expect(answer.field("permissions-policy")?.contains("camera=()") == true)
                #expect(answer.field("content-security-policy")?.hasSuffix("; frame-ancestors 'none'") == true)
                #expect(answer.field("strict-transport-security") == nil)
            }
        }
    }

    @Test func `policy, frames and transport are the owner's to say`() async throws {
        var headers = SecurityHeaders()
        headers.contentSecurityPolicy = nil
        headers.frameAncestors = .origins(["https://a.example", "https://b.example"])
        headers.strictTransportSeconds = 600
        try await withRouter(router(headers.middleware)) { client, _ async throws in
            let answer = try await client.ask(.get, "/page")
            #expect(
                answer.field("content-security-policy") == "frame-ancestors https://a.example https://b.example"
            )
            #expect(answer.field("x-frame-options") == nil)
            #expect(answer.field("strict-transport-security") == "max-age=600")
        }
    }

    @Test func `a control character in a policy ends the program at start`() async {
        await #expect(processExitsWith: .failure) {
            var headers = SecurityHeaders()
            headers.referrerPolicy = "a\r\nSet-Cookie: b=c"
            _ = headers.middleware
        }
    }
}

@Suite(.timeLimit(.minutes(5)))
struct OriginCheckTests {
    typealias Fields = [(name: String, value: String)]

    @Test func `changes pass from the own origin and from nowhere else`() async throws {
        let cases: [(Fields, String?)] = [
            ([("Origin", "http://shop.example")], nil), ([("Origin", "https://shop.example")], nil),
            ([("Origin", "https://SHOP.example:443")], nil), ([("Origin", "http://shop.example:80")], nil),
            ([("Sec-Fetch-Site", "same-origin")], nil), ([("Sec-Fetch-Site", "none")], nil),
            ([("Sec-Fetch-Site", "same-site"), ("Origin", "https://shop.example")], "origin.crossSite"),
            ([("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")], "origin.crossSite"),
            ([("Origin", "https://evil.example")], "origin.foreign"), ([("Origin", "null")], "origin.foreign"),
            ([("Origin", "https://shop.example.evil")], "origin.foreign"), ([("Origin", "")], "origin.foreign"),
            ([("Origin", "http://shop.example:8080")], "origin.foreign"),
            ([("Origin", "ftp://shop.example")], "origin.foreign"),
            // Without a trusted proxy its fields are anybody's.
            ([("Origin", "https://evil.example"), ("X-Forwarded-Host", "evil.example")], "origin.foreign"),
            ([], "origin.missing"),
        ]
        try await withRouter(router(OriginCheck().middleware)) { client, _ async throws in
            for (fields, code) in cases {
                let answer = try await client.ask(.post, "/change", fields)
                #expect(code.map(answer.isProblem) ?? (answer.text == "changed"), "\(fields)")
            }
            #expect(try await client.ask(.get, "/page", [("Origin", "https://evil.example")]).status == .ok)
        }
    }

    @Test func `behind a trusted proxy host and scheme are the proxy's`() async throws {
        var check = OriginCheck()
        check.trustsProxy = true
        check.otherOrigins = ["https://admin.example"]
        let https: Fields = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "front.example")]
        try await withRouter(router(check.middleware)) { client, _ async throws in
            func code(_ origin: String, _ fields: Fields) async throws -> UInt16 {
                try await client.ask(.post, "/change", fields + [("Origin", origin)]).status.code
            }
            #expect(try await code("https://front.example", https) == 200)
            #expect(try await code("http://front.example", https) == 403)
            #expect(try await code("https://shop.example", https) == 403)
            #expect(try await code("https://shop.example", []) == 403)
            #expect(try await code("https://evil.example", https + [("X-Forwarded-Host", "evil.example")]) == 403)
            let list: Fields = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example, front.example")]
            #expect(try await code("https://evil.example", list) == 403)
            #expect(try await code("https://admin.example", []) == 200)
        }
    }

    @Test func `programs pass where that is said`() async throws {
        var check = OriginCheck()
        check.allowsAbsent = true
        try await withRouter(router(check.middleware)) { client, _ async throws in
            #expect(try await client.ask(.post, "/change").status == .ok)
            #expect(try await client.ask(.post, "/change", [("Origin", "null")]).status == .forbidden)
        }
    }
}

@Suite(.timeLimit(.minutes(5)))
struct HostAllowListTests {
    @Test(arguments: [
        ("localhost", true), ("LOCALHOST:8080", true), ("127.0.0.1", true), ("127.0.0.1:1", true), ("[::1]", true),
        ("[::1]:80", true), ("evil.example", false), ("evil.example:80", false), ("localhost.evil.example", false),
        ("localhost.", false), ("127.0.0.1.nip.io", false), ("[::2]", false), ("0.0.0.0", false),
    ])
    func `a rebound name is refused, whatever its address`(host: String, passes: Bool) async throws {
        try await withRouter(router(HostAllowList.loopback.middleware)) { client, address async throws in
            guard let loop = EventLoop.current else { return }
            let raw = try await RawClient(address, on: loop)
            await raw.send("GET /page HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
            let answer = await raw.read()
            #expect(answer.hasPrefix(passes ? "HTTP/1.1 200" : "HTTP/1.1 421"))
            raw.close()
        }
    }

    @Test func `a port on the list is that port only`() async throws {
        try await withRouter(router(HostAllowList(["shop.example:81"]).middleware)) { client, _ async throws in
            #expect(try await client.ask(.get, "/page").isProblem("host.unknown"))
        }
    }
}

@Suite(.timeLimit(.minutes(5)))
struct TokenCheckTests {
    let token = "0123456789abcdef0123456789abcdef"

    @Test func `only the whole token passes, as bearer or cookie`() async throws {
        let check = TokenCheck(Secret(token), cookie: "admin")
        let token = token
        try await withRouter(router(check.middleware)) { client, _ async throws in
            for (name, value, passes) in [
                ("Authorization", "Bearer \(token)", true), ("authorization", "bearer \(token)", true),
                ("Cookie", "a=b; admin=\(token)", true), ("Cookie", "admin=\(token.dropLast())", false),
                ("Authorization", "Bearer \(token)0", false), ("Authorization", "Bearer ", false),
                ("Authorization", "Basic \(token)", false), ("Authorization", String(token), false),
                ("Authorization", "Bearer " + String(token.reversed()), false), ("X-Other", "", false),
            ] {
                let answer = try await client.ask(.get, "/page", [(name, value)])
                #expect(answer.status == (passes ? .ok : .unauthorized), "\(name): \(value)")
                #expect(passes || answer.field("www-authenticate") == "Bearer")
            }
            // A wrong bearer is not made good by a cookie.
            let both: [(name: String, value: String)] = [
                ("Authorization", "Bearer wrong"), ("Cookie", "admin=\(token)"),
            ]
            #expect(try await client.ask(.get, "/page", both).status == .unauthorized)
        }
    }

    @Test func `reading may be free while changes want it`() async throws {
        try await withRouter(router(TokenCheck(Secret(token), readsFreely: true).middleware)) {
            client,
            _ async throws in
            #expect(try await client.ask(.get, "/page").status == .ok)
            #expect(try await client.ask(.post, "/change").isProblem("token.missing"))
        }
    }

    @Test func `a token that can be guessed ends the program at start`() async {
        await #expect(processExitsWith: .failure) { _ = TokenCheck(Secret("short")) }
    }
}

@Suite(.timeLimit(.minutes(5)))
struct RequestIDTests {
    @Test func `a good one is kept, a bad one replaced, and handlers see it`() async throws {
        try await withRouter(router(RequestID(seed: 1).middleware)) { client, _ async throws in
            let kept = try await client.ask(.get, "/page", [("X-Request-ID", "abc-1.2_3")])
            #expect(kept.field("x-request-id") == "abc-1.2_3")
            #expect(kept.text == "abc-1.2_3")
            var seen: Set<String> = []
            for given in ["a b", "a\"b", String(repeating: "a", count: 129), ""] {
                let answer = try await client.ask(.get, "/page", [("X-Request-ID", given)])
                let id = answer.field("x-request-id") ?? ""
                #expect(id.count == 32 && id.allSatisfy(\.isHexDigit))
                #expect(answer.text == id)
                seen.insert(id)
            }
            #expect(seen.count == 4)
        }
    }
}
