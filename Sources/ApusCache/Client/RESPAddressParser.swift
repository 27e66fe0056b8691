import ApusCore

/// Reads the URLs of ``RESPAddress``.
struct RESPAddressParser {
    private let text: CacheURLText

    /// - Parameter field: The setting that a URL was given by.
    init(field: String) {
        text = CacheURLText(
            field: field,
            accepted:
                "redis://[user:password@]host[:port][/database], rediss:// for TLS, redis+cluster://host:port,host:port, "
                + "redis+sentinel://host:port,host:port/master, unix:///path"
        )
    }

    func address(_ url: String) throws(ConfigurationError) -> RESPAddress {
        guard let colon = url.firstIndex(of: ":") else { throw refused("a text without a scheme") }
        let scheme = String(url[..<colon])
        guard url[colon...].hasPrefix("://") else { throw refused("\(scheme): without //") }
        var rest = url[url.index(colon, offsetBy: 3)...]
        let query = rest.firstIndex(of: "?").map { rest[rest.index(after: $0)...] }
        if let query { rest = rest[..<rest.index(before: query.startIndex)] }
        var address = try skeleton(scheme)
        if scheme.hasSuffix("unix") {
            try readPath(rest, &address)
        } else {
            try readServers(rest, &address)
        }
        for part in (query ?? "").split(separator: "&") { try readOption(part, &address) }
        return address
    }

    private func skeleton(_ scheme: String) throws(ConfigurationError) -> RESPAddress {
        var address = RESPAddress(.host("localhost", port: 6379))
        switch scheme {
        case "redis", "unix", "redis+unix": break
        case "redis+cluster", "rediss+cluster": address.kind = .cluster
        case "redis+sentinel", "rediss+sentinel": address.kind = .sentinel(master: "")
        case "rediss": break
        default: throw refused("the scheme \(scheme)")
        }
        if scheme.hasPrefix("rediss") { address.tls = RESPAddress.TLSOptions() }
        return address
    }

    /// `[user:password@]/run/redis.sock`.
    private func readPath(_ text: Substring, _ address: inout RESPAddress) throws(ConfigurationError) {
        let rest = try readUser(text, &address)
        let path = try decoded(rest)
        guard path.hasPrefix("/") else { throw refused("a Unix socket whose path does not begin with /") }
        guard path.utf8.count <= 107 else {
            throw refused("a path of \(path.utf8.count) bytes; a Unix socket has at most 107")
        }
        address.nodes = [.path(path)]
    }

    /// `[user:password@]host:port,host:port[/…]`.
    private func readServers(_ text: Substring, _ address: inout RESPAddress) throws(ConfigurationError) {
        let rest = try readUser(text, &address)
        let servers = rest.prefix { $0 != "/" }
        var path = rest.dropFirst(servers.count + 1).split(separator: "/", omittingEmptySubsequences: false)
        if path.last == "" { path.removeLast() }
        let isSentinel = if case .sentinel = address.kind { true } else { false }
        var nodes: [RESPNode] = []
        for server in servers.split(separator: ",", omittingEmptySubsequences: false) {
            nodes.append(try node(server, port: isSentinel ? 26379 : 6379))
        }
        guard nodes.count == 1 || address.kind != .server else {
            throw refused("\(nodes.count) servers; several are for redis+cluster:// and redis+sentinel://")
        }
        address.nodes = nodes
        if isSentinel {
            guard let name = path.first, !name.isEmpty else {
                throw refused("sentinels without the master's name; write redis+sentinel://host:26379/mymaster")
            }
            address.kind = .sentinel(master: try decoded(name))
            path.removeFirst()
        }
        if let database = path.first { address.database = try number(ofDatabase: database) }
        guard path.count <= 1 else { throw refused("a path of more than a database's number") }
        guard address.kind != .cluster || address.database == 0 else {
            throw refused("a cluster with database \(address.database); a cluster has database 0 only")
        }
    }

    /// Takes `user:password@` from the front; what is left is returned.
    private func readUser(_ text: Substring, _ address: inout RESPAddress) throws(ConfigurationError) -> Substring {
        let (user, password, rest) = try self.text.credentials(text)
        if !user.isEmpty { address.user = user }
        if let password { address.password = Secret(password) }
        return rest
    }

    private func node(_ text: Substring, port usual: UInt16) throws(ConfigurationError) -> RESPNode {
        let (host, port) = try self.text.server(text, port: usual)
        return .host(host, port: port)
    }

    private func number(ofDatabase text: Substring) throws(ConfigurationError) -> Int {
        guard let number = Int(text), (0...65535).contains(number) else {
            throw refused("a database that is no number from 0 on")
        }
        return number
    }

    private func readOption(_ text: Substring, _ address: inout RESPAddress) throws(ConfigurationError) {
        let name = text.prefix { $0 != "=" }
        let value = try decoded(text.dropFirst(name.count + 1))
        switch name {
        case "ca":
            guard address.tls != nil else { throw refused("ca= without TLS; the scheme for TLS begins with rediss") }
            guard !value.isEmpty else { throw refused("ca= without a file") }
            address.tls?.authoritiesFile = value
        case "database": address.database = try number(ofDatabase: value[...])
        case "protocol":
            guard value == "2" || value == "3" else { throw refused("protocol=\(value); it is 2 or 3") }
            address.prefersRESP3 = value == "3"
        default: throw refused("the option \(name); known are ca, database and protocol")
        }
    }

    private func decoded(_ text: Substring) throws(ConfigurationError) -> String { try self.text.decoded(text) }
    private func refused(_ what: String) -> ConfigurationError { text.refused(what) }
}
