import ApusCore
import ApusHTTP
import ApusRuntime

/// A running system, asked over its dashboard.
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

    func get(_ path: String) async throws -> String { try await send(ClientRequest(.get, path)).text }

    func bytes(_ path: String) async throws -> [UInt8] { try await send(ClientRequest(.get, path)).body }

    func post(_ path: String, body: [UInt8] = []) async throws -> String {
        let fields = [(name: "Authorization", value: "Bearer \(facts.token)")]
        return try await send(ClientRequest(.post, path, fields: fields, body: body)).text
    }

    /// Waits a second, or until the process is told to end.
    func pause() async throws { try await loop.sleep(for: .seconds(1)) }

    /// Asks the system to drain, and waits until it has ended.
    func end(_ query: String) async throws {
        _ = try await post("/api/stop\(query)")
        let process = try WatchedProcess(facts.pid, on: loop)
        guard await process.hasEnded(by: loop.now + RoleProcess.drainLimit + .seconds(5)) else {
            throw StartFailure(
                "process \(facts.pid) has not ended; kill -9 \(facts.pid) ends it now, and its children with it"
            )
        }
    }

    private func send(_ request: ClientRequest) async throws -> ClientResponse {
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
        return response
    }
}
