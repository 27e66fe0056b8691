import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime

/// The dashboard over HTTP, on loopback.
struct DashboardRoutes: Sendable {
    let dashboard: Dashboard
    let guarding: AccessGuard
    /// The results of load runs.
    let results: LoadResults

    var source: any DashboardSource { dashboard.source }

    /// What a page may do: load our script and style, talk to us, and nothing else.
    static let policy = """
        default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
        form-action 'self'; frame-ancestors 'none'; base-uri 'none'
        """

    func router() throws -> Router {
        var router = RouterBuilder()
        router.use { exchange, next in
            exchange.setField("X-Content-Type-Options", "nosniff")
            exchange.setField("Referrer-Policy", "no-referrer")
            exchange.setField("Cross-Origin-Opener-Policy", "same-origin")
            exchange.setField("Cross-Origin-Resource-Policy", "same-origin")
            let isReport = String(decoding: exchange.path, as: UTF8.self).hasSuffix("/report")
            exchange.setField("Content-Security-Policy", isReport ? Self.reportPolicy : Self.policy)
            do throws(AccessGuard.Refusal) {
                try guarding.checkRead(Self.claim(exchange))
            } catch {
                throw Self.problem(error)
            }
            try await next(exchange)
        }
        pages(&router)
        health(&router)
        documents(&router)
        metrics(&router)
        streams(&router)
        changes(&router)
        sessions(&router)
        loadRuns(&router)
        return try router.build()
    }

    // MARK: Pages

    /// Every page is the same document: which one it is stands in its address, and the script reads it there.
    private func pages(_ router: inout RouterBuilder) {
        for path in ["/", "/traces", "/logs", "/explore", "/configuration", "/loads", "/parts"] {
            router.on(ApusHTTP.Route(.get, "\(path)")) { try await page($0) }
        }
        router.on(ApusHTTP.Route(.get, "/traces/{id}", String.self)) { exchange, _ in try await page(exchange) }
        router.on(ApusHTTP.Route(.get, "/parts/{name}", String.self)) { exchange, _ in try await page(exchange) }
        router.on(ApusHTTP.Route(.get, "/blocks/{kind}/{name}", String.self, String.self)) { exchange, _, _ in
            try await page(exchange)
        }
        for asset in Asset.all {
            router.on(ApusHTTP.Route(.get, "\(asset.path)")) { exchange in
                if exchange.field(named: "if-none-match").map({ String(decoding: $0, as: UTF8.self) }) == asset.tag {
                    exchange.setField("ETag", asset.tag)
                    return exchange.answer(.notModified)
                }
                exchange.setField("Cache-Control", "no-cache")
                exchange.setField("ETag", asset.tag)
                exchange.answer(type: asset.type, text: asset.text)
            }
        }
    }

    private func page(_ exchange: Exchange) async throws {
        exchange.setField("Cache-Control", "no-store")
        let query = Query(exchange)
        if let given = query["token"] {
            guard guarding.token.matches(given) else { throw Self.problem(.noToken) }
            // The address bar and the history are no places for a token.
            exchange.setField("Set-Cookie", "\(guarding.cookieName)=\(given); HttpOnly; SameSite=Strict; Path=/")
            exchange.setField("Location", String(decoding: exchange.path, as: UTF8.self))
            return exchange.answer(.seeOther)
        }
        let page = Page(facts: source.facts, parts: await source.parts(measured: false), mayChange: mayChange(exchange))
        exchange.answer(type: "text/html; charset=utf-8") { page.write(to: &$0) }
    }

    /// Whether whoever asks has the token, by a cookie of ours.
    private func mayChange(_ exchange: Exchange) -> Bool {
        Self.claim(exchange).cookie.flatMap { AccessGuard.value(of: guarding.cookieName, in: $0) }
            .map(guarding.token.matches) ?? false
    }

    // MARK: Health

    private func health(_ router: inout RouterBuilder) {
        router.on(ApusHTTP.Route(.get, "/livez")) { $0.answer(type: "text/plain; charset=utf-8", text: "ok\n") }
        router.on(ApusHTTP.Route(.get, "/readyz")) { exchange in
            let problems = await source.problems()
            let text = problems.isEmpty ? "ok\n" : problems.map { "[-] \($0)\n" }.joined()
            exchange.answer(problems.isEmpty ? .ok : .serviceUnavailable, type: "text/plain; charset=utf-8", text: text)
        }
        router.on(ApusHTTP.Route(.get, "/metrics")) { exchange in
            let text = await source.metrics()
            exchange.answer(type: "text/plain; version=0.0.4; charset=utf-8", text: text)
        }
    }

    // MARK: Documents

    private func documents(_ router: inout RouterBuilder) {
        router.on(ApusHTTP.Route(.get, "/api/facts")) { exchange in
            var facts = source.facts
            facts.settings = []
            try Self.answer(DashboardFacts(facts: facts, mayChange: mayChange(exchange), range: range), exchange)
        }
        router.on(ApusHTTP.Route(.get, "/api/picture")) { exchange in
            let query = Query(exchange)
            let window = try query.number("window", in: 1...3600, or: 5)
            try await Self.answer(dashboard.picture(at: query.time("at"), window: window), exchange)
        }
        router.on(ApusHTTP.Route(.get, "/api/parts")) { exchange in
            try await Self.answer(["parts": source.parts(measured: true)], exchange)
        }
        router.on(ApusHTTP.Route(.get, "/api/parts/{name}", String.self)) { exchange, name in
            let query = Query(exchange)
            let window = try query.number("window", in: 1...3600, or: 30)
            guard let part = try await dashboard.part(name, at: query.time("at"), window: window) else {
                throw Self.noPart(name)
            }
            try Self.answer(part, exchange)
        }
        router.on(ApusHTTP.Route(.get, "/api/blocks/{kind}/{name}", String.self, String.self)) { exchange, kind, name in
            let query = Query(exchange)
            let window = try query.number("window", in: 1...3600, or: 30)
            guard let block = try await dashboard.block(kind, name, at: query.time("at"), window: window) else {
                throw Problem(.notFound, code: "block.notFound", detail: "there is no \(kind) \(name)")
            }
            try Self.answer(block, exchange)
        }
        router.on(ApusHTTP.Route(.get, "/api/blocks/store/{name}/rows", String.self)) { exchange, name in
            guard source.facts.blocks.contains(where: { $0.kind == "store" && $0.name == name }) else {
                throw Problem(.notFound, code: "block.notFound", detail: "there is no store \(name)")
            }
            try await Self.answer(counted(name), exchange)
        }
        router.on(ApusHTTP.Route(.get, "/api/traces")) { exchange in
            try Self.answer(["traces": dashboard.traces.list(Query(exchange).traces(dashboard))], exchange)
        }
        router.on(ApusHTTP.Route(.get, "/api/traces/{id}", String.self)) { exchange, text in
            guard let id = TraceID(text) else { throw Query.noTrace }
            let spans = await dashboard.traces.spans(of: id)
            guard !spans.isEmpty else {
                throw Problem(.notFound, code: "trace.notFound", detail: "this trace is not held, or not any more")
            }
            try Self.answer(["spans": spans], exchange)
        }
        router.on(ApusHTTP.Route(.get, "/api/logs")) { exchange in
            try await Self.answer(["lines": dashboard.logs.list(Query(exchange).lines(dashboard))], exchange)
        }
        router.on(ApusHTTP.Route(.get, "/api/configuration")) { exchange in
            try Self.answer(["settings": source.facts.settings], exchange)
        }
    }

    /// The rows of a store, counted at most once a while however many ask.
    private func counted(_ store: String) async throws -> RowCounts {
        do throws(ChangeRefused) {
            return try await dashboard.rowCounts(of: store)
        } catch {
            throw Problem(.serviceUnavailable, code: "block.rows", detail: "\(error)")
        }
    }

    private var range: [Int64] { dashboard.timeline.range.map { [$0.lowerBound, $0.upperBound] } ?? [] }

    private func metrics(_ router: inout RouterBuilder) {
        router.on(ApusHTTP.Route(.get, "/api/metrics")) { exchange in
            try Self.answer(["metrics": dashboard.metrics], exchange)
        }
        router.on(ApusHTTP.Route(.get, "/api/metrics/{name}", String.self)) { exchange, name in
            let now = dashboard.timeline.latest ?? SystemClock().wallNanoseconds()
            guard let chart = try await dashboard.chart(Query(exchange).chart(name, now: now, dashboard)) else {
                throw Problem(.notFound, code: "metric.notFound", detail: "there is no metric \(name)")
            }
            try Self.answer(chart, exchange)
        }
    }

    // MARK: Requests and answers

    static func noPart(_ name: String) -> Problem {
        Problem(.notFound, code: "part.notFound", detail: "there is no part \(name)")
    }

    static func claim(_ exchange: Exchange) -> AccessGuard.Claim {
        AccessGuard.Claim(
            host: String(decoding: exchange.authority, as: UTF8.self),
            origin: exchange.text(.origin),
            authorization: exchange.text(.authorization),
            cookie: exchange.text(.cookie)
        )
    }

    static func problem(_ refusal: AccessGuard.Refusal) -> Problem {
        switch refusal {
        case .foreignHost: Problem(.misdirectedRequest, code: "admin.host", detail: "ask by 127.0.0.1 or localhost")
        case .foreignOrigin: Problem(.forbidden, code: "admin.origin", detail: "changes come from this page only")
        case .noToken:
            Problem(.unauthorized, code: "admin.token", detail: "a change wants the token that up has printed")
        }
    }

    static func answer(_ document: some Encodable, _ exchange: Exchange) throws {
        var writer = ByteWriter()
        try JSONBody().encode(document, to: &writer)
        writer.append("\n")
        exchange.setField("Cache-Control", "no-store")
        exchange.answer(type: "application/json") { $0.append(writer.bytes) }
    }
}
