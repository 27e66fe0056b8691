import ApusCore

/// Reads the URLs of ``RESPAddress``.
struct RESPAddressParser {
    /// The setting that a URL was given by.
    let field: String

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
        // A password may hold what looks like an end, but an @ in it is written %40.
        guard let at = text.lastIndex(of: "@") else { return text }
        let who = text[..<at]
        let name = who.prefix { $0 != ":" }
        if !name.isEmpty { address.user = try decoded(name) }
        guard name.count < who.count else { throw refused("a user without a password; write user:password@") }
        let password = try decoded(who.dropFirst(name.count + 1))
        guard !password.isEmpty else { throw refused("an empty password; write user:password@, or leave both out") }
        address.password = Secret(password)
        return text[text.index(after: at)...]
    }

    private func node(_ text: Substring, port usual: UInt16) throws(ConfigurationError) -> RESPNode {
        guard !text.hasPrefix("[") else { throw refused("an IPv6 address; use a name, or an IPv4 address") }
        let host = text.prefix { $0 != ":" }
        guard !host.isEmpty else { throw refused("a server without a name") }
        guard host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw refused("a server's name that is none") }
        guard host.count < text.count else { return .host(String(host), port: usual) }
        guard let port = UInt16(text.dropFirst(host.count + 1)), port > 0 else {
            throw refused("a port that is none; it is a number from 1 to 65535")
        }
        return .host(String(host), port: port)
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

    private func decoded(_ text: Substring) throws(ConfigurationError) -> String {
        guard let text = PercentCoding.decodeText(text) else {
            throw refused("a percent sign without two hexadecimal digits, or text that is not UTF-8")
        }
        return text
    }

    private func refused(_ what: String) -> ConfigurationError {
        ConfigurationError(
            field: field,
            value: what,
            accepted:
                "redis://[user:password@]host[:port][/database], rediss:// for TLS, redis+cluster://host:port,host:port, "
                + "redis+sentinel://host:port,host:port/master, unix:///path"
        )
    }
}
