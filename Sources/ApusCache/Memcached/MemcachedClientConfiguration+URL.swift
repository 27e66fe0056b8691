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
    /// The setting that a URL was given by.
    let field: String

    func configuration(_ url: String) throws(ConfigurationError) -> MemcachedClientConfiguration {
        let scheme = String(url.prefix { $0 != ":" })
        guard scheme == "memcached" || scheme == "memcacheds" else { throw refused("the scheme \(scheme)") }
        guard url.dropFirst(scheme.count).hasPrefix("://") else { throw refused("\(scheme): without //") }
        var rest = url.dropFirst(scheme.count + 3)
        let query = rest.firstIndex(of: "?").map { rest[rest.index(after: $0)...] }
        if let query { rest = rest[..<rest.index(before: query.startIndex)] }
        var login: Secret<String>?
        // A password may hold what looks like an end, but an @ in it is written %40.
        if let at = rest.lastIndex(of: "@") {
            login = try self.login(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        if rest.hasSuffix("/") { rest.removeLast() }
        guard !rest.contains("/") else { throw refused("a path; memcached has no databases") }
        var configuration = MemcachedClientConfiguration(servers: try servers(rest))
        configuration.login = login
        if scheme == "memcacheds" { configuration.tls = TLSClientOptions() }
        for part in (query ?? "").split(separator: "&") { try readOption(part, &configuration) }
        return configuration
    }

    /// `user:password`, as memcached wants to hear it.
    private func login(_ text: Substring) throws(ConfigurationError) -> Secret<String> {
        let name = text.prefix { $0 != ":" }
        guard name.count < text.count else { throw refused("a user without a password; write user:password@") }
        let user = name.isEmpty ? "default" : try decoded(name)
        guard !user.contains(where: \.isWhitespace) else { throw refused("a user with a space; memcached allows none") }
        let password = try decoded(text.dropFirst(name.count + 1))
        guard !password.isEmpty else { throw refused("an empty password; write user:password@, or leave both out") }
        return Secret("\(user) \(password)")
    }

    private func servers(_ text: Substring) throws(ConfigurationError) -> [MemcachedServer] {
        var servers: [MemcachedServer] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) { servers.append(try server(part)) }
        guard Set(servers).count == servers.count else { throw refused("a server that is named twice") }
        return servers
    }

    private func server(_ text: Substring) throws(ConfigurationError) -> MemcachedServer {
        guard !text.hasPrefix("[") else { throw refused("an IPv6 address; use a name, or an IPv4 address") }
        let host = text.prefix { $0 != ":" }
        guard !host.isEmpty else { throw refused("a server without a name") }
        guard host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw refused("a server's name that is none") }
        guard host.count < text.count else { return MemcachedServer(String(host)) }
        guard let port = UInt16(text.dropFirst(host.count + 1)), port > 0 else {
            throw refused("a port that is none; it is a number from 1 to 65535")
        }
        return MemcachedServer(String(host), port: port)
    }

    private func readOption(
        _ text: Substring,
        _ configuration: inout MemcachedClientConfiguration
    ) throws(ConfigurationError) {
        let name = text.prefix { $0 != "=" }
        let value = try decoded(text.dropFirst(name.count + 1))
        switch name {
        case "ca":
            guard configuration.tls != nil else { throw refused("ca= without TLS; the scheme for TLS is memcacheds") }
            guard !value.isEmpty else { throw refused("ca= without a file") }
            configuration.tls?.authoritiesFile = value
        case "gutter": configuration.gutter = try servers(value[...])
        default: throw refused("the option \(name); known are ca and gutter")
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
                "memcached://[user:password@]host[:port][,host[:port]…], memcacheds:// for TLS, ?gutter=host[:port],… "
                + "for servers that take over"
        )
    }
}
