public import ApusCore

/// How a cache is sized, and how long its entries live.
public struct CacheConfiguration: Sendable, Hashable {
    /// The sum of all entries' weights, never exceeded; 10,000 unless set.
    ///
    /// An entry's weight is what the cache's weigher says: 1 unless it has one. The capacity is cut into up to 16 equal
    /// parts of 1,024 or more, of 16 Mi or more with a weigher; an entry heavier than a part is not kept.
    public var capacity = 10_000
    /// Life of a loaded or set value, 5 minutes unless set; `nil` keeps it until it is evicted.
    public var lifetime: Duration? = .seconds(300)
    /// Life of the knowledge that a key has no value, 10 seconds unless set; `nil` does not keep it.
    public var absentLifetime: Duration? = .seconds(10)
    /// Life of a loader's error, during which callers get it again; `nil`, the default, does not keep it.
    public var errorLifetime: Duration?
    /// By which share lifetimes vary at random, so that entries loaded together do not expire together; 0.1 unless set.
    public var lifetimeJitter = 0.1
    /// The share of its life after which a hit starts one reload in the background; `nil`, the default, for none.
    public var refreshAfter: Double?
    /// How eagerly values are reloaded before their end, the more so the longer they take to load; `nil`, the default, for
    /// not at all, 1 for what is best in theory.
    ///
    /// This is XFetch: a hit starts a reload by chance, so that callers in any number of processes do not do it at once.
    /// It gives way to ``refreshAfter``.
    public var earlyRefresh: Double?
    /// Whether the cache uses the server that `CACHE_URL` names, with keys and values that are `Codable`; true unless set.
    ///
    /// One that is not shared stays in the memory of each process.
    public var isShared = true
    /// With a shared tier behind: how long an entry in this process's memory is used without asking that tier again;
    /// 5 seconds unless set.
    ///
    /// Changes by other processes are heard of at once. Where no word of them comes, because a connection is cut, this is
    /// how old an entry can get. Zero keeps nothing in memory, for what must never be old: then each look-up asks the tier
    /// behind, and without one the loader.
    public var nearLifetime: Duration = .seconds(5)
    /// With a shared tier behind: how long other processes wait for the one that loads a key, and how long it may take for
    /// its value to be shared; 2 seconds unless set.
    public var leaseLifetime: Duration = .seconds(2)
    /// How long after its life a value is served once more while it is reloaded; none unless set.
    public var staleWhileRevalidate: Duration = .zero
    /// How long after its life a value is served where reloading it fails; none unless set.
    public var staleIfError: Duration = .zero
    /// After a failed reload with an old value at hand, how long no further one is tried; 1 second unless set.
    public var retryPause: Duration = .seconds(1)
    /// Most callers that wait for the load of one key; 10,000 unless set.
    public var waitersMax = 10_000
    /// Most reloads in the background at a time, for each of up to 16 parts of the cache; 32 unless set.
    public var backgroundLoadsMax = 32

    /// Starts from the defaults.
    public init() {}

    /// Starts from the defaults, with a capacity of its own.
    public init(capacity: Int, lifetime: Duration? = .seconds(300)) {
        self.capacity = capacity
        self.lifetime = lifetime
    }

    /// The configuration itself.
    ///
    /// - Throws: `ConfigurationError` for what makes no sense.
    public func checked() throws(ConfigurationError) -> Self {
        func refuse(_ field: String, _ value: some Any, _ accepted: String) -> ConfigurationError {
            ConfigurationError(field: field, value: "\(value)", accepted: accepted)
        }
        if capacity < 1 { throw refuse("capacity", capacity, "1 or more") }
        if waitersMax < 1 { throw refuse("waitersMax", waitersMax, "1 or more") }
        if backgroundLoadsMax < 0 { throw refuse("backgroundLoadsMax", backgroundLoadsMax, "0 or more") }
        if !(0..<1).contains(lifetimeJitter) { throw refuse("lifetimeJitter", lifetimeJitter, "0 to 0.99") }
        if let refreshAfter, !(0..<1).contains(refreshAfter) { throw refuse("refreshAfter", refreshAfter, "0 to 0.99") }
        if let earlyRefresh, !(0...100).contains(earlyRefresh) {
            throw refuse("earlyRefresh", earlyRefresh, "0 to 100, or nil")
        }
        for (field, value) in [
            ("lifetime", lifetime), ("leaseLifetime", leaseLifetime), ("absentLifetime", absentLifetime),
            ("errorLifetime", errorLifetime),
        ] {
            if let value, value <= .zero { throw refuse(field, value, "more than zero, or nil") }
        }
        if nearLifetime < .zero { throw refuse("nearLifetime", nearLifetime, "zero or more") }
        if staleWhileRevalidate < .zero { throw refuse("staleWhileRevalidate", staleWhileRevalidate, "zero or more") }
        if staleIfError < .zero { throw refuse("staleIfError", staleIfError, "zero or more") }
        if retryPause < .zero { throw refuse("retryPause", retryPause, "zero or more") }
        return self
    }
}
