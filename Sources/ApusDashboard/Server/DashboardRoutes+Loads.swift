import ApusCore
import ApusHTTP
import ApusLoad
import ApusObserve

extension DashboardRoutes {
    /// What the page of a report may do: show its own style, and nothing else.
    static let reportPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"

    /// Load runs: started, watched and stopped, their results listed and compared.
    func loadRuns(_ router: inout RouterBuilder) {
        router.on(ApusHTTP.Route(.get, "/api/loads")) { exchange in
            let run = source.loads?.status.map { $0.after(0) }
            try await Self.answer(
                LoadsDocument(loads: results.list(), scenarios: source.loads?.scenarios ?? [], run: run),
                exchange
            )
        }
        router.on(ApusHTTP.Route(.get, "/api/loads/compare")) { exchange in
            let query = Query(exchange)
            let old = try await report(query["old"] ?? "")
            let new = try await report(query["new"] ?? "")
            try Self.answer(LoadComparison(Comparison(old, new)), exchange)
        }
        router.on(ApusHTTP.Route(.get, "/api/loads/{name}", String.self)) { exchange, name in
            guard let bytes = await results.document(name) else { throw Self.noResult(name) }
            exchange.setField("Cache-Control", "no-store")
            exchange.answer(type: "application/json", bytes: bytes)
        }
        router.on(ApusHTTP.Route(.get, "/loads/{name}/report", String.self)) { exchange, name in
            let page = HTMLReport.page(try await report(name))
            exchange.setField("Cache-Control", "no-store")
            exchange.answer(type: "text/html; charset=utf-8", text: page)
        }
        router.on(ApusHTTP.Route(.post, "/api/loads/start")) { exchange in try await start(exchange) }
        router.on(ApusHTTP.Route(.post, "/api/loads/stop")) { exchange in
            try allow(exchange)
            note("stop the load", source.loads?.status?.scenario ?? "", exchange)
            guard let runner = source.loads else { throw Self.noLoads }
            do throws(ChangeRefused) { try runner.stop() } catch {
                throw Problem(.conflict, code: "load.stop", detail: "\(error)")
            }
            try Self.answer(["done": "stop"], exchange)
        }
    }

    private func start(_ exchange: Exchange) async throws {
        try allow(exchange)
        guard let runner = source.loads else { throw Self.noLoads }
        let query = Query(exchange)
        let name = query["scenario"] ?? runner.scenarios.first?.name ?? ""
        guard let scenario = runner.scenarios.first(where: { $0.name == name }) else {
            throw Problem(.notFound, code: "load.scenario", detail: "this system declares no load \(name)")
        }
        func all(_ field: String) -> [String] {
            query.all.filter { $0.name == field && !$0.value.isEmpty }.map(\.value)
        }
        let question: LoadQuestion
        do throws(ConfigurationError) {
            question = try LoadQuestion(
                scenario: scenario,
                rate: query["rate"].map { Double($0) ?? .nan },
                duration: query["duration"],
                shape: query["shape"],
                limit: all("limit"),
                requirements: all("require")
            )
        } catch {
            throw Problem(.badRequest, code: "load.\(error.field)", detail: "\(error)")
        }
        note("start the load", "\(question.scenario): \(question.words)", exchange)
        do throws(ChangeRefused) { try runner.start(question) } catch {
            throw Problem(.conflict, code: "load.start", detail: "\(error)")
        }
        try Self.answer(["done": "start"], exchange)
    }

    private func report(_ name: String) async throws -> LoadReport {
        guard let report = await results.report(name) else { throw Self.noResult(name) }
        return report
    }

    private static func noResult(_ name: String) -> Problem {
        Problem(.notFound, code: "load.notFound", detail: "there is no result \(name)")
    }

    private static var noLoads: Problem {
        Problem(.notFound, code: "load.none", detail: "this system cannot be loaded from here")
    }
}

/// What the page of load runs shows.
public struct LoadsDocument: Codable, Sendable, Hashable {
    /// The results, the newest first.
    public var loads: [LoadFact]
    /// What the system can be loaded with.
    public var scenarios: [ScenarioFact]
    /// The run that is under way, or was last.
    public var run: LoadStatus?
}
