import ApusCore
import Glibc

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

    /// More than zero: from `refreshAt` on a hit starts a reload by chance, the likelier the nearer the end; nanoseconds.
    @usableFromInline var refreshSpan: Int64 = 0

    static let forever = CacheLife(until: Instant(nanoseconds: .max))
    /// How many spans before its end an entry may first be reloaded; a chance of one in half a milliard.
    static let refreshReach = 20

    /// Good for everything until then, and for nothing after.
    init(until end: Instant) {
        freshUntil = end.nanoseconds
        refreshAt = .max
        revalidateUntil = end.nanoseconds
        errorUntil = end.nanoseconds
    }

    /// Whether it is good for nothing after it is fresh, and not reloaded before.
    var isPlain: Bool { refreshAt >= freshUntil && revalidateUntil <= freshUntil && errorUntil <= freshUntil }

    /// Whether a hit starts a reload.
    ///
    /// By chance as in Vattani et al., "Optimal Probabilistic Cache Stampede Prevention" (VLDB 2015), XFetch: where the
    /// time to the end is less than a span times a random number with exponential distribution.
    @usableFromInline
    func isRefreshDue(at now: Int64) -> Bool {
        guard now >= refreshAt else { return false }
        guard refreshSpan > 0 else { return true }
        let spansLeft = Double(Self.refreshReach) - Double(now - refreshAt) / Double(refreshSpan)
        return -log(Double.random(in: Double.leastNonzeroMagnitude...1)) >= spansLeft
    }
}

/// What only some entries have: uses after or reloads before the end of their life, an error in place of a value, or a number
/// by which somebody knows them.
@usableFromInline
final class CacheEntryDetails: Sendable {
    @usableFromInline let life: CacheLife
    @usableFromInline let failure: (any Error)?
    /// What a caller knows this entry by; 0 where none does.
    let version: UInt64

    init(life: CacheLife, failure: (any Error)?, version: UInt64 = 0) {
        self.life = life
        self.failure = failure
        self.version = version
    }
}

/// An entry as it lies in a table's memory; never changed once readers can find it.
//
// As small as may be: a look-up costs as much as the lines of memory that it has to fetch.
@usableFromInline
struct CacheEntry<Key: Hashable & Sendable, Value: Sendable> {
    // First, so that it has the entry's address.
    @usableFromInline let value: Value?
    @usableFromInline let key: Key
    /// Fresh before; `Int64.max` is for ever.
    @usableFromInline let freshUntil: Int64
    @usableFromInline let details: CacheEntryDetails?

    init(_ key: Key, _ content: CacheContent<Value>, _ life: CacheLife, version: UInt64 = 0) {
        self.key = key
        freshUntil = life.freshUntil
        var failure: (any Error)?
        switch content {
        case .value(let value): self.value = value
        case .absent: value = nil
        case .failed(let error):
            value = nil
            failure = error
        }
        let isBare = failure == nil && life.isPlain && version == 0
        details = isBare ? nil : CacheEntryDetails(life: life, failure: failure, version: version)
    }

    @inlinable var content: CacheContent<Value> {
        if let value { return .value(value) }
        if let failure = details?.failure { return .failed(failure) }
        return .absent
    }

    var life: CacheLife { details?.life ?? CacheLife(until: Instant(nanoseconds: freshUntil)) }
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
