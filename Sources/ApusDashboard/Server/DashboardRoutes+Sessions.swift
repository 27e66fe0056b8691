import ApusHTTP
import ApusObserve
import ApusRuntime

extension DashboardRoutes {
    /// Largest session that is taken in, in bytes.
    static let sessionBytesMax = 128 << 20
    /// Largest result of a load run that is shown, in bytes.
    static let loadBytesMax = 8 << 20

    /// A session as one file, out and in; and the results of load runs.
    func sessions(_ router: inout RouterBuilder) {
        router.on(ApusHTTP.Route(.get, "/api/session")) { exchange in
            let query = Query(exchange)
            let to = try query.time("to") ?? dashboard.timeline.latest ?? .max
            let from = try query.time("from") ?? to - 3_600_000_000_000
            let bytes = await dashboard.session(from: from, to: to).packed
            exchange.setField("Content-Disposition", "attachment; filename=\"\(source.facts.system).apus-session\"")
            exchange.answer(type: "application/octet-stream", bytes: bytes)
        }
        router.on(ApusHTTP.Route(.post, "/api/session"), describe: { $0.bodyBytesMax = Self.sessionBytesMax }) {
            exchange in
            try allow(exchange)
            let session: Session
            let bytes = try await exchange.body(bytesMax: Self.sessionBytesMax)
            do throws(PackedDamage) {
                session = try Session(packed: bytes)
            } catch {
                throw Problem(
                    .badRequest,
                    code: "session.damaged",
                    detail: "not a session, damaged at byte \(error.offset)"
                )
            }
            dashboard.put(session)
            dashboard.note(
                .info,
                "a session was taken in",
                ["system": session.system, "traces": "\(session.traces.count)"]
            )
            try Self.answer(["from": session.from, "to": session.to], exchange)
        }
        router.on(ApusHTTP.Route(.get, "/api/loads")) { exchange in
            try Self.answer(["loads": loads.map(LoadFact.list) ?? []], exchange)
        }
        router.on(ApusHTTP.Route(.get, "/api/loads/{name}", String.self)) { exchange, name in
            guard let loads, let bytes = LoadFact.read(name, in: loads, bytesMax: Self.loadBytesMax) else {
                throw Problem(.notFound, code: "load.notFound", detail: "there is no result \(name)")
            }
            exchange.setField("Cache-Control", "no-store")
            exchange.answer(type: "application/json", bytes: bytes)
        }
    }
}

/// A result of a load run in the folder of results.
struct LoadFact: Codable, Sendable, Hashable {
    var name: String
    /// When it was written, in nanoseconds since 1970.
    var time: Int64
    var bytes: Int64

    /// Most results listed.
    static let most = 200

    /// The results in `folder`, the newest first.
    static func list(_ folder: String) -> [LoadFact] {
        let names = ((try? Files.list(folder)) ?? []).filter { $0.hasSuffix(".json") }
        let found = names.compactMap { name in
            Files.status("\(folder)/\(name)").flatMap { status in
                status.isFile ? LoadFact(name: name, time: status.modified, bytes: status.size) : nil
            }
        }
        return Array(found.sorted { $0.time > $1.time }.prefix(most))
    }

    /// The document of a result; `nil` where there is none of that name in the folder itself.
    static func read(_ name: String, in folder: String, bytesMax: Int) -> [UInt8]? {
        guard name.hasSuffix(".json"), let opened = try? FileFolder(folder).open([name]), case .file = opened else {
            return nil
        }
        return try? Files.read("\(folder)/\(name)", bytesMax: bytesMax)
    }
}

extension Exchange {
    func answer(type: StaticString, bytes: [UInt8]) {
        bytes.withUnsafeBytes { answer(type: type, bytes: $0) }
    }
}
