import ApusCore

/// Which engine a cache's URL names.
enum CacheEngineChoice: Equatable {
    /// In this process.
    case memory
    /// A server that speaks RESP: Redis, a Redis Cluster, or the embedded cache server.
    case resp(url: String)
    /// Memcached, one or several.
    case memcached(url: String)

    /// Reads the URL; without one the cache is in memory.
    ///
    /// - Throws: ``ConfigurationError`` for any other scheme, and for anything after `memory:`.
    init(url: String?) throws(ConfigurationError) {
        guard let url, url != "memory:", url != "memory://" else {
            self = .memory
            return
        }
        // A URL may hold a password: only its scheme is shown.
        let scheme = url.split(separator: ":", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        if scheme.hasPrefix("redis") || scheme == "unix" {
            self = .resp(url: url)
        } else if scheme.hasPrefix("memcached") {
            self = .memcached(url: url)
        } else {
            throw ConfigurationError(
                field: "CACHE_URL",
                value: "\(scheme):…",
                accepted: "memory:, redis://, rediss://, redis+cluster://, redis+sentinel://, unix://, memcached:// "
                    + "or memcacheds://"
            )
        }
    }

    /// The server behind a cache's memory; `nil` for none.
    func server() throws -> (any TierServer)? {
        switch self {
        case .memory: nil
        case .resp(let url): try TierServers.process.server(url) { try RESPTierServer(RESPAddress(url: url)) }
        case .memcached(let url):
            try TierServers.process.server(url) { try MemcachedTierServer(MemcachedClientConfiguration(url: url)) }
        }
    }
}
