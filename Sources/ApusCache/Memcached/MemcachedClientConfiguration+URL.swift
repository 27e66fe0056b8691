public import ApusCore
import ApusRuntime

extension MemcachedClientConfiguration {
    /// Reads `memcached://[user:password@]host[:port][,host[:port]…][?gutter=host[:port],…]`.
    ///
    /// `memcacheds` in place of `memcached` speaks TLS, with the servers' certificates and names checked, against the
    /// authorities of the machine or those of `?ca=FILE`. A port that is left out is 11211, a user that is left out
    /// `default`.
    ///
    /// - Parameters:
    ///   - url: The URL, with percent signs where a user or a password needs them.
    ///   - field: The setting that it was given by, for the error.
    /// - Throws: `ConfigurationError` that says what is wrong and never shows the URL, which may hold a password.
    public init(url: String, field: String = "CACHE_URL") throws(ConfigurationError) {
        let parser = MemcachedURLParser(field: field)
        self = try parser.configuration(url)
    }
}

/// Reads URLs of memcached.
private struct MemcachedURLParser {
    private let text: CacheURLText

    /// - Parameter field: The setting that a URL was given by.
    init(field: String) {
        text = CacheURLText(
            field: field,
            accepted:
                "memcached://[user:password@]host[:port][,host[:port]…], memcacheds:// for TLS, ?gutter=host[:port],… "
                + "for servers that take over"
        )
    }

    func configuration(_ url: String) throws(ConfigurationError) -> MemcachedClientConfiguration {
        let scheme = String(url.prefix { $0 != ":" })
        guard scheme == "memcached" || scheme == "memcacheds" else { throw refused("the scheme \(scheme)") }
        guard url.dropFirst(scheme.count).hasPrefix("://") else { throw refused("\(scheme): without //") }
        var rest = url.dropFirst(scheme.count + 3)
        let query = rest.firstIndex(of: "?").map { rest[rest.index(after: $0)...] }
        if let query { rest = rest[..<rest.index(before: query.startIndex)] }
        let (user, password, hosts) = try text.credentials(rest)
        rest = hosts
        if rest.hasSuffix("/") { rest.removeLast() }
        guard !rest.contains("/") else { throw refused("a path; memcached has no databases") }
        var configuration = MemcachedClientConfiguration(servers: try servers(rest))
        if let password { configuration.login = try login(user, password) }
        if scheme == "memcacheds" { configuration.tls = TLSClientOptions() }
        for part in (query ?? "").split(separator: "&") { try readOption(part, &configuration) }
        return configuration
    }

    /// User and password as memcached wants to hear them.
    private func login(_ user: String, _ password: String) throws(ConfigurationError) -> Secret<String> {
        guard !user.contains(where: \.isWhitespace) else { throw refused("a user with a space; memcached allows none") }
        return Secret("\(user.isEmpty ? "default" : user) \(password)")
    }

    private func servers(_ text: Substring) throws(ConfigurationError) -> [MemcachedServer] {
        var servers: [MemcachedServer] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) { servers.append(try server(part)) }
        guard Set(servers).count == servers.count else { throw refused("a server that is named twice") }
        return servers
    }

    private func server(_ text: Substring) throws(ConfigurationError) -> MemcachedServer {
        let (host, port) = try self.text.server(text, port: 11211)
        return MemcachedServer(host, port: port)
    }

    private func readOption(
        _ text: Substring,
        _ configuration: inout MemcachedClientConfiguration
    ) throws(ConfigurationError) {
        let name = text.prefix { $0 != "=" }
        let value = try self.text.decoded(text.dropFirst(name.count + 1))
        switch name {
        case "ca":
            guard configuration.tls != nil else { throw refused("ca= without TLS; the scheme for TLS is memcacheds") }
            guard !value.isEmpty else { throw refused("ca= without a file") }
            configuration.tls?.authoritiesFile = value
        case "gutter": configuration.gutter = try servers(value[...])
        default: throw refused("the option \(name); known are ca and gutter")
        }
    }

    private func refused(_ what: String) -> ConfigurationError { text.refused(what) }
}
