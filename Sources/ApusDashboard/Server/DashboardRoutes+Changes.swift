import ApusHTTP
import ApusObserve

extension DashboardRoutes {
    /// Longest reason that is kept, in characters.
    static let reasonMax = 200

    func changes(_ router: inout RouterBuilder) {
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
        router.on(ApusHTTP.Route(.post, "/api/parts/{name}/scale", String.self)) { exchange, name in
            try await scale(name, exchange)
        }
        router.on(ApusHTTP.Route(.post, "/api/stop")) { exchange in
            try allow(exchange)
            note("stop", "the whole system", exchange)
            source.end()
            try Self.answer(["done": "stop"], exchange)
        }
    }

    private func apply(_ change: PartChange, _ name: String, _ replica: Int?, _ exchange: Exchange) async throws {
        try allow(exchange)
        let known = await source.parts(measured: false).filter {
            $0.name == name && (replica == nil || $0.replica == replica)
        }
        guard !known.isEmpty else { throw Self.noPart(name) }
        let what = replica.map { "\(name)/\($0)" } ?? name
        note("\(change)", what, exchange)
        do throws(ChangeRefused) {
            try await source.change(change, of: name, replica: replica)
        } catch {
            dashboard.note(.warning, "\(change) of \(what) was not done", ["error": "\(error)"])
            throw Problem(.conflict, code: "part.\(change)", detail: "\(error)")
        }
        try Self.answer(["done": "\(change)"], exchange)
    }

    private func scale(_ name: String, _ exchange: Exchange) async throws {
        try allow(exchange)
        let query = Query(exchange)
        let replicas = try query.count("replicas", in: 1...64, or: 0)
        guard replicas > 0 else {
            throw Problem(.badRequest, code: "query.replicas", detail: "replicas is 1 to 64")
        }
        let known = await source.parts(measured: false).filter { $0.name == name }
        guard !known.isEmpty else { throw Self.noPart(name) }
        note("scale to \(replicas)", "\(name), which has \(known.count)", exchange)
        do throws(ChangeRefused) {
            try await source.scale(name, to: replicas)
        } catch {
            dashboard.note(.warning, "\(name) was not scaled", ["error": "\(error)"])
            throw Problem(.conflict, code: "part.scale", detail: "\(error)")
        }
        try Self.answer(["done": "scale"], exchange)
    }

    /// Keeps who asked for what, and why.
    func note(_ change: String, _ what: String, _ exchange: Exchange) {
        let reason = String((Query(exchange)["reason"] ?? "none given").prefix(Self.reasonMax))
        let who = Self.claim(exchange).authorization == nil ? "dashboard" : "command line"
        dashboard.note(.info, "\(change): \(what)", ["reason": reason, "asked by": who])
    }

    func allow(_ exchange: Exchange) throws {
        do throws(AccessGuard.Refusal) {
            try guarding.checkChange(Self.claim(exchange))
        } catch {
            throw Self.problem(error)
        }
    }
}
