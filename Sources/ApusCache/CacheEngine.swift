/// What stands behind a cache's own memory: a tier that is shared with other processes.
///
/// The cache asks it when its own memory has no fresh value, before it calls the loader, and tells it what was loaded,
/// set or removed. An engine that fails counts as one that knows nothing: the loader is called, and the failure counted.
/// An engine bounds its own waits: it throws when its time is up.
public protocol CacheEngine<Key, Value>: AnyObject, Sendable {
    /// What entries are found by.
    associatedtype Key: Hashable & Sendable
    /// What is kept.
    associatedtype Value: Sendable
    /// What the engine knows about a key; `nil` where it knows nothing.
    func entry(for key: Key) async throws -> CacheEngineEntry<Value>?
    /// Keeps what is known about a key.
    func keep(_ entry: CacheEngineEntry<Value>, for key: Key) async throws
    /// Forgets a key.
    func remove(_ key: Key) async throws
    /// Forgets every key of this cache.
    func removeAll() async throws
    /// Lets go of sockets; idempotent.
    func close() async
    /// A command line of a stock client that shows this cache's entries, or `nil`.
    var stockClient: String? { get }
}

/// What an engine knows about a key.
public struct CacheEngineEntry<Value: Sendable>: Sendable {
    /// The value, or `nil` where the key is known to have none.
    public let value: Value?
    /// How much longer it may be used; `nil` for as long as one likes.
    public let lifetime: Duration?

    /// An entry from its parts.
    public init(value: Value?, lifetime: Duration?) {
        self.value = value
        self.lifetime = lifetime
    }
}
