public import CLinux

/// The reads of one part of a cache by one thread, until they are told to the policy: places, in the order of the reads.
///
/// None is lost: a thread that finds its ring full has it emptied before it goes on. A policy that misses one hit in ten
/// would lose up to two points of hit ratio.
//
// Sound because one thread writes at the head and one at a time, under the part's lock, takes from the tail; the head is
// released after what lies behind it, and so is the tail.
@usableFromInline
struct ReadRing {
    /// Places it holds.
    @usableFromInline static var room: UInt64 { 256 }
    // Words: the head, and the head at which the thread must look at the tail, on the thread's own line; the tail on
    // another; then the places.
    @usableFromInline let words: UnsafeMutablePointer<UInt64>
    @usableFromInline static var limitAt: Int { 1 }
    @usableFromInline static var tailAt: Int { 8 }
    @usableFromInline static var placesAt: Int { 16 }

    init() {
        let count = Self.placesAt + Int(Self.room) / 2
        words = .allocate(capacity: count)
        words.initialize(repeating: 0, count: count)
        words[Self.limitAt] = Self.room / 2
    }

    @inlinable
    init(words: UnsafeMutablePointer<UInt64>) { self.words = words }

    func free() { words.deallocate() }

    @inlinable var places: UnsafeMutablePointer<UInt32> {
        UnsafeMutableRawPointer(words + Self.placesAt).assumingMemoryBound(to: UInt32.self)
    }

    /// Notes a read; `false` where the ring must be looked after first.
    ///
    /// By the thread whose ring it is.
    @inlinable
    @inline(__always)
    func record(_ place: Int) -> Bool {
        let head = apus_relaxed_load(words)
        guard head != words[Self.limitAt] else { return false }
        apus_relaxed_store32(
            places + Int(truncatingIfNeeded: head & (Self.room - 1)),
            UInt32(truncatingIfNeeded: place)
        )
        apus_release_store(words, head &+ 1)
        return true
    }

    /// How many are not yet taken; by the thread whose ring it is.
    var pending: UInt64 { words[0] &- apus_acquire_load(words + Self.tailAt) }

    /// Lets the thread write on until so many are pending.
    func limit(pending: UInt64) { words[Self.limitAt] = apus_acquire_load(words + Self.tailAt) &+ pending }

    /// Takes all there are; under the part's lock.
    func drain(_ body: (Int) -> Void) {
        let head = apus_acquire_load(words)
        var tail = apus_relaxed_load(words + Self.tailAt)
        while tail != head {
            body(Int(apus_relaxed_load32(places + Int(tail % Self.room))))
            tail &+= 1
        }
        apus_release_store(words + Self.tailAt, head)
    }
}
