/// Decides which entry goes when there is no room.
///
/// A policy knows entries by their place in the table, their hash and their weight, never their keys or values. One policy
/// looks after one part of a cache, under that part's lock.
protocol CachePolicy: ~Copyable {
    /// A policy for entries of at most `weightMax` together.
    init(weightMax: Int)
    /// The weight of all entries it looks after.
    var weight: Int { get }
    /// An entry was read; nothing where the place has none any more, because reads are told late.
    mutating func read(_ place: Int)
    /// All reads of a ring, in their order.
    //
    // Of the protocol, so that each policy has the loop in its own code.
    mutating func read(all ring: ReadRing)
    /// An entry came in; it may push the weight over the bound, and ``victim()`` is asked until it no longer does.
    mutating func inserted(_ place: Int, hash: UInt64, weight: Int)
    /// An entry lies at another place now.
    mutating func moved(_ place: Int, to newPlace: Int)
    /// An entry was written anew, with a weight of its own; counts as a read.
    mutating func reweighed(_ place: Int, weight: Int)
    /// An entry was taken out by its owner.
    mutating func removed(_ place: Int)
    /// Picks the entry that goes, and forgets it; `nil` where there is none.
    mutating func victim() -> Int?
}
