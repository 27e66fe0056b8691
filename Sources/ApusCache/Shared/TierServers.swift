import ApusCore

/// The shared tiers' servers of this process: however many caches use one, it has one client.
final class TierServers: Sendable {
    static let process = TierServers()
    private let servers = Lock<[String: any TierServer]>([:])

    /// The server that a URL names, which is made where there is none yet.
    func server(_ url: String, _ make: () throws -> any TierServer) throws -> any TierServer {
        try servers.withLock { servers in
            if let server = servers[url] { return server }
            let server = try make()
            servers[url] = server
            return server
        }
    }

    func forget(_ server: any TierServer) {
        servers.withLock { servers in servers = servers.filter { $0.value !== server } }
    }
}
