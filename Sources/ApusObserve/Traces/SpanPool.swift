import ApusCore

/// One thread's span records: a bounded number, handed out last in, first out, so that few pages are ever touched.
struct SpanPool {
    private var free: UnsafeMutablePointer<SpanRecord>?
    private var block: UnsafeMutablePointer<SpanRecord>?
    private var used = 0
    private let recordsMax: Int
    /// The slot whose pool this is.
    let home: Int32
    private var generator = SeededRandom(seed: 0)
    private var isSeeded = false
    private var offset: Int64 = 0
    private var offsetUntil = Int64.min
    var ordinary = OrdinaryTraces()
    // Keeps the pools of two threads in different cache lines.
    private var padding: (Int64, Int64, Int64, Int64, Int64, Int64, Int64, Int64) = (0, 0, 0, 0, 0, 0, 0, 0)

    init(home: Int, recordsMax: Int) {
        self.home = Int32(home)
        self.recordsMax = recordsMax
    }

    /// A random number, not for secrets.
    @inline(__always)
    mutating func random() -> UInt64 {
        if !isSeeded {
            generator = SeededRandom(seed: SecureRandom.number())
            isSeeded = true
        }
        return generator.next()
    }

    /// A record, or `nil` where all are in use.
    @inline(__always)
    mutating func take() -> UnsafeMutablePointer<SpanRecord>? {
        if let record = free {
            free = record.pointee.next
            return record
        }
        return takeNew()
    }

    @inline(never)
    private mutating func takeNew() -> UnsafeMutablePointer<SpanRecord>? {
        guard used < recordsMax else { return nil }
        let first = block ?? .allocate(capacity: recordsMax)
        block = first
        let record = first + used
        record.initialize(to: SpanRecord())
        record.pointee.home = home
        used += 1
        return record
    }

    /// Takes a record back.
    @inline(__always)
    mutating func put(_ record: UnsafeMutablePointer<SpanRecord>) {
        record.store(.identity, 0)
        record.pointee.next = free
        free = record
    }

    mutating func put(chain: UnsafeMutablePointer<SpanRecord>?) {
        var record = chain
        while let span = record {
            record = span.pointee.next
            put(span)
        }
    }

    /// What to add to the monotonic clock for the time of day; asked for once a second.
    mutating func wallOffset(at now: Int64, _ clock: any Clock) -> Int64 {
        if now >= offsetUntil {
            offset = clock.wallNanoseconds() - clock.now().nanoseconds
            offsetUntil = now + 1_000_000_000
        }
        return offset
    }
}

/// Which ordinary traces a thread keeps: a share of them that falls while there are too many.
///
/// The share is a bound on the trace id, so that threads and processes that have to keep less keep a part of what
/// the others keep, and traces stay whole.
struct OrdinaryTraces {
    private var bound: UInt64 = 1 << 63
    // Long ago, but near enough to subtract from.
    private var second = Int64.min / 2
    private var seen = 0
    private var kept = 0

    @inline(__always)
    mutating func isKept(_ id: UInt64, at now: Int64, _ settings: TraceSettings) -> Bool {
        if now &- second >= 1_000_000_000 { adjust(now, settings) }
        seen &+= 1
        guard id < min(bound, settings.ordinaryBound), kept < settings.ordinaryMax &* 2 else { return false }
        kept &+= 1
        return true
    }

    @inline(never)
    private mutating func adjust(_ now: Int64, _ settings: TraceSettings) {
        let share = seen == 0 ? 1 : Double(settings.ordinaryMax) / Double(seen)
        bound = TraceConfiguration.bound(share)
        second = now
        seen = 0
        kept = 0
    }
}

/// The pools of all threads, and what passes between them.
///
/// A trace lives in the pool of the thread that began its local root. A span of it that begins or ends on another thread
/// goes through the shared pool and its lock.
//
// `@unchecked Sendable` is sound because a pool is touched only by the thread whose slot it is, the shared pool and all
// chains that cross threads only under `lock`. Records are never freed: a stale pointer finds a record with another
// identity.
final class SpanPools: @unchecked Sendable {
    typealias Record = UnsafeMutablePointer<SpanRecord>

    private let pools: UnsafeMutablePointer<SpanPool>
    /// By pool, records that ended on other threads: roots to decide about, late spans to take back; under `lock`.
    private let inboxes: UnsafeMutablePointer<Record?>
    /// 1 where a pool's inbox holds something.
    private let isFilled: UnsafeMutablePointer<UInt64>
    // A word, not Void: the thread sanitizer takes an empty state for its neighbour in memory.
    private let lock = Lock(0)

    init(recordsMax: Int) {
        pools = .allocate(capacity: ThreadSlot.count)
        inboxes = .allocate(capacity: ThreadSlot.count)
        inboxes.initialize(repeating: nil, count: ThreadSlot.count)
        isFilled = .allocate(capacity: ThreadSlot.count)
        isFilled.initialize(repeating: 0, count: ThreadSlot.count)
        for slot in 0..<ThreadSlot.count { (pools + slot).initialize(to: SpanPool(home: slot, recordsMax: recordsMax)) }
    }

    // A tracer lives as long as the process, or a test; its records stay, since handles may still point to them.

    @inline(__always)
    func withPool<Result>(_ slot: Int, _ body: (inout SpanPool) -> Result) -> Result {
        slot != 0 ? body(&pools[slot]) : lock.withLock { _ in body(&pools[0]) }
    }

    /// A span that ended away from its root's thread, or began there; false where its root had ended before.
    func finishElsewhere(_ record: Record, _ root: Record) -> Bool {
        lock.withLock { _ in
            record.store(.identity, 0)
            guard root.load(.identity) == record.load(.rootIdentity) else {
                putForeign(record)
                return false
            }
            record.pointee.next = root.pointee.foreignChain
            root.pointee.foreignChain = record
            root.store(.hasForeign, 1)
            return true
        }
    }

    /// A root that ended away from its own thread, which decides about it when it next begins one.
    func sendHome(_ root: Record) {
        lock.withLock { _ in
            root.store(.identity, 0)
            putForeign(root)
        }
    }

    /// Gives a record to the pool it came from, under the lock.
    private func putForeign(_ record: Record) {
        let home = Int(record.pointee.home)
        if home == 0 { return pools[0].put(record) }
        record.pointee.next = inboxes[home]
        inboxes[home] = record
        (isFilled + home).relaxedStore(1)
    }

    /// Looks after what other threads sent to this pool.
    @inline(__always)
    func takeInbox(_ pool: inout SpanPool, _ finish: (Record, inout SpanPool) -> Void) {
        let home = Int(pool.home)
        guard home != 0, (isFilled + home).relaxedLoad() != 0 else { return }
        var chain = detachInbox(home)
        while let record = chain {
            chain = record.pointee.next
            if record == record.root { finish(record, &pool) } else { pool.put(record) }
        }
    }

    @inline(never)
    private func detachInbox(_ home: Int) -> Record? {
        lock.withLock { _ in
            defer {
                inboxes[home] = nil
                (isFilled + home).relaxedStore(0)
            }
            return inboxes[home]
        }
    }

    /// Takes what ended elsewhere off its root; a root of the shared pool is already under the lock.
    func detachForeign(_ root: Record) -> Record? {
        func detach() -> Record? {
            defer {
                root.pointee.foreignChain = nil
                root.store(.hasForeign, 0)
            }
            root.store(.identity, 0)
            return root.pointee.foreignChain
        }
        return root.pointee.home == 0 ? detach() : lock.withLock { _ in detach() }
    }

    /// Gives records back to the pools they came from; `pool` is the caller's own.
    func put(foreign: Record?, _ pool: inout SpanPool) {
        var chain = foreign
        while let record = chain {
            chain = record.pointee.next
            if record.pointee.home == pool.home {
                pool.put(record)
            } else if pool.home == 0 {
                putForeign(record)
            } else {
                lock.withLock { _ in putForeign(record) }
            }
        }
    }
}
