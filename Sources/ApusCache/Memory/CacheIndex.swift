public import CLinux

/// A part of a cache as its readers see it: no lock, no reference counted, nothing written but a pin and a note of the read.
///
/// Entries lie in a slab of chunks that never move, and are found through cells: the hash's upper half over the entry's
/// place plus one, 0 for none, with linear probing. Whoever changes it holds the part's lock: ``CacheTable``.
//
// `@unchecked Sendable` is sound because cells, version and rings are accessed by atomics alone; a chunk is there before a
// cell leads to it; an entry is complete before a cell leads to it, never changes after, and is given back only when no
// thread that could have found it is pinned (`ReadPins`). The table that owns the memory lives as long as the cache.
@usableFromInline
struct CacheIndex<Key: Hashable & Sendable, Value: Sendable>: @unchecked Sendable {
    @usableFromInline typealias Entry = CacheEntry<Key, Value>

    // Words: the address of the cells, the version, and from `ringsAt` on the address of each thread's ring.
    @usableFromInline let words: UnsafeMutablePointer<UInt64>
    @usableFromInline static var versionAt: Int { 1 }
    @usableFromInline static var ringsAt: Int { 16 }
    static var wordCount: Int { ringsAt + 64 }
    // Chunk n has 16 << n entries.
    @usableFromInline let chunks: UnsafeMutablePointer<UnsafeMutablePointer<Entry>>
    @usableFromInline let pins: ReadPins

    /// Where a look-up ended.
    @usableFromInline static var missing: Int { -1 }
    /// Cells moved meanwhile: only under the lock can one tell.
    @usableFromInline static var unsure: Int { -2 }

    /// The cells: their number less one, then the cells.
    @inlinable var cells: UnsafeMutablePointer<UInt64> {
        // Never zero from the table's making on.
        UnsafeMutablePointer(bitPattern: UInt(apus_ordered_load(words))).unsafelyUnwrapped
    }

    /// The entry at a place.
    @inlinable
    @inline(__always)
    func entry(_ place: Int) -> UnsafeMutablePointer<Entry> {
        let number = UInt32(truncatingIfNeeded: place &+ 16)
        let top = 31 &- number.leadingZeroBitCount
        return chunks[top &- 4] + (Int(number) &- 1 &<< top)
    }

    /// The place of a key; ``missing`` or ``unsure`` where there is none.
    ///
    /// By a pinned thread, or under the lock.
    @inlinable
    @inline(__always)
    func place(of key: Key, _ hash: UInt64) -> Int {
        let version = apus_ordered_load(words + Self.versionAt)
        let cells = cells
        let mask = cells[0]
        var cell = hash & mask
        var steps: UInt64 = 0
        while true {
            let found = apus_ordered_load(cells + 1 + Int(truncatingIfNeeded: cell))
            if found == 0 || steps > mask { break }
            if found >> 32 == hash >> 32 {
                let place = Int(truncatingIfNeeded: found & 0xFFFF_FFFF) &- 1
                if entry(place).pointee.key == key { return place }
            }
            cell = (cell &+ 1) & mask
            steps &+= 1
        }
        return version & 1 == 0 && apus_ordered_load(words + Self.versionAt) == version ? Self.missing : Self.unsure
    }

    /// A thread's ring, if it has one.
    @inlinable
    @inline(__always)
    func ring(_ slot: Int) -> ReadRing? {
        UnsafeMutablePointer<UInt64>(bitPattern: UInt(apus_acquire_load(words + (Self.ringsAt &+ slot))))
            .map { ReadRing(words: $0) }
    }
}
