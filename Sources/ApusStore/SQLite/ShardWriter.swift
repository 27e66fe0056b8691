import ApusCore
import ApusObserve
import CSQLite

/// The one thread that writes a shard: it takes all requests that wait, runs each so that it can be undone by itself,
/// and commits once.
///
/// No timer makes groups: while the disk syncs, the next group gathers. Requests that come while a group runs join it.
/// A request that fails undoes its own savepoint; the others are committed. Where the engine itself undoes the whole
/// transaction (disk full, a statement stopped at its deadline), the others run again, each in a transaction of its own.
///
/// Between processes the shard's lock file makes one writer at a time. It is held for one group, and the gate before
/// it keeps order: who lets go queues up behind who waits.
final class ShardWriter: Sendable {
    let queue: WorkQueue
    private let path: String
    private let configuration: StoreConfiguration
    private let clock: any Clock
    private let commits: CommitCounter
    private let statistics: ShardStatistics
    private let follower: Follower?
    private let lock: LockFile
    private let gate: LockFile
    private let running: Monitor<Phase>
    private let first = Lock<SQLiteConnection?>(nil)

    private enum Phase { case idle, running, ended }

    init(
        path: String,
        queue: WorkQueue,
        configuration: StoreConfiguration,
        clock: any Clock,
        commits: CommitCounter,
        statistics: ShardStatistics,
        follower: Follower?
    ) throws {
        self.path = path
        self.queue = queue
        self.configuration = configuration
        self.clock = clock
        self.commits = commits
        self.statistics = statistics
        self.follower = follower
        lock = try LockFile(path: path + ".lock")
        gate = try LockFile(path: path + ".gate")
        running = Monitor(.idle)
    }

    /// Starts the thread if it does not run yet.
    func start() throws {
        let mustStart = running.withLock { phase in
            guard phase == .idle else { return false }
            phase = .running
            return true
        }
        guard mustStart else { return }
        do {
            try StoreThread.start("store-write") { [self] in
                run()
                running.withLock { $0 = .ended }
                running.broadcast()
            }
        } catch {
            running.withLock { $0 = .idle }
            throw error
        }
    }

    /// Takes the connection that the shard was made ready with, to write on it when there is something to write.
    ///
    /// It is kept open from the start because the first connection of a process decides for all later ones whether the
    /// log's index can be written: one first opened while the disk is read-only could not write when the disk is not.
    func adopt(_ connection: SQLiteConnection) { first.withLock { $0 = connection } }

    /// Lets go of the adopted connection, if nothing was ever written on it.
    func disown() { first.withLock { $0 = nil } }

    /// Waits, for a bounded time, until the thread has done what was queued.
    ///
    /// Call after the queue was closed.
    func awaitEnd(nanoseconds: Int) -> Bool {
        running.wait(nanoseconds: nanoseconds) { $0 == .running ? nil : true } ?? false
    }

    // MARK: On the thread

    private func run() {
        var connection = first.withLock { first in
            defer { first = nil }
            return first
        }
        var rhythm = Rhythm()
        while true {
            rhythm.look(in: queue)
            guard queue.awaitWork() else { break }
            do {
                try gate.acquire()
                do {
                    defer { gate.release() }
                    try lock.acquire()
                }
            } catch {
                queue.failWaiting(StoreError(wrapping: error, "lock"))
                continue
            }
            var finished: [WorkItem] = []
            do {
                try mayWrite()
                let session =
                    try connection ?? SQLiteConnection(path: path, configuration: configuration, isReader: false)
                connection = session
                session.slow = statistics.slow
                follower?.watch(session)
                rhythm.begin()
                finished = try group(on: session, rhythm)
                lock.release()
                queue.finish(finished)
                rhythm.end(finished.count)
            } catch {
                lock.release()
                let error = StoreError(wrapping: error, "begin")
                // Another program writes: who waits goes on waiting, up to its own deadline.
                if error.code != .busy { queue.failWaiting(error) }
                if error.code == .inputOutput || error.code == .corrupt { connection = nil }
            }
        }
        connection?.emptyLogAtClose()
    }

    /// Whether the shard is still this process's to write.
    ///
    /// - Throws: ``StoreError``.
    private func mayWrite() throws {
        if let follower { return try follower.mayWrite() }
        if commits[.lineage] != 0 { throw Follower.fenced(path) }
    }

    /// One group: everything that waits, and what comes while it runs.
    ///
    /// - Throws: ``StoreError`` where no transaction could begin; then no request was taken.
    private func group(on session: SQLiteConnection, _ rhythm: Rhythm) throws -> [WorkItem] {
        try session.begin()
        let started = clock.now().nanoseconds
        var taken: [WorkItem] = []
        var done: [WorkItem] = []
        var alone: [WorkItem] = []
        while taken.count < configuration.groupMax {
            let more = queue.take(max: configuration.groupMax - taken.count, shares: !taken.isEmpty)
            if more.isEmpty {
                if taken.isEmpty || queue.isNextAlone || rhythm.isWhole(taken.count, in: queue) { break }
                continue
            }
            taken += more
            for (index, item) in more.enumerated() {
                statistics.add(.queueNanoseconds, Int(started - item.queuedAt))
                if runApart(item, on: session) { done.append(item) }
                if session.isIdle {
                    alone = done + more[(index + 1)...]
                    done = []
                    break
                }
            }
            if !alone.isEmpty || session.isIdle || more[0].isAlone { break }
        }
        if !session.isIdle { alone += commit(&done, on: session) }
        for item in alone where runAlone(item, on: session) { done.append(item) }
        if !done.isEmpty { commits.advance() }
        let now = clock.now().nanoseconds
        statistics.add(.commitNanoseconds, Int(now - started))
        statistics.add(.requests, done.count)
        statistics.add(.failures, taken.count - done.count)
        if let times = statistics.writeTimes {
            for item in taken { times.record(now - item.queuedAt) }
        }
        let slow = configuration.slowAfter.nanoseconds
        statistics.add(.slow, taken.reduce(0) { $0 + (now - $1.queuedAt > slow ? 1 : 0) })
        return taken
    }

    /// Commits the group; where that fails, those whose work is lost with it.
    private func commit(_ done: inout [WorkItem], on session: SQLiteConnection) -> [WorkItem] {
        if done.isEmpty {
            session.rollback()
            return []
        }
        do {
            let began = statistics.slow?.now() ?? 0
            try session.commit()
            statistics.slow?.ended("COMMIT", since: began)
            statistics.add(.commits)
        } catch {
            session.rollback()
            defer { done = [] }
            guard done.count == 1 else { return done }
            done[0].fail(error)
            return []
        }
        if let error = follower?.committed(on: session) { for item in done { item.fail(error) } }
        return []
    }

    /// Runs a request so that its failure undoes nothing but itself; false where it failed.
    private func runApart(_ item: WorkItem, on session: SQLiteConnection) -> Bool {
        session.watch.begin(deadline: item.deadline, item: item)
        defer { session.watch.end() }
        if item.isStatement { return runStatement(item, on: session) }
        do {
            try session.savepoint()
            guard item.run(on: session) else {
                if !session.isIdle { try session.rollbackSavepoint() }
                return false
            }
            guard !session.isIdle else { return false }
            try session.releaseSavepoint()
            return true
        } catch {
            item.fail(error)
            session.rollback()
            return false
        }
    }

    /// Runs a single statement, which needs no savepoint: one that fails undoes itself.
    ///
    /// Unless it says `OR FAIL`, which keeps what it had done: then the whole group is undone and its others run again.
    private func runStatement(_ item: WorkItem, on session: SQLiteConnection) -> Bool {
        let before = session.changes
        if item.run(on: session) { return !session.isIdle }
        if session.changes != before { session.rollback() }
        return false
    }

    /// Runs a request in a transaction of its own, after its group was undone.
    private func runAlone(_ item: WorkItem, on session: SQLiteConnection) -> Bool {
        session.watch.begin(deadline: item.deadline, item: item)
        defer { session.watch.end() }
        do {
            try session.begin()
            if item.run(on: session), !session.isIdle {
                session.watch.end()
                try session.commit()
                statistics.add(.commits)
                if let error = follower?.committed(on: session) { item.fail(error) }
                return true
            }
        } catch {
            item.fail(error)
        }
        session.rollback()
        return false
    }
}
