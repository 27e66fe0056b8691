#if PostgreSQL
import ApusCore
import ApusObserve

/// A shard's threads for transactions, or for scans: each has a connection of its own and runs one request at a time.
///
/// A transaction that lost against others runs again until its deadline; from the third time on those wait for each other
/// instead of colliding.
final class PostgresWorkers: Sendable {
    /// A connection that nobody needed for so long is closed.
    private static let idleNanoseconds = 30_000_000_000
    /// From which attempt on a transaction has the other hard cases of its shard wait.
    private static let lockedAttempts = 2

    let queue: WorkQueue
    private let kind: PostgresSession.Mode
    private let threadsMax: Int
    private let address: PostgresAddress
    private let configuration: StoreConfiguration
    private let stopper: PostgresStopper
    private let clock: any Clock
    private let statistics: ShardStatistics
    private let running = Monitor(State())

    private struct State {
        var threads = 0
        var idle = 0
        var pause = PostgresPause()
    }

    init(
        _ kind: PostgresSession.Mode,
        queue: WorkQueue,
        threadsMax: Int,
        address: PostgresAddress,
        configuration: StoreConfiguration,
        stopper: PostgresStopper,
        clock: any Clock,
        statistics: ShardStatistics
    ) {
        self.kind = kind
        self.queue = queue
        self.threadsMax = threadsMax
        self.address = address
        self.configuration = configuration
        self.stopper = stopper
        self.clock = clock
        self.statistics = statistics
    }

    /// Starts another thread where all are at work.
    func start() throws {
        let mustStart = running.withLock { state in
            guard state.idle <= queue.count, state.threads < threadsMax else { return false }
            state.threads += 1
            return true
        }
        guard mustStart else { return }
        do {
            try StoreThread.start(kind == .writes ? "store-write" : "store-read") { [self] in
                run()
                running.withLock { $0.threads -= 1 }
                running.broadcast()
            }
        } catch {
            let isLast = running.withLock { state in
                state.threads -= 1
                return state.threads == 0
            }
            if isLast { throw error }
        }
    }

    /// Waits, for a bounded time, until the threads have done what was queued.
    ///
    /// Call after the queue was closed.
    func awaitEnd(nanoseconds: Int) -> Bool {
        running.wait(nanoseconds: nanoseconds) { $0.threads > 0 ? nil : true } ?? false
    }

    // MARK: On a thread

    private func run() {
        var session: PostgresSession?
        while awaitWork(&session) {
            for item in queue.take(max: 1) {
                statistics.add(.queueNanoseconds, Int(clock.now().nanoseconds - item.queuedAt))
                perform(item, &session)
                queue.finish([item])
            }
        }
        session?.close()
    }

    private func awaitWork(_ session: inout PostgresSession?) -> Bool {
        running.withLock { $0.idle += 1 }
        defer { running.withLock { $0.idle -= 1 } }
        if session != nil {
            if let isMore = queue.awaitWork(nanoseconds: Self.idleNanoseconds) { return isMore }
            session?.close()
            session = nil
        }
        return queue.awaitWork()
    }

    private func perform(_ item: WorkItem, _ session: inout PostgresSession?) {
        let started = clock.now().nanoseconds
        var attempts = 0
        var undoesStatements = false
        var isDone = false
        while true {
            do {
                let ready = try connected(&session, item)
                let outcome = attempt(item, on: ready, attempts, &undoesStatements)
                if ready.isBroken { session = nil }
                if outcome == .again, !item.isCancelled, clock.now().nanoseconds < item.deadline {
                    attempts += 1
                    continue
                }
                if outcome == .again {
                    item.fail(StoreError(.busy, "\(address.name): others kept changing what was read"))
                }
                isDone = outcome == .done
            } catch {
                item.fail(StoreError(wrapping: error, "connect"))
            }
            break
        }
        note(item, started: started, isDone: isDone)
    }

    private enum Outcome { case done, failed, again }

    /// One attempt, from begin to commit.
    private func attempt(
        _ item: WorkItem,
        on session: PostgresSession,
        _ attempts: Int,
        _ undoesStatements: inout Bool
    ) -> Outcome {
        (session.deadline, session.item) = (item.deadline, item)
        defer { (session.deadline, session.item) = (.max, nil) }
        let isLocked = kind == .writes && attempts >= Self.lockedAttempts
        do {
            if isLocked { try session.control("SELECT pg_advisory_lock(\(address.collisionLock))") }
        } catch {
            item.fail(error)
            return .failed
        }
        defer { if isLocked, !session.isBroken { unlock(session) } }
        session.begin(kind, undoesStatements: undoesStatements)
        let succeeded = item.run(on: session)
        if session.isBroken { return lost(item, session, succeeded, attempts) }
        if session.mustRunAgain || session.mustUndoStatements || (succeeded && session.failure != nil) {
            if !session.mustRunAgain { undoesStatements = true }
            session.rollback()
            return .again
        }
        guard succeeded else {
            session.rollback()
            return .failed
        }
        do {
            try session.commit()
            return .done
        } catch {
            item.fail(error)
            session.rollback()
            return session.mustRunAgain ? .again : .failed
        }
    }

    /// A connection that was lost before its commit has changed nothing: once, that is nobody's business.
    private func lost(_ item: WorkItem, _ session: PostgresSession, _ succeeded: Bool, _ attempts: Int) -> Outcome {
        if succeeded { item.fail(StoreError(.unreachable, "\(session.name): the connection was lost")) }
        return session.wasStopped || attempts > 0 ? .failed : .again
    }

    private func unlock(_ session: PostgresSession) {
        session.deadline = clock.now().nanoseconds + PostgresSession.graceNanoseconds
        do {
            try session.control("SELECT pg_advisory_unlock(\(address.collisionLock))")
        } catch {
            session.close()
        }
    }

    /// The thread's connection, made anew where it was lost; a server that was just out of reach is not asked again.
    private func connected(_ session: inout PostgresSession?, _ item: WorkItem) throws -> PostgresSession {
        if let session, session.isAlive { return session }
        session = nil
        let now = clock.now()
        if let error = running.withLock({ $0.pause.error(at: now) }) { throw error }
        do {
            let deadline = min((now + configuration.connectDeadline).nanoseconds, item.deadline)
            let link = try address.connect(kind == .writes ? .transactions : .writer, by: deadline)
            running.withLock { $0.pause.succeeded() }
            address.health.succeeded()
            let made = PostgresSession(link, configuration: configuration, stopper: stopper, clock: clock)
            made.slow = statistics.slow
            session = made
            return made
        } catch {
            // Whoever has little time says nothing about the server.
            if clock.now().nanoseconds >= item.deadline { throw PostgresPool.expired(address.name) }
            let error = StoreError(wrapping: error, "connect")
            running.withLock { _ = $0.pause.failed(error, at: clock.now(), chance: UInt64.random(in: 0...511)) }
            address.health.failed(error)
            throw error
        }
    }

    private func note(_ item: WorkItem, started: Int64, isDone: Bool) {
        let now = clock.now().nanoseconds
        if now - item.queuedAt > configuration.slowAfter.nanoseconds { statistics.add(.slow) }
        guard kind == .writes else { return statistics.add(.scans) }
        statistics.add(.commitNanoseconds, Int(now - started))
        statistics.add(isDone ? .requests : .failures)
        if isDone { statistics.add(.commits) }
        statistics.writeTimes?.record(now - item.queuedAt)
    }
}
#endif
