import ApusCore

/// Which engine a cache's URL names.
enum CacheEngineChoice: Equatable {
    /// In this process.
    case memory

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
        throw ConfigurationError(field: "CACHE_URL", value: "\(scheme):…", accepted: "memory:")
    }
}
