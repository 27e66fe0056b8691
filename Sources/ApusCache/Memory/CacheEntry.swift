/// What is known about a key.
@usableFromInline
enum CacheContent<Value: Sendable>: Sendable {
    case value(Value)
    case absent
    case failed(any Error)

    /// The value, `nil` for absent.
    @inlinable
    func get() throws -> Value? {
        switch self {
        case .value(let value): return value
        case .absent: return nil
        case .failed(let error): throw error
        }
    }
}

/// Until when an entry is what; in nanoseconds of the cache's clock.
@usableFromInline
struct CacheLife: Sendable {
    /// Fresh before; `Int64.max` is for ever.
    @usableFromInline var freshUntil: Int64
    /// A hit from here on starts a reload.
    @usableFromInline var refreshAt: Int64
    /// Served once more before, while it is reloaded.
    @usableFromInline var revalidateUntil: Int64
    /// Served before, where reloading fails.
    @usableFromInline var errorUntil: Int64

    static let forever = CacheLife(freshUntil: .max, refreshAt: .max, revalidateUntil: .max, errorUntil: .max)
}

/// An entry as it lies in a table's memory; never changed once readers can find it.
@usableFromInline
struct CacheEntry<Key: Hashable & Sendable, Value: Sendable> {
    // First, so that it has the entry's address.
    @usableFromInline let value: Value?
    @usableFromInline let key: Key
    @usableFromInline let life: CacheLife
    @usableFromInline let failure: (any Error)?
    let hash: UInt64

    init(_ key: Key, _ hash: UInt64, _ content: CacheContent<Value>, _ life: CacheLife) {
        self.key = key
        self.hash = hash
        self.life = life
        switch content {
        case .value(let value):
            self.value = value
            failure = nil
        case .absent:
            value = nil
            failure = nil
        case .failed(let error):
            value = nil
            failure = error
        }
    }

    @inlinable var content: CacheContent<Value> {
        if let value { return .value(value) }
        if let failure { return .failed(failure) }
        return .absent
    }
}

extension CacheEntry {
    /// Lends the value of the entry at an address, which must have one.
    @inlinable
    @inline(__always)
    static func lendValue<Result, Failure: Error>(
        _ address: UnsafeMutablePointer<Self>,
        _ body: (Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // Of an optional that is not nil the payload has the address and the bytes of the whole, and `value` comes first.
        let value = UnsafeRawPointer(address).assumingMemoryBound(to: Value.self)
        return try lend(value) { (value: borrowing Value) throws(Failure) in try body(value) }
    }
}

/// Lends what lies at an address.
///
/// Said of types that cannot be copied, it makes no copy of those that can either: what is lent is not counted.
@inlinable
@inline(__always)
func lend<Value: ~Copyable, Result, Failure: Error>(
    _ address: UnsafePointer<Value>,
    _ body: (borrowing Value) throws(Failure) -> Result
) throws(Failure) -> Result {
    try body(address.pointee)
}

/// What a look-up found.
@usableFromInline
enum CacheFinding<Value: Sendable> {
    /// Good; `refresh` says that a reload is due.
    case fresh(CacheContent<Value>, refresh: Bool)
    /// Beyond its life, but to be served while a reload runs; `refresh` is false in the pause after a failed one.
    case stale(CacheContent<Value>, refresh: Bool)
    case missing
}
