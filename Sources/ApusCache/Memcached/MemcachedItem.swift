/// What memcached keeps of one key.
public struct MemcachedItem: Sendable, Hashable {
    /// The value's bytes.
    public var value: [UInt8]
    /// The number that whoever stored it gave with it.
    public var flags: UInt32
    /// Differs after each change; what ``MemcachedClient/compareAndSet(_:_:version:flags:lifetime:keepsAsStale:)`` compares.
    public var version: UInt64
}

/// What a look-up found that asks for the right to load what is missing.
///
/// - SeeAlso: R. Nishtala et al., "Scaling Memcache at Facebook" (NSDI 2013), section 3.2.1, "Leases"; memcached's
///   doc/protocol.txt, "Meta Get", flags `N`, `R`, `W`, `X`, `Z`.
public enum MemcachedLease: Sendable, Hashable {
    /// The value; `mayRefresh` for the one caller who is to load it anew because its life is running out.
    case fresh(MemcachedItem, mayRefresh: Bool)
    /// A value that was invalidated; `mayLoad` for the one caller who is to load it anew, while the others may use this one.
    case stale(MemcachedItem, mayLoad: Bool)
    /// Nothing is there, and this caller is to load it and store it with this version.
    case mayLoad(version: UInt64)
    /// Nothing is there, and another caller loads it.
    case isBeingLoaded
}

/// What became of a value that was to be stored under a condition.
public enum MemcachedOutcome: Sendable, Hashable {
    /// It is stored.
    case stored
    /// Somebody has changed it since.
    case changed
    /// There is nothing any more.
    case missing
}
