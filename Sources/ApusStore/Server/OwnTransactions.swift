import ApusCore
import ApusRuntime

/// Transactions of a shard on connections that are for them alone: steps of a resharding, and changes of the schema.
final class OwnTransactions<Session: ServerSession>: Sendable {
    /// Until a lock is asked for again that was not to be had in a moment: who waits for one has everybody else wait behind.
    private static var again: Duration { .milliseconds(10) }
    /// The same for a change of a table, which nobody can use meanwhile.
    private static var againSchema: Duration { .milliseconds(250) }
    private static var keptMax: Int { 2 }

    private let clock: any Clock
    private let connect: @Sendable (_ by: Instant) throws -> Session
    private let begin: @Sendable (_ session: Session, _ lock: String?) throws -> Void
    /// Connections for the next ones; `nil` once the shard is closed.
    private let kept = Lock<[Session]?>([])

    /// - Parameters:
    ///   - clock: What deadlines go by.
    ///   - connect: Makes a connection by a moment; blocks.
    ///   - begin: Begins a transaction, with a lock if one is named, which it does not wait for for long.
    init(
        clock: any Clock,
        connect: @escaping @Sendable (_ by: Instant) throws -> Session,
        begin: @escaping @Sendable (_ session: Session, _ lock: String?) throws -> Void
    ) {
        self.clock = clock
        self.connect = connect
        self.begin = begin
    }

    /// Runs `body` in a transaction.
    ///
    /// - Parameters:
    ///   - deadline: How long it may wait and work.
    ///   - lock: What it holds.
    ///   - mayRunAgain: Whether `body` runs again where others were in its way.
    ///   - body: The work, on a thread of its own.
    /// - Throws: What `body` throws; ``StoreError``.
    func run(
        within deadline: Duration,
        lock: String?,
        mayRunAgain: Bool,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Void
    ) async throws {
        let end = clock.now() + deadline
        while true {
            let isDone = try await StoreThread.run { [self] in
                try attempt(until: end, lock: lock, mayRunAgain: mayRunAgain, body)
            }
            if isDone { return }
            try await Pause.take(mayRunAgain ? Self.againSchema : Self.again)
        }
    }

    /// False where others were in the way.
    private func attempt(
        until end: Instant,
        lock: String?,
        mayRunAgain: Bool,
        _ body: (borrowing Transaction) throws -> Void
    ) throws -> Bool {
        let session = try session(by: end)
        session.deadline = end.nanoseconds
        var hasBegun = false
        do {
            try begin(session, lock)
            hasBegun = true
            try body(Transaction(session))
            try session.commit()
            keep(session)
            return true
        } catch {
            session.rollback()
            keep(session)
            let isInTheWay = (error as? StoreError)?.code == .busy
            guard isInTheWay, !hasBegun || mayRunAgain, clock.now() < end else { throw error }
            return false
        }
    }

    private func session(by deadline: Instant) throws -> Session {
        while let session = kept.withLock({ kept in kept?.popLast() }) {
            if session.isAlive { return session }
            session.close()
        }
        return try connect(deadline)
    }

    private func keep(_ session: Session) {
        let isKept = kept.withLock { kept in
            guard !session.isBroken, let count = kept?.count, count < Self.keptMax else { return false }
            kept?.append(session)
            return true
        }
        if !isKept { session.close() }
    }

    /// Lets go of the connections.
    func close() {
        let left = kept.withLock { kept in
            defer { kept = nil }
            return kept ?? []
        }
        for session in left { session.close() }
    }
}
