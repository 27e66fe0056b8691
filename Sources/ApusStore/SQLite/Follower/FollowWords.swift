import CLinux

/// What the processes of a followed shard tell each other, in the page of its lock.
///
/// The files say the same; these words are read without looking there.
extension CommitCounter {
    /// Away from the count of commits, so that those who look at that are not disturbed.
    enum Word: Int {
        /// The lineage of who may write; 0 where nobody follows.
        case lineage = 8
        /// The position that was last acknowledged.
        case committed
        /// The position that the follower has reached, at least.
        case followed
        /// Which copy the follower is: a count, and a bit that says whether it is sound.
        case copy
        /// A moment of the machine's clock, in nanoseconds: the follower has what was acknowledged by then.
        case asOf
    }

    /// The lineage that nobody has: a shard that was promoted is written by no process from before.
    static let promoted = UInt64.max

    subscript(_ word: Word) -> UInt64 { apus_acquire_load(cell + word.rawValue) }

    func set(_ word: Word, to value: UInt64) { apus_release_store(cell + word.rawValue, value) }

    /// Whether there is a follower that can be read and written.
    var isFollowerSound: Bool { self[.copy] & 1 == 1 }

    /// There is a sound follower, and it is another one than before.
    func followerCame() { set(.copy, to: (self[.copy] >> 1 + 1) << 1 | 1) }

    /// The follower is used by nobody until it was made anew.
    func followerWent() { set(.copy, to: self[.copy] & ~1) }
}
