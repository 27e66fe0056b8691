import CLinux
import Glibc

/// How many groups were committed to a shard, by all processes: a number in a page they share.
///
/// A reader whose transaction began at another number looks at the past of a commit that somebody may have been told
/// of; it begins anew. The writer counts after the commit and before it tells anyone.
//
// `@unchecked Sendable` is sound because the cell is only touched by atomic operations.
final class CommitCounter: @unchecked Sendable {
    let cell: UnsafeMutablePointer<UInt64>
    private let isMapped: Bool
    private static let pageBytes = 4096

    /// Maps the counter at the start of the lock's file.
    ///
    /// Where that cannot be written, the count is this process's own.
    init(_ lock: LockFile) {
        let protection = PROT_READ | PROT_WRITE
        // Room is taken now: a page that finds none when it is first written would end the process.
        if lock.isWritable, posix_fallocate(lock.descriptor, 0, off_t(Self.pageBytes)) == 0,
            let page = mmap(nil, Self.pageBytes, protection, MAP_SHARED, lock.descriptor, 0), page != MAP_FAILED
        {
            cell = page.assumingMemoryBound(to: UInt64.self)
            isMapped = true
        } else {
            cell = .allocate(capacity: Self.pageBytes / 8)
            cell.initialize(repeating: 0, count: Self.pageBytes / 8)
            isMapped = false
        }
    }

    deinit {
        if isMapped { munmap(cell, Self.pageBytes) } else { cell.deallocate() }
    }

    @inline(__always)
    var value: UInt64 { apus_acquire_load(cell) }

    /// Only while holding the shard's lock.
    func advance() { _ = apus_exchange(cell, apus_relaxed_load(cell) + 1) }
}
