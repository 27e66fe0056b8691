public import ApusRuntime

/// What is loaded: an address, the name it is called by, and the path it was given with.
public struct LoadTarget: Sendable, Hashable, CustomStringConvertible {
    /// Where to connect.
    public let address: SocketAddress
    /// The `Host` field.
    public let host: String
    /// The path, and perhaps a query, after the host; `/` where none was given.
    public let path: String

    /// Reads `http://127.0.0.1:8080/path`, or `unix:/run/x.sock`.
    ///
    /// - Parameters:
    ///   - url: IPv4 in digits, or `localhost`: names are not looked up.
    ///   - allowsRemote: Whether another machine may be loaded.
    /// - Throws: ``LoadError``.
    public init(url: String, allowsRemote: Bool = false) throws(LoadError) {
        if url.hasPrefix("unix:"), let address = SocketAddress(url) {
            (self.address, host, path) = (address, "localhost", "/")
            return
        }
        if url.hasPrefix("https:") {
            throw LoadError(.badTarget, "\(url) is TLS, which is not loaded; name what stands behind it")
        }
        guard url.hasPrefix("http://"), url.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "#") }) else {
            throw LoadError(.badTarget, "\"\(url)\" is no URL such as http://127.0.0.1:8080")
        }
        let rest = url.dropFirst(7)
        let name = String(rest.prefix { $0 != "/" && $0 != "?" })
        let tail = String(rest.dropFirst(name.count))
        guard let address = SocketAddress(name.contains(":") ? name : "\(name):80") else {
            throw LoadError(.badTarget, "\"\(name)\" is no IPv4 address with a port; names are not looked up")
        }
        guard address.isLoopback || allowsRemote else {
            throw LoadError(.remoteTarget, "\(name) is another machine; with --allow-remote, if it is yours to load")
        }
        self.address = address
        host = name
        path = tail.hasPrefix("/") ? tail : "/" + tail
    }

    /// The URL.
    public var description: String {
        if case .unix = address { return "\(address)" }
        return "http://\(host)\(path == "/" ? "" : path)"
    }
}
