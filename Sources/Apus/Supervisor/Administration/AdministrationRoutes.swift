import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime

/// The administration of a system, over HTTP on loopback.
struct AdministrationRoutes: Sendable {
    let source: any AdministrationSource
    let guarding: AdministrationGuard
    /// Where changes run that are not waited for.
    let loop: EventLoop

    func router() throws -> Router {
        var router = RouterBuilder()
        router.use { exchange, next in
            exchange.setField("X-Content-Type-Options", "nosniff")
            exchange.setField("Referrer-Policy", "no-referrer")
            exchange.setField("Cache-Control", "no-store")
            exchange.setField(
                "Content-Security-Policy",
                "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
            )
            do throws(AdministrationGuard.Refusal) {
                try guarding.checkRead(Self.claim(exchange))
            } catch {
                throw Self.problem(error)
            }
            try await next(exchange)
        }
        pages(&router)
        documents(&router)
        changes(&router)
        return try router.build()
    }

    // MARK: Pages

    private func pages(_ router: inout RouterBuilder) {
        router.on(ApusHTTP.Route(.get, "/")) { exchange in
            if let given = Self.queryValue("token", exchange) {
                guard guarding.token.matches(given) else { throw Self.problem(.noToken) }
                // The address bar and the history are no places for a token.
                exchange.setField(
                    "Set-Cookie",
                    "\(guarding.cookieName)=\(given); HttpOnly; SameSite=Strict; Path=/"
                )
                exchange.setField("Location", "/")
                return exchange.answer(.seeOther)
            }
            let parts = await source.parts()
            let traces = await source.spans(nil)
            let mayChange =
                Self.claim(exchange).cookie
                .flatMap { AdministrationGuard.value(of: guarding.cookieName, in: $0) }
                .map(guarding.token.matches) ?? false
            let page = AdministrationPage(facts: source.facts, mayChange: mayChange)
            exchange.answer(type: "text/html; charset=utf-8") { page.write(parts, traces, to: &$0) }
        }
        router.on(ApusHTTP.Route(.get, "/traces/{id}", String.self)) { exchange, id in
            let (trace, spans) = try await spans(of: id)
            let page = AdministrationPage(facts: source.facts, mayChange: false)
            exchange.answer(type: "text/html; charset=utf-8") { page.write(trace: trace, spans, to: &$0) }
        }
        router.on(ApusHTTP.Route(.get, "/style.css")) { exchange in
            exchange.answer(type: "text/css; charset=utf-8", text: AdministrationPage.style)
        }
    }

    private func spans(of id: String) async throws -> (String, [SpanFact]) {
        guard let trace = TraceID(id) else {
            throw Problem(.badRequest, code: "trace.id", detail: "a trace's id has 32 hexadecimal digits")
        }
        let spans = await source.spans(trace)
        guard !spans.isEmpty else {
            throw Problem(.notFound, code: "trace.notFound", detail: "no process holds this trace any more")
        }
        return (id, spans)
    }

    // MARK: Documents

    private func documents(_ router: inout RouterBuilder) {
        router.on(ApusHTTP.Route(.get, "/livez")) { $0.answer(type: "text/plain; charset=utf-8", text: "ok\n") }
        router.on(ApusHTTP.Route(.get, "/readyz")) { exchange in
            let problems = await source.problems()
            let text = problems.isEmpty ? "ok\n" : problems.map { "[-] \($0)\n" }.joined()
            exchange.answer(
                problems.isEmpty ? .ok : .serviceUnavailable,
                type: "text/plain; charset=utf-8",
                text: text
            )
        }
        router.on(ApusHTTP.Route(.get, "/metrics")) { exchange in
            let text = await source.metrics()
            exchange.answer(type: "text/plain; version=0.0.4; charset=utf-8", text: text)
        }
        router.on(ApusHTTP.Route(.get, "/api/parts")) { exchange in
            try await Self.answer(["parts": source.parts()], exchange)
        }
        router.on(ApusHTTP.Route(.get, "/api/traces")) { exchange in
            try await Self.answer(["traces": source.spans(nil)], exchange)
        }
        router.on(ApusHTTP.Route(.get, "/api/traces/{id}", String.self)) { exchange, id in
            try await Self.answer(["spans": spans(of: id).1], exchange)
        }
        router.on(ApusHTTP.Route(.get, "/api/configuration")) { exchange in
            try Self.answer(["settings": source.facts.configuration.entries.map(SettingFact.init)], exchange)
        }
    }

    // MARK: Changes

    private func changes(_ router: inout RouterBuilder) {
        for change in PartChange.allCases {
            router.on(ApusHTTP.Route(.post, "/api/parts/{name}/\(change)", String.self)) { exchange, name in
                try await apply(change, name, nil, exchange)
            }
            router.on(ApusHTTP.Route(.post, "/api/parts/{name}/{replica}/\(change)", String.self, Int.self)) {
                exchange,
                name,
                replica in
                try await apply(change, name, replica, exchange)
            }
        }
        router.on(ApusHTTP.Route(.post, "/api/stop")) { exchange in
            let isBrowser = try allow(exchange)
            source.end()
            try Self.confirm("stop", isBrowser, exchange)
        }
    }

    private func apply(_ change: PartChange, _ name: String, _ replica: Int?, _ exchange: Exchange) async throws {
        let isBrowser = try allow(exchange)
        let known = await source.parts().filter { $0.name == name && (replica == nil || $0.replica == replica) }
        guard !known.isEmpty else {
            throw Problem(.notFound, code: "part.notFound", detail: "there is no part \(name)")
        }
        if isBrowser {
            // The page shows how it goes.
            let source = source
            Task(executorPreference: loop) {
                do throws(StartFailure) {
                    try await source.change(change, of: name, replica: replica)
                } catch {
                    SystemProgram.complain("\(source.facts.system): \(error)")
                }
            }
        } else {
            do throws(StartFailure) {
                try await source.change(change, of: name, replica: replica)
            } catch {
                throw Problem(.conflict, code: "part.\(change)", detail: "\(error)")
            }
        }
        try Self.confirm("\(change)", isBrowser, exchange)
    }

    private static func confirm(_ change: String, _ isBrowser: Bool, _ exchange: Exchange) throws {
        guard isBrowser else { return try answer(["done": change], exchange) }
        exchange.setField("Location", "/")
        exchange.answer(.seeOther)
    }

    private func allow(_ exchange: Exchange) throws -> Bool {
        do throws(AdministrationGuard.Refusal) {
            return try guarding.checkChange(Self.claim(exchange))
        } catch {
            throw Self.problem(error)
        }
    }

    // MARK: Requests and answers

    private static func claim(_ exchange: Exchange) -> AdministrationGuard.Claim {
        AdministrationGuard.Claim(
            host: String(decoding: exchange.authority, as: UTF8.self),
            origin: exchange.text(.origin),
            authorization: exchange.text(.authorization),
            cookie: exchange.text(.cookie)
        )
    }

    private static func problem(_ refusal: AdministrationGuard.Refusal) -> Problem {
        switch refusal {
        case .foreignHost: Problem(.misdirectedRequest, code: "admin.host", detail: "ask by 127.0.0.1 or localhost")
        case .foreignOrigin: Problem(.forbidden, code: "admin.origin", detail: "changes come from this page only")
        case .noToken:
            Problem(.unauthorized, code: "admin.token", detail: "a change wants the token that up has printed")
        }
    }

    private static func queryValue(_ name: String, _ exchange: Exchange) -> String? {
        for pair in String(decoding: exchange.query, as: UTF8.self).split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            if parts.count == 2, parts[0] == name { return String(parts[1]) }
        }
        return nil
    }

    private static func answer(_ document: some Encodable, _ exchange: Exchange) throws {
        exchange.answer(type: "application/json", text: try JSONDocument.encode(document) + "\n")
    }
}

/// A setting as documents show it.
struct SettingFact: Codable, Sendable, Hashable {
    var key: String
    var value: String
    var from: String
    var variable: String
    var help: String
    var accepted: String

    init(_ entry: Configuration.Entry) {
        key = entry.key
        value = entry.value
        from = "\(entry.origin)"
        variable = entry.variable
        help = entry.help
        accepted = entry.accepted
    }
}
