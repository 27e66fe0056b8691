public import ApusCore
import ApusRuntime

/// Where a Redis, a cluster of them, or what speaks like one is, and who we are there.
///
/// | URL | what |
/// | - | - |
/// | `redis://[user:password@]host[:port][/database]` | one server |
/// | `redis+cluster://host:port,host:port` | a cluster, by some of its nodes |
/// | `redis+sentinel://host:port,host:port/name[/database]` | the master of that name, by its sentinels |
/// | `unix:///run/redis.sock[?database=1]` | one server on a Unix socket |
///
/// `rediss` in place of `redis` speaks TLS, with the server's certificate and name checked, against the authorities of the
/// machine or those of `?ca=FILE`. `?protocol=2` does without RESP3. A port that is left out is 6379, a sentinel's 26379.
public struct RESPAddress: Sendable {
    /// What stands behind the address.
    public enum Kind: Sendable, Hashable {
        /// One server.
        case server
        /// A cluster: the nodes named are asked for the others.
        case cluster
        /// The master of this name: the nodes named are sentinels.
        case sentinel(master: String)
    }

    /// What stands behind it.
    public var kind: Kind
    /// The servers that are named, at least one.
    public var nodes: [RESPNode]
    /// Who we are; `nil` for Redis' user `default`.
    public var user: String?
    /// What proves it.
    public var password: Secret<String>?
    /// The number of the database; 0 unless set, and in a cluster always.
    public var database = 0
    /// Whom TLS trusts; `nil` speaks without TLS.
    public var tls: TLSOptions?
    /// Whether RESP3 is asked for; RESP2 is what is left.
    public var prefersRESP3 = true

    /// Whom TLS trusts.
    public struct TLSOptions: Sendable, Hashable {
        /// A PEM file with the authorities to trust; `nil` trusts those of the machine.
        public var authoritiesFile: String?
        /// Trusts the authorities of a file, or the machine's.
        public init(authoritiesFile: String? = nil) { self.authoritiesFile = authoritiesFile }
    }

    /// One server, without a password.
    public init(_ node: RESPNode) {
        kind = .server
        nodes = [node]
    }

    /// Reads a URL.
    ///
    /// - Parameters:
    ///   - url: The URL, with percent signs where a user, a password or a path needs them.
    ///   - field: The setting that it was given by, for the error.
    /// - Throws: `ConfigurationError` that says what is wrong and never shows the URL, which may hold a password.
    public init(url: String, field: String = "CACHE_URL") throws(ConfigurationError) {
        let parser = RESPAddressParser(field: field)
        self = try parser.address(url)
    }

    /// A URL of the first server without the password.
    public var description: String {
        let scheme: String
        switch kind {
        case .server: scheme = tls == nil ? "redis" : "rediss"
        case .cluster: scheme = tls == nil ? "redis+cluster" : "rediss+cluster"
        case .sentinel: scheme = tls == nil ? "redis+sentinel" : "rediss+sentinel"
        }
        if case .path(let path) = nodes.first { return "unix://\(path)" }
        let list = nodes.map(\.description).joined(separator: ",")
        if case .sentinel(let master) = kind { return "\(scheme)://\(list)/\(master)" }
        return "\(scheme)://\(list)" + (database == 0 ? "" : "/\(database)")
    }
}

extension RESPAddress: CustomStringConvertible {}
