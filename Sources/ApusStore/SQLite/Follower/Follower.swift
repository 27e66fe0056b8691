import ApusCore
import ApusObserve
import ApusRuntime
import CLinux

/// A shard's follower as one process sees it: a file that has each of the shard's transactions, a moment later or before
/// they are acknowledged.
///
/// With `sync` whoever writes to the shard brings the changes to the follower, under the shard's lock. With `async` each
/// process has a thread that does, and one of them at a time is at it. A follower that is lost is made anew by that thread.
final class Follower: Sendable {
    /// Reads that wait for it at once.
    private static let waitersMax = 4096
    /// How often the thread looks by itself, and while somebody waits, in nanoseconds.
    private static let lookNanoseconds = 500_000_000
    private static let shortLookNanoseconds = 1_000_000
    private static let log = Log("store")

    private struct Waiter {
        let demand: ReplicaDemand
        let end: Instant
        let continuation: UnsafeContinuation<Bool, Never>
    }

    private struct State {
        var isStarted = false
        var isClosed = false
        var hasEnded = false
        var isWoken = false
        var waiters: [Waiter] = []
        /// What is wrong with it, and when to make it anew.
        var problem: String?
        var pause = ReconnectPause<StoreError>(first: .milliseconds(100), longest: .seconds(30))
        var retryAt = Instant(nanoseconds: .min)
    }

    let index: Int
    let place: FollowPlace
    let path: String
    let readers: ShardReaders
    let page: CommitCounter
    private let source: String
    private let clock: any Clock
    private let lineage = Cell()
    private let writersHand: FollowerHand
    private let hand: FollowerHand
    private let state = Monitor(State())
    private let readCount = Cell()

    init(
        of source: String,
        index: Int,
        in place: FollowPlace,
        page: CommitCounter,
        configuration: StoreConfiguration,
        clock: any Clock,
        watcher: DeadlineWatcher
    ) throws {
        self.index = index
        self.place = place
        self.source = source
        self.page = page
        self.clock = clock
        path = "\(place.folder)/\(OpenStore.fileName(index))"
        writersHand = try FollowerHand(source: source, path: path, configuration: configuration, page: page)
        hand = try FollowerHand(source: source, path: path, configuration: configuration, page: page)
        readers = ShardReaders(
            path: path,
            queue: WorkQueue(
                name: "reads of the follower of shard \(index)",
                waitingMax: configuration.scansWaitingMax,
                clock: clock,
                watcher: watcher
            ),
            configuration: configuration,
            clock: clock,
            statistics: ShardStatistics(),
            copy: { page[.copy] }
        )
    }

    /// The lineage that this process writes.
    var ours: Int64 { Int64(bitPattern: apus_acquire_load(lineage.pointer)) }
    /// Reads that it has answered.
    var reads: Int { Int(apus_relaxed_load(readCount.pointer)) }
    func countRead() { apus_atomic_add(readCount.pointer, 1) }

    static func fenced(_ path: String) -> StoreError {
        StoreError(
            .wrongShard,
            "\(path) was promoted, or its follower was named or left out, since this process opened it; start it again"
        )
    }

    var status: FollowerStatus {
        let (committed, followed) = (page[.committed], page[.followed])
        return FollowerStatus(
            shard: index,
            path: path,
            isAwaited: place.mode == .sync,
            isSound: page.isFollowerSound,
            position: Int(clamping: followed),
            lag: committed > followed ? Int(clamping: committed - followed) : 0
        )
    }

    /// What is wrong with it, with what follows from that; `nil` while it is sound.
    var problem: String? {
        if page.isFollowerSound { return nil }
        let why = state.withLock { $0.problem } ?? "it is being made"
        let so =
            place.goesOnAlone
            ? "writes go on without it" : "writes are refused until it is there (lost=continue has them go on)"
        return "the follower of shard \(index), \(path): \(why); it is made anew by itself, and \(so)"
    }

    // MARK: Opening, under the shard's lock

    /// Refuses a shard whose follower knows better: it would be made anew of what is there, and what it has be lost.
    ///
    /// - Parameter record: What the shard's file says of itself; `nil` where it was never followed.
    /// - Throws: ``StoreError``: `corrupt`, `wrongShard` where a promotion was cut off.
    func refuseOlder(_ record: FollowRecord?) throws {
        guard Files.status(path)?.size ?? 0 > 0,
            let file = try? SQLiteConnection(path: path, configuration: StoreConfiguration(), isReader: true)
        else { return }
        defer { file.close() }
        guard let there = try? FollowRecord.read(file) else { return }
        if there.role == .primary {
            throw StoreError(
                .wrongShard,
                "a promotion of shard \(index) was cut off: run store promote --shard \(index) again, or move \(path) away"
            )
        }
        let isOlder = record.map { $0.lineage == there.lineage && $0.position < there.position } ?? true
        if isOlder {
            throw StoreError(
                .corrupt,
                "\(source) is older than its follower, which has \(there.position - (record?.position ?? 0)) commits more: store "
                    + "promote --shard \(index) takes those, or move \(path) away to lose them"
            )
        }
    }

    /// Has what the connection writes be recorded from now on.
    func begin(on session: SQLiteConnection, epoch: Int) throws {
        try session.run(FollowRecord.make)
        var record =
            try FollowRecord.read(session)
            ?? FollowRecord(role: .primary, epoch: epoch, lineage: 0, position: 0, place: place.folder)
        if record.lineage == 0 || record.place != place.folder {
            record.lineage = FollowRecord.newLineage()
            record.place = place.folder
            try session.begin()
            try ChangeLog.removeAll(on: session)
            try record.write(session)
            try session.commit()
            page.followerWent()
        }
        apus_release_store(lineage.pointer, UInt64(bitPattern: record.lineage))
        watch(session)
    }

    /// The same for another connection that writes.
    func watch(_ session: SQLiteConnection) {
        if session.capture == nil { session.capture = ChangeCapture(session, lineage: ours, page: page) }
    }

    /// The shard is ready: its follower is brought to where the shard is, made where a commit waits for it.
    func attach(_ session: SQLiteConnection) throws {
        page.set(.lineage, to: UInt64(bitPattern: ours))
        let position = try FollowerHand.position(session)
        if writersHand.lock.tryAcquire() {
            defer { writersHand.lock.release() }
            do {
                do {
                    let reached = try writersHand.catchUp(from: session, lineage: ours)
                    guard try writersHand.hasSchema(of: session, lineage: ours) else {
                        throw FollowerHand.NeedsCopy(reason: "its schema differs")
                    }
                    came(reached, isNew: !page.isFollowerSound)
                } catch is FollowerHand.NeedsCopy {
                    page.followerWent()
                    if place.mode == .sync { came(try writersHand.make(), isNew: true) }
                }
            } catch { went(error) }
        }
        page.set(.committed, to: UInt64(clamping: position))
        try start()
    }

    // MARK: Writing, under the shard's lock

    /// Whether the shard may be written now.
    ///
    /// - Throws: ``StoreError``: `wrongShard` where the shard was promoted, `unreachable` where a commit would wait in vain.
    func mayWrite() throws {
        guard page[.lineage] == UInt64(bitPattern: ours) else { throw Self.fenced(source) }
        guard !place.goesOnAlone, !page.isFollowerSound else { return }
        wake()
        throw StoreError(.unreachable, problem ?? "the follower of shard \(index) is not there")
    }

    /// A transaction was committed: with `sync`, it is brought to the follower now.
    ///
    /// - Returns: What those who wait are to be told; `nil` where it is where it was promised to be.
    func committed(on session: SQLiteConnection) -> StoreError? {
        guard let entry = session.capture?.last else { return nil }
        let position = UInt64(clamping: entry.position)
        guard place.mode == .sync else {
            page.set(.committed, to: position)
            wake()
            return nil
        }
        // Acknowledged is what both have, or what went on without the follower.
        defer { page.set(.committed, to: position) }
        guard page.isFollowerSound else { return refusal }
        do {
            try writersHand.lock.acquire()
            defer { writersHand.lock.release() }
            guard page.isFollowerSound else { return refusal }
            do {
                try writersHand.follow(entry, of: session, lineage: ours)
                page.set(.followed, to: position)
            } catch let need as FollowerHand.NeedsCopy {
                Self.log.info("a follower is made anew", ["shard": .int(index), "why": .string(need.reason)])
                page.followerWent()
                came(try writersHand.make(), isNew: true)
            }
            return nil
        } catch {
            went(error)
            return refusal
        }
    }

    private var refusal: StoreError? {
        if place.goesOnAlone { return nil }
        return StoreError(
            .outcomeUnknown,
            "committed to shard \(index), and not to its follower: \(problem ?? "it is lost")"
        )
    }

    // MARK: Reading

    /// Whether it shows what a read asks for.
    func meets(_ demand: ReplicaDemand) -> Bool {
        guard page.isFollowerSound else { return false }
        let committed = page[.committed]
        // In this order: what was committed by then is in it.
        let (asOf, followed) = (page[.asOf], page[.followed])
        if let after = demand.after, followed < after.number { return false }
        guard let bound = demand.staleAtMost, followed < committed else { return true }
        return clock.now().nanoseconds - Int64(clamping: asOf) <= bound.nanoseconds
    }

    /// Waits until it does, as long as the read has.
    func comes(to demand: ReplicaDemand) async -> Bool {
        if meets(demand) { return true }
        guard page.isFollowerSound, demand.wait > .zero else { return false }
        let end = clock.now() + demand.wait
        return await withUnsafeContinuation { continuation in
            let isWaiting = state.withLock { state in
                guard state.isStarted, !state.isClosed, state.waiters.count < Self.waitersMax else { return false }
                state.waiters.append(Waiter(demand: demand, end: end, continuation: continuation))
                state.isWoken = true
                return true
            }
            if isWaiting { state.signal() } else { continuation.resume(returning: false) }
        }
    }

    /// A read found it wrong.
    func failed(_ error: StoreError, copy: UInt64) {
        guard page[.copy] == copy else { return }
        went(error)
    }

    // MARK: The thread

    private func wake() {
        state.withLock { $0.isWoken = true }
        state.signal()
    }

    private func start() throws {
        let mustStart = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard mustStart else { return }
        do { try StoreThread.start("store-follow") { [self] in run() } } catch {
            state.withLock { $0.isStarted = false }
            throw error
        }
    }

    private var isBehind: Bool { page[.followed] < page[.committed] }

    private func run() {
        while true {
            let isShort = state.withLock { !$0.waiters.isEmpty } || (page.isFollowerSound && isBehind)
            let pause = isShort ? Self.shortLookNanoseconds : Self.lookNanoseconds
            let isClosed = state.wait(nanoseconds: pause) { state -> Bool? in
                if state.isClosed { return true }
                guard state.isWoken else { return nil }
                state.isWoken = false
                return false
            }
            if isClosed == true { break }
            // Whoever may not write to the shard has no business with its follower.
            if page[.lineage] == UInt64(bitPattern: ours) { work() }
            settle(isOver: false)
        }
        hand.close()
        settle(isOver: true)
        state.withLock { $0.hasEnded = true }
        state.broadcast()
    }

    private func work() {
        let isSound = page.isFollowerSound
        if isSound, !isBehind { return }
        guard isSound || clock.now() >= state.withLock({ $0.retryAt }), hand.lock.tryAcquire() else { return }
        defer { hand.lock.release() }
        do {
            if page.isFollowerSound {
                try catchUp()
            } else {
                came(try hand.make(), isNew: true)
                Self.log.info("a follower was made", ["shard": .int(index), "path": .string(path)])
            }
        } catch { went(error) }
    }

    private func catchUp() throws {
        let at = clock.now()
        let target = page[.committed]
        do {
            page.set(.followed, to: UInt64(clamping: try hand.catchUp(lineage: ours)))
        } catch let need as FollowerHand.NeedsCopy {
            Self.log.info("a follower is made anew", ["shard": .int(index), "why": .string(need.reason)])
            page.followerWent()
            came(try hand.make(), isNew: true)
        }
        if page[.followed] >= target { page.set(.asOf, to: UInt64(clamping: at.nanoseconds)) }
    }

    private func came(_ position: Int64, isNew: Bool) {
        page.set(.followed, to: UInt64(clamping: position))
        if isNew { page.followerCame() }
        state.withLock { state in
            state.problem = nil
            state.pause.succeeded()
        }
    }

    private func went(_ error: any Error) {
        page.followerWent()
        let cause = StoreError(wrapping: error, "follower")
        let now = clock.now()
        let isNews = state.withLock { state in
            defer { state.problem = cause.detail }
            state.retryAt = state.pause.failed(cause, at: now, chance: .random(in: 0...511))
            return state.problem == nil
        }
        if isNews {
            Self.log.error("a follower was lost", ["shard": .int(index), "problem": .string(problem ?? cause.detail)])
        }
        wake()
    }

    private func settle(isOver: Bool) {
        let now = clock.now()
        let done = state.withLock { state -> [(Waiter, Bool)] in
            var done: [(Waiter, Bool)] = []
            state.waiters.removeAll { waiter in
                let isMet = meets(waiter.demand)
                guard isOver || isMet || now >= waiter.end || !page.isFollowerSound else { return false }
                done.append((waiter, isMet))
                return true
            }
            return done
        }
        for (waiter, isMet) in done { waiter.continuation.resume(returning: isMet) }
    }

    /// Ends the thread and the reads; blocks, for a bounded time.
    ///
    /// - Parameter hasWriterEnded: Whether nobody writes any more.
    func close(hasWriterEnded: Bool) {
        readers.queue.close()
        state.withLock { $0.isClosed = true }
        state.broadcast()
        _ = state.wait(nanoseconds: 10_000_000_000) { $0.isStarted && !$0.hasEnded ? nil : true }
        _ = readers.awaitEnd(nanoseconds: 2_000_000_000)
        if hasWriterEnded { writersHand.close() }
    }
}
