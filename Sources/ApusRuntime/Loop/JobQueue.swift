/// A growing ring of jobs that are ready to run, touched by the loop's thread alone.
///
/// Jobs are pointers the concurrency runtime owns, so the ring holds them without counting references.
struct JobQueue: ~Copyable {
    private var storage: UnsafeMutablePointer<UnownedJob>
    private var mask: Int
    private var head = 0
    private var tail = 0

    init(capacity: Int = 1024) {
        precondition(capacity > 0 && capacity & (capacity - 1) == 0, "a power of two")
        storage = .allocate(capacity: capacity)
        mask = capacity - 1
    }

    deinit { storage.deallocate() }

    @inline(__always) var isEmpty: Bool { head == tail }
    @inline(__always) var count: Int { tail &- head }

    @inline(__always)
    mutating func append(_ job: UnownedJob) {
        if tail &- head > mask { grow() }
        (storage + (tail & mask)).initialize(to: job)
        tail &+= 1
    }

    @inline(__always)
    mutating func popFirst() -> UnownedJob? {
        guard head != tail else { return nil }
        let job = storage[head & mask]
        head &+= 1
        return job
    }

    @inline(never)
    private mutating func grow() {
        let old = mask + 1
        let bigger = UnsafeMutablePointer<UnownedJob>.allocate(capacity: old * 2)
        for offset in 0..<old { (bigger + offset).initialize(to: storage[(head &+ offset) & mask]) }
        storage.deallocate()
        storage = bigger
        mask = old * 2 - 1
        head = 0
        tail = old
    }
}
