/// One way to choose what a cache keeps: it sees the reads of a cache it imagines, in which there are keys only.
///
/// An expert says by ``PolicyKeys/hold(_:_:)``, ``PolicyKeys/drop(_:_:)`` and ``PolicyKeys/forget(_:_:)`` what it keeps,
/// remembers and forgets. All its work is constant in time but for what it makes up later.
protocol PolicyExpert: ~Copyable {
    /// An expert with room for keys of at most `weightMax` together.
    init(weightMax: Int)
    /// A key is read; where the expert does not have it, it comes in, unless it is heavier than all the room there is.
    mutating func access(_ number: Int, _ keys: inout PolicyKeys)
    /// A key was taken out of the cache by its owner: the expert forgets it.
    mutating func remove(_ number: Int, _ keys: inout PolicyKeys)
    /// A key got another weight, `delta` more than it had; what no longer fits goes.
    mutating func reweigh(_ number: Int, by delta: Int, _ keys: inout PolicyKeys)
    /// Calls `body` with all keys the expert has, those it would rather lose first.
    func forEachHeld(_ body: (Int) -> Void)
    /// Memory it takes.
    var bytes: Int { get }
}

/// The policies there are.
public enum CachePolicyKind: UInt8, Sendable, Hashable, CaseIterable {
    /// What was not read for the longest time goes.
    case lru
    /// What has the longest time between its last two reads goes: Low Inter-reference Recency Set.
    case lirs
    /// Two queues, first in first out, with second chances.
    case s3fifo
    /// What comes in must be asked for more often than what would go: Window TinyLFU.
    case wTinyLFU

    /// Its bit in a set of kinds.
    var bit: UInt8 { 1 << rawValue }
    /// The set of all kinds.
    static let allBits: UInt8 = 0b1111
}
