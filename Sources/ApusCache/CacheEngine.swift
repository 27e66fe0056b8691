/// What stands behind a cache's own memory: a tier that is shared with other processes.
///
/// The cache asks it when its own memory has no fresh value, before it calls the loader, and tells it what was loaded,
/// set or removed. The engine says who loads: of all processes that miss a key at once, one gets a ``CacheLease`` and the
/// others wait for what it brings (Nishtala et al., "Scaling Memcache at Facebook", NSDI'13, section 3.2.1).
///
/// An engine that fails counts as one that knows nothing: the loader is called, and the failure counted. An engine bounds
/// its own waits: it throws when its time is up.
public protocol CacheEngine<Key, Value>: AnyObject, Sendable {
    /// What entries are found by.
    associatedtype Key: Hashable & Sendable
    /// What is kept.
    associatedtype Value: Sendable
    /// What the engine knows about a key, or that the caller has to load it.
    ///
    /// Where another process loads the key, this waits for it, within a bound of the engine's own.
    ///
    /// - Parameters:
    ///   - key: What is looked for.
    ///   - refreshing: Whether the caller wants a newer value than the one that is there, which it still has; then this
    ///     does not wait, and gives a lease to one caller at a time.
    /// - Returns: The entry, or who loads.
    /// - Throws: What keeps the engine from saying.
    func look(for key: Key, refreshing: Bool) async throws -> CacheEngineAnswer<Value>
    /// Keeps what was loaded under a lease, unless the key was changed or forgotten since the lease was given.
    ///
    /// - Returns: Whether it was kept.
    func fill(_ entry: CacheEngineEntry<Value>, for key: Key, under lease: CacheLease) async throws -> Bool
    /// Gives back a lease under which nothing was loaded, so that others need not wait for its end.
    func giveUp(_ lease: CacheLease, for key: Key) async
    /// Keeps what is known about a key, whatever was there.
    func keep(_ entry: CacheEngineEntry<Value>, for key: Key) async throws
    /// What is known about a key, if anything, and what that state is known by, whoever has made it.
    ///
    /// - Throws: ``CacheError/Code/unsupported`` unless the engine has it.
    func versioned(_ key: Key) async throws -> (entry: CacheEngineEntry<Value>?, token: [UInt8])
    /// Keeps what is known about a key where its state is still `token`'s; whoever loads it now does not bring another value.
    ///
    /// - Returns: Whether it was kept.
    /// - Throws: As ``versioned(_:)``; where it throws something else, it may have been kept.
    func replace(_ token: [UInt8], with entry: CacheEngineEntry<Value>, for key: Key) async throws -> Bool
    /// Forgets a key; whoever loads it now does not bring an old value back.
    func remove(_ key: Key) async throws
    /// Forgets every key of this cache.
    func removeAll() async throws
    /// Lets go of sockets; idempotent.
    func close() async
    /// A command line of a stock client that shows this cache's entries, or `nil`.
    var stockClient: String? { get }
    /// What is wrong with the engine now, with the fix; `nil` for one that serves.
    var problem: String? { get }
}

extension CacheEngine {
    /// Nothing.
    public var problem: String? { nil }

    /// Refuses.
    public func versioned(_ key: Key) async throws -> (entry: CacheEngineEntry<Value>?, token: [UInt8]) {
        throw CacheError(.unsupported, fault: .engine, isRetryable: false, detail: "an engine without versions")
    }

    /// Refuses.
    public func replace(_ token: [UInt8], with entry: CacheEngineEntry<Value>, for key: Key) async throws -> Bool {
        throw CacheError(.unsupported, fault: .engine, isRetryable: false, detail: "an engine without versions")
    }
}

/// What an engine says about a key.
public enum CacheEngineAnswer<Value: Sendable>: Sendable {
    /// It is known.
    case found(CacheEngineEntry<Value>)
    /// The caller loads it: with a lease it tells the engine, without one it keeps the value to itself.
    case load(CacheLease?)
}

/// The right of one process to load a key for all.
public struct CacheLease: Sendable, Hashable {
    /// What the engine knows it by.
    public let token: [UInt8]

    /// A lease that an engine knows by `token`.
    public init(token: [UInt8]) { self.token = token }
}

/// What an engine knows about a key.
public struct CacheEngineEntry<Value: Sendable>: Sendable {
    /// The value, or `nil` where the key is known to have none.
    public let value: Value?
    /// How much longer it may be used; `nil` for as long as one likes.
    public let lifetime: Duration?
    /// How long it took to load; zero where it was set.
    public let loadTime: Duration

    /// An entry from its parts.
    public init(value: Value?, lifetime: Duration?, loadTime: Duration = .zero) {
        self.value = value
        self.lifetime = lifetime
        self.loadTime = loadTime
    }
}
