import ApusHTTP
import ApusObserve

extension DashboardRoutes {
    /// Largest session that is taken in, in bytes.
    static let sessionBytesMax = 128 << 20

    /// A session as one file, out and in.
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
    }
}

extension Exchange {
    func answer(type: StaticString, bytes: [UInt8]) {
        bytes.withUnsafeBytes { answer(type: type, bytes: $0) }
    }
}
