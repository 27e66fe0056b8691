import ApusCore
import ApusHTTP
import ApusRuntime
import FoundationEssentials
import Testing

@testable import ApusDashboard

/// A dashboard that is served, and a client of it.
struct ServedDashboard: Sendable {
    static let token = "0123456789abcdef0123456789abcdef"

    let system: MadeUpSystem
    let dashboard: Dashboard
    let client: Client
    let port: UInt16
    /// Where results of load runs are.
    let loads: String

    /// The address that a browser opens.
    var url: String { "http://127.0.0.1:\(port)" }

    func get(_ path: String, _ fields: [(name: String, value: String)] = []) async throws -> ClientResponse {
        try await client.send(ClientRequest(.get, path, fields: fields), within: .seconds(20))
    }

    func post(_ path: String, body: [UInt8] = []) async throws -> ClientResponse {
        let fields = [(name: "Authorization", value: "Bearer \(Self.token)")]
        return try await client.send(ClientRequest(.post, path, fields: fields, body: body), within: .seconds(20))
    }

    func document<Value: Decodable>(_ type: Value.Type, _ path: String) async throws -> Value {
        let response = try await get(path)
        #expect(response.status == .ok, "\(path): \(response.text)")
        return try JSONDecoder().decode(type, from: Data(response.body))
    }

    /// Reads a stream until it has sent `count` events, and leaves.
    func events(_ count: Int, of path: String, _ meanwhile: (Int) throws -> Void = { _ in }) async throws -> [String] {
        let loop = dashboard.loop
        let deadline = loop.now + .seconds(20)
        let channel = try await Channel.connect(to: .loopback(port: port), on: loop, by: deadline)
        defer { channel.close() }
        let request = Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n".utf8)
        _ = request.withUnsafeBytes { channel.send($0) }
        var text = ""
        var seen = 0
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            switch chunk.withUnsafeMutableBytes({ channel.receive(into: $0) }) {
            case .bytes(let count): text += String(decoding: chunk[..<count], as: UTF8.self)
            case .wouldBlock:
                let events = text.split(separator: "event: ").dropFirst().filter { $0.contains("\n\n") }.map { event in
                    String(event[..<(event.firstRange(of: "\n\n")?.lowerBound ?? event.endIndex)])
                }
                if events.count > seen {
                    seen = events.count
                    if seen >= count { return events }
                    try meanwhile(seen)
                }
                guard await channel.readable(by: deadline) == .ready else { return events }
            case .end, .failed: return []
            }
        }
    }
}

/// Serves a dashboard of `system` to `body`.
func served(
    _ system: MadeUpSystem = MadeUpSystem(["edge", "web", "orders"]),
    _ body: @escaping @Sendable (ServedDashboard) async throws -> Void
) async throws {
    let folder = try TemporaryFolder()
    try await onLoop { loop in
        let dashboard = Dashboard(of: system, folder: "\(folder.path)/dashboard", on: loop)
        let loads = "\(folder.path)/loads"
        let server = try await DashboardServer.start(dashboard, token: ServedDashboard.token, port: 0, loads: loads)
        let address = try #require(SocketAddress(String(server.url.dropFirst(7))))
        let client = Client(address, on: loop)
        let site = ServedDashboard(
            system: system,
            dashboard: dashboard,
            client: client,
            port: address.port ?? 0,
            loads: loads
        )
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(site))
        } catch {
            result = .failure(error)
        }
        client.close()
        await server.end()
        try result.get()
    }
}
