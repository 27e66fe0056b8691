#if MySQL
import ApusCore
import ApusRuntime

/// What a shard does so that its keys can leave while it serves; as the shard on PostgreSQL does it, with a row's lock in place of a
/// table's and a variable of the session in place of one of the transaction.
///
/// Triggers run for rows here, not for statements: a statement that changes nothing is not refused. Where the lease is over by then
/// it is run again.
extension MySQLShard {
    func now() -> Int64 { engine.clock.now().nanoseconds }

    // MARK: Looking

    func look() async throws {
        let pool = try reads.pool(of: try engine.loops.current())
        let asked = now()
        let deadline = configuration.readDeadline
        let state = try await slots.learn(of: index) { try await pool.perform($0, .look, deadline: deadline) }
        lease.heard(state, askedAt: asked)
    }

    /// Takes in what the shard says, in the session's transaction if it has one.
    func look(_ session: any SQLSession, behind lock: SQL = "") throws {
        let asked = now()
        lease.heard(try slots.learn(session, of: index, behind: lock), askedAt: asked)
    }

    /// Looks by the first statement of a transaction that writes: until it ends, no key leaves.
    private func lookAndHold(_ session: MySQLSession) throws {
        try session.setLooked(true)
        try look(session, behind: " LOCK IN SHARE MODE")
    }

    func holds(_ place: KeyPlace) -> Bool { slots.holds(place, on: index) }

    func home(of place: KeyPlace) throws -> (index: Int, engine: any ShardEngine) {
        guard let shards else { throw StoreError(.closed, "the store was closed") }
        let home = slots.home(of: place, not: index)
        return (home, try shards.engine(home))
    }

    /// What a call goes by that does not look; the lease goes on for those who come next, where it is half over.
    func token() -> ServerLease.Token? {
        renewSoon()
        return lease.token(at: now())
    }

    func renewSoon() {
        guard lease.isToBeRenewed(at: now()), let loop = try? engine.loops.current() else { return }
        Task(executorPreference: loop) { try? await self.look() }
    }

    // MARK: Writes

    func execute(_ sql: SQL, mayShare: Bool, at place: KeyPlace, deadline: Duration) async throws -> Int {
        let end = now() + deadline.nanoseconds
        let pool = try writes.pool(of: try engine.loops.current())
        while true {
            if !lease.isValid(at: now()), !lease.isOpen(at: now()) { try await look() }
            // Before the key is found here: what is heard later has it fail.
            let token = token()
            guard holds(place) else { throw KeyMoved() }
            let left = Duration.nanoseconds(max(0, end - now()))
            do {
                guard let token else { return try await executeLooking(sql, at: place, within: left) }
                let condition = MySQLCall.Condition(lease: lease, token: token)
                let changed = try await pool.perform(sql, .write, while: condition, deadline: left).changed
                // A row that was changed was here: else it would have been refused. Of none nobody knows.
                if changed != 0 || lease.stands(token, at: now()) { return changed }
            } catch is MySQLCall.NotSent {
                // It goes on by what is heard now.
            } catch let error as StoreError {
                guard (error.cause as? MySQLError)?.isNotLooked == true else { throw error }
                lease.refused(at: now())
            }
            guard now() < end else { throw StoreError.expired(address.name) }
        }
    }

    /// Runs a statement in a transaction that looks first.
    private func executeLooking(_ sql: SQL, at place: KeyPlace, within deadline: Duration) async throws -> Int {
        try await Answer.of { answer in
            try await perform(writers, deadline: deadline) { [self] session in
                guard let session = session as? MySQLSession else { return }
                try lookAndHold(session)
                guard holds(place) else { throw KeyMoved() }
                answer.set(try session.execute(sql))
            }
        }
    }

    func write(deadline: Duration, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) async throws {
        renewSoon()
        try await perform(writers, deadline: deadline) { [self] session in
            guard let session = session as? MySQLSession else { return }
            session.whenRefused = { [lease, engine] in lease.refused(at: engine.clock.now().nanoseconds) }
            let token = lease.token(at: now())
            if token == nil { try lookAndHold(session) } else { try session.setLooked(false) }
            try body(Transaction(session))
            // The shard was shut all the time, or nobody knows what was read and written.
            if let token, !lease.stands(token, at: now()) { try session.runAgain() }
        }
    }

    // MARK: Moving

    private static let idleSeconds = 30

    /// Connections for steps and for changes of the schema.
    static func movers(
        _ address: MySQLAddress,
        _ configuration: StoreConfiguration,
        _ engine: MySQLEngine
    ) -> OwnTransactions<MySQLSession> {
        OwnTransactions(clock: engine.clock) { deadline in
            let end = min(deadline, engine.clock.now() + configuration.connectDeadline)
            let link = try MySQLLink.connect(
                to: address.place,
                work: .statements,
                bytesMax: configuration.answerBytesMax,
                by: end.nanoseconds
            )
            let session = MySQLSession(
                link,
                configuration: configuration,
                stopper: engine.stopper,
                clock: engine.clock
            )
            session.deadline = end.nanoseconds
            // A step whose program hangs is cut off: it is put right afterwards.
            let idle = link.isMariaDB ? ", idle_transaction_timeout = \(idleSeconds)" : ""
            try session.control("SET SESSION lock_wait_timeout = 1\(idle)")
            try session.setLooked(true)
            return session
        } begin: { session, lock in
            session.begin(.statements, undoesStatements: false)
            try session.control("SET SESSION innodb_lock_wait_timeout = 1")
            try session.control("START TRANSACTION")
            session.isOpen = true
            guard let lock else { return }
            try session.control("SELECT version FROM apus_moving WHERE id = 1 \(lock)")
            // Those who had not looked end by themselves.
            try session.control("SET SESSION innodb_lock_wait_timeout = 30")
        }
    }

    func exclusively(
        deadline: Duration,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Void
    ) async throws {
        try await movers.run(within: deadline, lock: "FOR UPDATE", mayRunAgain: false, body)
    }

    func receive(deadline: Duration, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) async throws {
        try await movers.run(within: deadline, lock: nil, mayRunAgain: true, body)
    }

    func hold(deadline: Duration, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await movers.run(within: deadline, lock: "LOCK IN SHARE MODE", mayRunAgain: false) { _ in
            try Blocking.run(body)
        }
    }

    func define(_ texts: @escaping @Sendable (Dialect) -> [String]) async throws {
        // Each statement over the schema is a transaction of its own, and may be run again.
        try await movers.run(within: ShardMover.patience, lock: nil, mayRunAgain: true) { transaction in
            guard let session = transaction.session as? MySQLSession else { return }
            for text in texts(.mysql) { try session.control(text) }
        }
    }
}
#endif
