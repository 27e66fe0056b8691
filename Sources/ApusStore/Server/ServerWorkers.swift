import ApusCore
import ApusObserve

/// A shard's threads for one kind of work: each has a connection of its own and runs one request at a time.
///
/// A transaction that lost against others runs again until its deadline; from the third time on those wait for each other
/// instead of colliding.
final class ServerWorkers<Session: ServerSession>: Sendable {
    /// A connection that nobody needed for so long is closed.
    private static var idleNanoseconds: Int { 30_000_000_000 }
    /// From which attempt on a transaction has the other hard cases of its shard wait.
    private static var lockedAttempts: Int { 2 }

    let queue: WorkQueue
    private let work: ServerWork
    private let threadsMax: Int
    /// The database, for errors.
    private let name: String
    private let health: ServerHealth
    private let collisions: Collisions
    private let configuration: StoreConfiguration
    private let clock: any Clock
    private let statistics: ShardStatistics
    private let whenLost: @Sendable () -> Void
    private let connect: @Sendable (_ deadline: Int64) throws -> Session
    private let running = Monitor(State())

    /// The commands by which transactions that keep colliding wait for each other.
    struct Collisions: Sendable {
        let lock: String
        let unlock: String
    }

    private struct State {
        var threads = 0
        var idle = 0
        var pause = ServerPause()
    }

    init(
        _ work: ServerWork,
        queue: WorkQueue,
        threadsMax: Int,
        name: String,
        health: ServerHealth,
        collisions: Collisions,
        configuration: StoreConfiguration,
        clock: any Clock,
        statistics: ShardStatistics,
        whenLost: @escaping @Sendable () -> Void = {},
        connect: @escaping @Sendable (_ deadline: Int64) throws -> Session
    ) {
        self.work = work
        self.queue = queue
        self.threadsMax = threadsMax
        self.name = name
        self.health = health
        self.collisions = collisions
        self.configuration = configuration
        self.clock = clock
        self.statistics = statistics
        self.whenLost = whenLost
        self.connect = connect
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
            try StoreThread.start(work.isReading ? "store-read" : "store-write") { [self] in
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
        var session: Session?
        while awaitWork(&session) {
            for item in queue.take(max: 1) {
                statistics.add(.queueNanoseconds, Int(clock.now().nanoseconds - item.queuedAt))
                perform(item, &session)
                queue.finish([item])
            }
        }
        session?.close()
    }

    private func awaitWork(_ session: inout Session?) -> Bool {
        running.withLock { $0.idle += 1 }
        defer { running.withLock { $0.idle -= 1 } }
        if session != nil {
            if let isMore = queue.awaitWork(nanoseconds: Self.idleNanoseconds) { return isMore }
            session?.close()
            session = nil
        }
        return queue.awaitWork()
    }

    private func perform(_ item: WorkItem, _ session: inout Session?) {
        let started = clock.now().nanoseconds
        var attempts = 0
        var undoesStatements = false
        var isDone = false
        while true {
            do {
                let ready = try connected(&session, item)
                let outcome = attempt(item, on: ready, attempts, &undoesStatements)
                if ready.isBroken {
                    session = nil
                    whenLost()
                }
                if outcome == .again, !item.isCancelled, clock.now().nanoseconds < item.deadline {
                    attempts += 1
                    continue
                }
                if outcome == .again {
                    item.fail(StoreError(.busy, "\(name): others kept changing what was read"))
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
        on session: Session,
        _ attempts: Int,
        _ undoesStatements: inout Bool
    ) -> Outcome {
        (session.deadline, session.item) = (item.deadline, item)
        defer { (session.deadline, session.item) = (.max, nil) }
        let isLocked = work == .transactions && attempts >= Self.lockedAttempts
        do {
            if isLocked { try session.control(collisions.lock) }
        } catch {
            item.fail(error)
            session.rollback()
            return .failed
        }
        defer { if isLocked, !session.isBroken { unlock(session) } }
        session.begin(work, undoesStatements: undoesStatements)
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
    private func lost(_ item: WorkItem, _ session: Session, _ succeeded: Bool, _ attempts: Int) -> Outcome {
        if succeeded { item.fail(StoreError(.unreachable, "\(session.name): the connection was lost")) }
        return session.wasStopped || session.isUncertain || attempts > 0 ? .failed : .again
    }

    private func unlock(_ session: Session) {
        session.deadline = clock.now().nanoseconds + 1_000_000_000
        do {
            try session.control(collisions.unlock)
        } catch {
            session.close()
        }
    }

    /// The thread's connection, made anew where it was lost; a server that was just out of reach is not asked again.
    private func connected(_ session: inout Session?, _ item: WorkItem) throws -> Session {
        if let session, session.isAlive { return session }
        if session != nil { whenLost() }
        session = nil
        let now = clock.now()
        if let error = running.withLock({ $0.pause.error(at: now) }) { throw error }
        do {
            let deadline = min((now + configuration.connectDeadline).nanoseconds, item.deadline)
            let made = try connect(deadline)
            running.withLock { $0.pause.succeeded() }
            health.succeeded()
            session = made
            return made
        } catch {
            // Whoever has little time says nothing about the server.
            if clock.now().nanoseconds >= item.deadline { throw StoreError.expired(name) }
            let error = StoreError(wrapping: error, "connect")
            running.withLock { _ = $0.pause.failed(error, at: clock.now(), chance: UInt64.random(in: 0...511)) }
            health.failed(error)
            throw error
        }
    }

    private func note(_ item: WorkItem, started: Int64, isDone: Bool) {
        let now = clock.now().nanoseconds
        if now - item.queuedAt > configuration.slowAfter.nanoseconds { statistics.add(.slow) }
        if work.isReading { return statistics.add(.scans) }
        statistics.add(.commitNanoseconds, Int(now - started))
        statistics.add(isDone ? .requests : .failures)
        if isDone { statistics.add(.commits) }
        statistics.writeTimes?.record(now - item.queuedAt)
    }
}
