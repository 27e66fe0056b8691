import ApusCore
import ApusHTTP
import ApusRuntime

/// The commands that ask a running system: `ps`, `start`, `stop`, `restart`, `traces`.
enum RunningCommand {
    static func run(_ invocation: Invocation) -> Never {
        Program.run(loopCount: 1) { group in
            let loop = group.loops[0]
            do {
                let remote = try RemoteSystem(invocation, on: loop)
                defer { remote.close() }
                StandardStreams.write(try await answer(invocation, remote))
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

    private static func answer(_ invocation: Invocation, _ remote: RemoteSystem) async throws -> String {
        let isJSON = invocation.arguments.has("json")
        let operand = invocation.arguments.operands.first
        switch invocation.command.name {
        case "ps":
            let document = try await remote.get("/api/parts")
            return isJSON ? document : try table(document)
        case "traces":
            guard let operand else {
                let document = try await remote.get("/api/traces")
                return isJSON ? document : try latest(document)
            }
            guard TraceID(operand) != nil else { throw UsageError("a trace's id has 32 hexadecimal digits") }
            let document = try await remote.get("/api/traces/\(operand)")
            return isJSON ? document : SpanTree(try decode([String: [SpanFact]].self, document)["spans"] ?? []).text
        case "stop" where operand == nil:
            try await remote.end()
            return isJSON ? "{\"done\":\"stop\"}\n" : ""
        default:
            guard let operand else { throw UsageError("\(invocation.command.name) needs NAME or NAME/N") }
            let document = try await remote.post("/api/parts/\(try path(operand))/\(invocation.command.name)")
            return isJSON ? document : ""
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

    private static func decode<Value: Decodable>(_ type: Value.Type, _ document: String) throws -> Value {
        try JSONDocument.decode(type, from: document.utf8)
    }

    private static func table(_ document: String) throws -> String {
        let parts = try decode([String: [PartStatus]].self, document)["parts"] ?? []
        return TextTable(
            ["PART", "PID", "STATE", "RESTARTS", "UP", "CPU", "MEMORY", "ADDRESS"],
            parts.map { part in
                [
                    "\(part.name)/\(part.replica)", part.pid.map { "\($0)" } ?? "-", part.state, "\(part.restarts)",
                    AdministrationPage.shown(seconds: part.upSeconds), AdministrationPage.percent(part.cpuShare),
                    "\(part.memoryBytes >> 20) MiB", part.addresses.first ?? "-",
                ]
            }
        ).text
    }

    private static func latest(_ document: String) throws -> String {
        let spans = try decode([String: [SpanFact]].self, document)["traces"] ?? []
        let roots = spans.filter { $0.parent == nil }.sorted { $0.began > $1.began }.prefix(30)
        guard !roots.isEmpty else { return "no request has been traced yet\n" }
        return TextTable(
            ["TRACE", "TIME", "PART", "WHAT"],
            roots.map { [$0.trace, $0.shownTime, $0.part, $0.title + ($0.failed ? " (failed)" : "")] }
        ).text
    }
}

/// A running system, asked over its administration.
struct RemoteSystem: Sendable {
    private let facts: RunFolder.Facts
    private let client: Client
    private let loop: EventLoop

    init(_ invocation: Invocation, on loop: EventLoop) throws(StartFailure) {
        let folder = invocation.dataFolder
        let name = invocation.system
        guard let path = Files.resolve(folder), let facts = RunFolder(dataFolder: path).readFacts(),
            facts.administration.hasPrefix("http://"),
            let address = SocketAddress(String(facts.administration.dropFirst(7)))
        else {
            throw StartFailure("no system runs on \(folder); start one with \(name) up, or name its folder with --data")
        }
        self.facts = facts
        self.loop = loop
        client = Client(address, on: loop)
    }

    func close() { client.close() }

    func get(_ path: String) async throws -> String { try await send(ClientRequest(.get, path)) }

    func post(_ path: String) async throws -> String {
        try await send(ClientRequest(.post, path, fields: [("Authorization", "Bearer \(facts.token)")]))
    }

    /// Asks the system to drain, and waits until it has ended.
    func end() async throws {
        _ = try await post("/api/stop")
        let process = try WatchedProcess(facts.pid, on: loop)
        guard await process.hasEnded(by: loop.now + RoleProcess.drainLimit + .seconds(5)) else {
            throw StartFailure(
                "process \(facts.pid) has not ended; kill -9 \(facts.pid) ends it now, and its children with it"
            )
        }
    }

    private func send(_ request: ClientRequest) async throws -> String {
        let response: ClientResponse
        do throws(ClientError) {
            // Long enough for a replica to start and its forerunner to drain.
            response = try await client.send(request, within: .seconds(120))
        } catch {
            throw StartFailure("the system does not answer (\(error)); is process \(facts.pid) still there?")
        }
        guard response.status.isSuccess else {
            let problem = try? JSONDocument.decode(JSONValue.self, from: response.body)
            if case .object(let members) = problem, case .string(let detail) = members["detail"] {
                throw StartFailure(detail)
            }
            throw StartFailure("the system answered \(response.status.code)")
        }
        return response.text
    }
}
