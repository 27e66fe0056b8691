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
        for (field, value) in [
            ("lifetime", lifetime), ("absentLifetime", absentLifetime), ("errorLifetime", errorLifetime),
        ] {
            if let value, value <= .zero { throw refuse(field, value, "more than zero, or nil") }
        }
        if staleWhileRevalidate < .zero { throw refuse("staleWhileRevalidate", staleWhileRevalidate, "zero or more") }
        if staleIfError < .zero { throw refuse("staleIfError", staleIfError, "zero or more") }
        if retryPause < .zero { throw refuse("retryPause", retryPause, "zero or more") }
        return self
    }
}
