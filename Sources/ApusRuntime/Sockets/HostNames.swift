import Glibc

/// The addresses behind names, by the system's resolver.
public enum HostNames {
    /// The IPv4 addresses of a host.
    ///
    /// Blocks, for as long as the system's resolver takes: call it on a ``BlockingPool``.
    ///
    /// - Parameters:
    ///   - name: A name, or an address in four numbers.
    ///   - port: The port of the addresses.
    /// - Returns: At least one address, in the resolver's order.
    /// - Throws: ``SystemError`` with `EHOSTUNREACH` where the name has no address.
    public static func addresses(of name: String, port: UInt16) throws -> [SocketAddress] {
        if let address = SocketAddress("\(name):\(port)") { return [address] }
        var wanted = addrinfo()
        wanted.ai_family = AF_INET
        wanted.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &wanted, &first) == 0, let first else {
            throw SystemError("look up \(name)", errno: EHOSTUNREACH)
        }
        defer { freeaddrinfo(first) }
        var addresses: [SocketAddress] = []
        var entry: UnsafeMutablePointer<addrinfo>? = first
        while let found = entry {
            if let place = found.pointee.ai_addr {
                let octets = place.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_addr.s_addr }
                addresses.append(.inet(address: UInt32(bigEndian: octets), port: port))
            }
            entry = found.pointee.ai_next
        }
        guard !addresses.isEmpty else { throw SystemError("look up \(name)", errno: EHOSTUNREACH) }
        return addresses
    }
}
