/// Answers requests for known hosts only.
///
/// A page of another site can have its own name resolve to this machine's address, and is then of the same origin as
/// what answers there (DNS rebinding). It cannot change the `Host` field, which still has its own name.
public struct HostAllowList: Sendable, Hashable {
    /// The names of this machine itself, for administration.
    public static let loopback = HostAllowList(["localhost", "127.0.0.1", "[::1]"])

    private let hosts: [String]

    /// Answers for `hosts`: `example.com` on any port, `example.com:8080` on that one; letters in any case.
    public init(_ hosts: [String]) { self.hosts = hosts.map { $0.lowercased() } }

    /// Answers 421 to other hosts.
    public var middleware: RouterBuilder.Middleware {
        { exchange, next in
            guard allows(exchange.authority) else { throw Problem(.misdirectedRequest, code: "host.unknown") }
            try await next(exchange)
        }
    }

    /// Whether a host with an optional port is on the list.
    func allows(_ authority: UnsafeRawBufferPointer) -> Bool {
        let name = Self.withoutPort(authority)
        return hosts.contains { Self.same($0, authority) || Self.same($0, name) }
    }

    private static func withoutPort(_ authority: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let colon = authority.lastIndex(of: UInt8(ascii: ":")),
            !authority[colon...].contains(UInt8(ascii: "]"))
        else { return authority }
        return UnsafeRawBufferPointer(rebasing: authority[..<colon])
    }

    private static func same(_ host: String, _ bytes: UnsafeRawBufferPointer) -> Bool {
        host.utf8.count == bytes.count
            && zip(host.utf8, bytes).allSatisfy { $0 == ($1 >= 0x41 && $1 <= 0x5A ? $1 | 0x20 : $1) }
    }
}
