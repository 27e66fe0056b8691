/// Where a socket listens or connects: an IPv4 address and port, or a path.
public enum SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// An IPv4 address, in host byte order, and a port; port 0 lets the kernel choose.
    case inet(address: UInt32, port: UInt16)
    /// A Unix socket's path, at most 107 bytes.
    case unix(path: String)

    /// 127.0.0.1 at `port`.
    public static func loopback(port: UInt16) -> SocketAddress { .inet(address: 0x7F00_0001, port: port) }

    /// Reads `unix:/run/x.sock`, `127.0.0.1:8080` or `localhost:8080`.
    ///
    /// Names other than `localhost` are not looked up: discovery gives addresses.
    ///
    /// - Returns: `nil` for anything else.
    public init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty, path.utf8.count <= 107, !path.utf8.contains(0) else { return nil }
            self = .unix(path: path)
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let port = UInt16(parts[1]) else { return nil }
        if parts[0] == "localhost" {
            self = .loopback(port: port)
            return
        }
        let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        guard numbers.count == 4 else { return nil }
        var address: UInt32 = 0
        for number in numbers {
            guard let octet = UInt8(number) else { return nil }
            address = address << 8 | UInt32(octet)
        }
        self = .inet(address: address, port: port)
    }

    /// The port, or `nil` for a path.
    public var port: UInt16? {
        if case .inet(_, let port) = self { port } else { nil }
    }

    /// True for paths and 127.0.0.0/8.
    public var isLoopback: Bool {
        switch self {
        case .inet(let address, _): address >> 24 == 127
        case .unix: true
        }
    }

    /// The form that ``init(_:)`` reads.
    public var description: String {
        switch self {
        case .inet(let address, let port):
            "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
