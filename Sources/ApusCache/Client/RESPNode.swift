/// A server that speaks RESP, by name and port or by the path of its Unix socket.
public enum RESPNode: Sendable, Hashable, CustomStringConvertible {
    /// A host's name or IPv4 address, and a port.
    case host(String, port: UInt16)
    /// The path of a Unix socket.
    case path(String)

    /// `127.0.0.1:6379`, or `unix:/run/redis.sock`.
    public var description: String {
        switch self {
        case .host(let name, let port): "\(name):\(port)"
        case .path(let path): "unix:\(path)"
        }
    }

    /// The name or address, or `nil` for a path.
    var hostName: String? {
        if case .host(let name, _) = self { name } else { nil }
    }
}
