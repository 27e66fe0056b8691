import ApusCore
import ApusDashboard
import ApusHTTP
import ApusRuntime

/// The commands that ask a running system: `ps`, `top`, `logs`, `traces`, `metrics`, `loads`, `start`, `stop`, `restart`,
/// `scale`, `session`.
enum RunningCommand {
    static func run(_ invocation: Invocation) -> Never {
        Program.run(loopCount: 1) { group in
            let loop = group.loops[0]
            do {
                let remote = try RemoteSystem(invocation, on: loop)
                defer { remote.close() }
                try await answer(invocation, remote)
                return 0
            } catch let error as UsageError {
                SystemProgram.complain("\(invocation.system): \(error)")
                return SystemProgram.usage
            } catch {
                SystemProgram.complain(
                    "\(invocation.system): \(StartFailure(wrapping: error, doing: invocation.command.name))"
                )
                return SystemProgram.failure
            }
        }
    }

    private static func answer(_ invocation: Invocation, _ remote: RemoteSystem) async throws {
        switch invocation.command.name {
        case "top": try await TopCommand(invocation, remote).run()
        case "logs": try await LogsCommand(invocation, remote).run()
        case "session": try await session(invocation, remote)
        default: StandardStreams.write(try await document(invocation, remote))
        }
    }

    private static func document(_ invocation: Invocation, _ remote: RemoteSystem) async throws -> String {
        let isJSON = invocation.arguments.has("json")
        let operand = invocation.arguments.operands.first
        let reason = invocation.arguments.value("reason").map { "?reason=\(PercentCoding.encode($0))" } ?? ""
        switch invocation.command.name {
        case "ps":
            if let operand { return try await PartCommand.answer(operand, invocation.arguments, remote) }
            guard !invocation.arguments.has("rows") else { throw UsageError("--rows needs the name of a store") }
            let document = try await remote.get("/api/parts")
            return isJSON ? document : table(try decode([String: [PartStatus]].self, document)["parts"] ?? [])
        case "metrics": return try await MetricsCommand.answer(invocation.arguments, remote)
        case "loads": return try await LoadsCommand.answer(invocation.arguments, remote)
        case "traces":
            guard let operand else {
                let document = try await remote.get("/api/traces?\(traceQuery(invocation.arguments))")
                return isJSON ? document : try latest(document)
            }
            guard TraceID(operand) != nil else { throw UsageError("a trace's id has 32 hexadecimal digits") }
            let document = try await remote.get("/api/traces/\(operand)")
            return isJSON ? document : SpanTree(try decode([String: [SpanFact]].self, document)["spans"] ?? []).text
        case "stop" where operand == nil:
            try await remote.end(reason)
            return isJSON ? "{\"done\":\"stop\"}\n" : ""
        case "scale":
            let parts = (operand ?? "").split(separator: "=", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, SystemPlan.isName(parts[0]), let count = Int(parts[1]) else {
                throw UsageError("scale needs NAME=N")
            }
            let query = reason.isEmpty ? "?" : "\(reason)&"
            let document = try await remote.post("/api/parts/\(parts[0])/scale\(query)replicas=\(count)")
            return isJSON ? document : ""
        default:
            guard let operand else { throw UsageError("\(invocation.command.name) needs NAME or NAME/N") }
            let document = try await remote.post("/api/parts/\(try path(operand))/\(invocation.command.name)\(reason)")
            return isJSON ? document : ""
        }
    }

    private static func traceQuery(_ arguments: Arguments) -> String {
        var query = ["most=\(PercentCoding.encode(arguments.value("most") ?? "30"))"]
        for name in ["part", "text", "least"] {
            if let value = arguments.value(name) { query.append("\(name)=\(PercentCoding.encode(value))") }
        }
        if arguments.has("failed") { query.append("failed=1") }
        return query.joined(separator: "&")
    }

    private static func session(_ invocation: Invocation, _ remote: RemoteSystem) async throws {
        let operands = invocation.arguments.operands
        guard operands.count == 2, ["save", "open"].contains(operands[0]) else {
            throw UsageError("session needs save FILE or open FILE")
        }
        let isJSON = invocation.arguments.has("json")
        if operands[0] == "save" {
            let bytes = try await remote.bytes("/api/session")
            try Files.writeAtomically(bytes, to: operands[1])
            StandardStreams.write(
                isJSON ? "{\"bytes\":\(bytes.count)}\n" : "\(operands[1]): \(bytes.count >> 10) KiB\n"
            )
        } else {
            let document = try await remote.post("/api/session", body: try Files.read(operands[1]))
            StandardStreams.write(isJSON ? document : "the dashboard's time slider reaches back to it\n")
        }
    }

    /// `orders/1` as a path; the part's name is checked by whoever answers.
    private static func path(_ operand: String) throws(UsageError) -> String {
        let parts = operand.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let name = parts.first, SystemPlan.isName(name), parts.count <= 2,
            parts.count == 1 || Int(parts[1]).map({ $0 >= 0 }) == true
        else { throw UsageError("a part is NAME or NAME/N, not \"\(operand)\"") }
        return parts.joined(separator: "/")
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ document: String) throws -> Value {
        try JSONDocument.decode(type, from: document.utf8)
    }

    static func table(_ parts: [PartStatus]) -> String {
        TextTable(
            ["PART", "PID", "STATE", "RESTARTS", "UP", "CPU", "MEMORY", "ADDRESS"],
            parts.map { part in
                [
                    "\(part.name)/\(part.replica)", part.pid.map { "\($0)" } ?? "-", part.state, "\(part.restarts)",
                    Shown.time(seconds: part.upSeconds), Shown.percent(part.cpuShare),
                    "\(part.memoryBytes >> 20) MiB", part.addresses.first ?? "-",
                ]
            }
        ).text
    }

    private static func latest(_ document: String) throws -> String {
        let traces = try decode([String: [TraceSummary]].self, document)["traces"] ?? []
        guard !traces.isEmpty else { return "no such request has been traced yet\n" }
        return TextTable(
            ["TRACE", "TIME", "SPANS", "PART", "WHAT"],
            traces.map { trace in
                [
                    trace.trace, Shown.duration(Double(trace.nanoseconds) / 1e9), "\(trace.spans)", trace.part,
                    trace.name + (trace.failed ? " (failed)" : ""),
                ]
            }
        ).text
    }
}

/// Numbers for people.
enum Shown {
    static func percent(_ share: Double) -> String {
        let thousandths = Int((share * 1000).rounded())
        return "\(thousandths / 10).\(thousandths % 10) %"
    }

    static func time(seconds: Int) -> String {
        switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3600: "\(seconds / 60) min"
        case ..<86_400: "\(seconds / 3600) h"
        default: "\(seconds / 86_400) d"
        }
    }

    static func duration(_ seconds: Double?) -> String {
        guard let seconds else { return "-" }
        if seconds < 0.001 { return "\(Int((seconds * 1e6).rounded())) us" }
        if seconds < 1 { return "\(decimal(seconds * 1000)) ms" }
        return "\(decimal(seconds)) s"
    }

    static func rate(_ rate: Double) -> String { rate >= 100 ? "\(Int(rate.rounded()))" : decimal(rate) }

    private static func decimal(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }
}
