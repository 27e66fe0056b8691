import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime

/// What every server of a process answers about the process itself.
///
/// - SeeAlso: Kubernetes, "API health endpoints", for the paths and `?verbose`.
struct RoleHealth: Sendable {
    let readiness: Readiness
    let serverObservation: ServerObservation

    init(site: ProcessSite) {
        readiness = site.readiness
        let log = Log(site.role)
        var observation = ServerObservation(tracer: .process)
        observation.failures = { log.error("a request failed", ["error": .error($0)]) }
        serverObservation = observation
    }

    /// Answers `/livez`, `/readyz`, `/startupz` and `/healthz`.
    ///
    /// - Returns: False for every other path.
    @inline(__always)
    func answers(_ exchange: Exchange) -> Bool {
        let path = exchange.path
        guard path.count >= 6, path.count <= 9, path[path.count - 1] == UInt8(ascii: "z") else { return false }
        return answerHealth(exchange, String(decoding: path, as: UTF8.self))
    }

    @inline(never)
    private func answerHealth(_ exchange: Exchange, _ path: String) -> Bool {
        switch path {
        case "/livez": exchange.answer(type: "text/plain; charset=utf-8", text: "ok\n")
        case "/readyz", "/startupz", "/healthz":
            let findings = readiness.findings
            let isReady = findings.allSatisfy { $0.problem == nil }
            let isVerbose = String(decoding: exchange.query, as: UTF8.self).hasPrefix("verbose")
            let lines = findings.map { "[\($0.problem == nil ? "+" : "-")] \($0.name): \($0.problem ?? "ok")\n" }
            exchange.answer(
                isReady ? .ok : .serviceUnavailable,
                type: "text/plain; charset=utf-8",
                text: isVerbose || !isReady ? lines.joined() : "ok\n"
            )
        default: return false
        }
        return true
    }
}

/// Answers `/livez`, `/readyz`, `/metrics`, the dashboard's `/pulse` and what it asks of blocks, on a process's own socket.
struct ProcessPages: RequestHandler {
    let health: RoleHealth
    let telemetry: Telemetry
    let blocks: BlockLook
    var routeNames: [String] { [] }

    nonisolated(nonsending) func handle(_ exchange: Exchange) async throws {
        if health.answers(exchange) { return }
        switch String(decoding: exchange.path, as: UTF8.self) {
        case "/metrics":
            exchange.answer(type: "text/plain; version=0.0.4; charset=utf-8", text: await telemetry.metrics())
        case "/pulse":
            let request = PulseRequest(query: String(decoding: exchange.query, as: UTF8.self))
            let bytes = await telemetry.pulse(request).packed
            bytes.withUnsafeBytes { exchange.answer(type: "application/octet-stream", bytes: $0) }
        default:
            guard try await blocks.answers(exchange) else { throw Problem(.notFound, code: "admin.notFound") }
        }
    }
}
