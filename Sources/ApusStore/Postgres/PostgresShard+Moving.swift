#if PostgreSQL
import ApusCore
import ApusRuntime

/// What a shard does so that its keys can leave while it serves.
///
/// Who uses it goes by what it knows while its ``ServerLease`` lasts, and looks when that is over: reads behind the answer, or first
/// in their transaction's snapshot; transactions and statements that write before they do anything, under the lock that a step
/// needs for itself.
extension PostgresShard {
    /// Of statements that are refused: they have not looked, or the key has gone.
    static let (notLooked, keyGone) = ("AP001", "AP002")
    /// Of one that was not sent: the lease was over when its turn came.
    static let leaseOver = "AP003"

    /// The functions behind ``gate(_:)``.
    static let makeGate = """
        CREATE OR REPLACE FUNCTION apus_gate(key_slot BIGINT, key_hash BIGINT, known_plan BIGINT) RETURNS BIGINT
        LANGUAGE plpgsql AS $$
        DECLARE moving apus_moving%ROWTYPE;
        BEGIN
          LOCK TABLE apus_moving IN ROW SHARE MODE;
          SELECT * INTO STRICT moving FROM apus_moving WHERE id = 1;
          IF key_slot = moving.slot AND key_hash < moving.reached
            OR EXISTS (SELECT 1 FROM apus_left WHERE slot = key_slot AND plan > known_plan) THEN
            RAISE EXCEPTION 'the key has left this shard' USING ERRCODE = 'AP002';
          END IF;
          PERFORM set_config('apus.looked', '1', true);
          RETURN moving.is_open;
        END $$
        """

    func now() -> Int64 { engine.clock.now().nanoseconds }

    // MARK: Looking

    /// Takes in what the shard says of keys that have left it.
    func look() async throws { try await look(within: configuration.readDeadline) }

    /// The same within a time of its own.
    func look(within deadline: Duration) async throws {
        try await look(by: try reads.pool(of: try engine.loop()), within: deadline)
    }

    /// The same on connections that are there anyway.
    func look(by pool: PostgresPool, within deadline: Duration) async throws {
        let asked = now()
        let answer = try await pool.perform(ShardState.query, .look, deadline: deadline)
        guard let state = try answer.first(as: ShardState.self) else { throw nothing }
        var known = slots.departures(from: index)
        var left: [Departure] = []
        while state.departures > known {
            let more = try await pool.perform(Departure.query(behind: known), .look, deadline: deadline)
                .all(as: Departure.self)
            left += more
            guard let last = more.last, more.count == Departure.page else { break }
            known = last.number
        }
        try slots.learn(state, left, of: index)
        lease.heard(state, askedAt: asked)
    }

    /// What a call goes by that does not look; the lease goes on for those who come next, where it is half over.
    func token() -> ServerLease.Token? {
        renewSoon()
        return lease.token(at: now())
    }

    func renewSoon() {
        guard lease.isToBeRenewed(at: now()), let loop = try? engine.loop() else { return }
        Task(executorPreference: loop) { try? await self.look() }
    }

    /// Takes in what the shard says, in the session's transaction.
    func look(_ session: PostgresSession, askedAt moment: Int64) throws {
        lease.heard(try slots.learn(session, of: index), askedAt: moment)
    }

    /// Looks by the first commands of a transaction that writes: until it ends, no key leaves.
    func lookAndHold(_ session: PostgresSession) throws {
        let asked = now()
        // First, and not by a query: the transaction's snapshot is to be of after that.
        let before = ["LOCK TABLE apus_moving IN ROW SHARE MODE", "SELECT set_config('apus.looked', '1', true)"]
        guard let state = try session.exchange(before, ShardState.query)?.first(as: ShardState.self) else {
            throw nothing
        }
        try slots.learn(state, try slots.departures(state, session, of: index), of: index)
        lease.heard(state, askedAt: asked)
    }

    private var nothing: StoreError {
        StoreError(.corrupt, "\(address.name): apus_moving is empty; restore it from a backup")
    }

    /// What a statement that stands alone is sent behind: it fails where the key has left.
    func gate(_ place: KeyPlace) -> SQL {
        guard place.isKnown else { return "SELECT apus_gate(-1, 0, 0)" }
        let (slot, hash, plan) = (place.slot, ShardState.number(place.hash), slots.plan(ofSlot: place.slot))
        return "SELECT apus_gate(\(slot), \(hash), \(plan))"
    }

    func holds(_ place: KeyPlace) -> Bool { slots.holds(place, on: index) }

    func home(of place: KeyPlace) throws -> (index: Int, engine: any ShardEngine) {
        guard let shards else { throw StoreError(.closed, "the store was closed") }
        let home = slots.home(of: place, not: index)
        return (home, try shards.engine(home))
    }

    // MARK: Moving

    /// How long a step waits for those who are at work before it lets others go first.
    private static let lockTimeout = "20ms"
    private static let again: Duration = .milliseconds(10)
    /// The same for a change of a table, which nobody can use meanwhile.
    private static let againSchema: Duration = .milliseconds(250)
    /// A step whose program hangs is cut off: it is put right afterwards.
    private static let idleTimeout = "30s"

    func exclusively(
        deadline: Duration,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Void
    ) async throws {
        let lock = "LOCK TABLE apus_moving IN EXCLUSIVE MODE"
        try await byItself(deadline, lock: lock, mayRunAgain: false, body)
    }

    func receive(deadline: Duration, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) async throws {
        try await byItself(deadline, lock: nil, mayRunAgain: true, body)
    }

    func hold(deadline: Duration, _ body: @escaping @Sendable () async throws -> Void) async throws {
        let lock = "LOCK TABLE apus_moving IN ROW SHARE MODE"
        try await byItself(deadline, lock: lock, mayRunAgain: false) { _ in try Blocking.run(body) }
    }

    func define(_ texts: @escaping @Sendable (Dialect) -> [String]) async throws {
        try await byItself(ShardMover.patience, lock: nil, mayRunAgain: true) { transaction in
            guard let session = transaction.session as? PostgresSession else { return }
            for text in texts(.postgres) { try session.run(text) }
        }
    }

    /// Runs `body` in a transaction of its own, on a connection that is for that alone.
    ///
    /// A lock that is not to be had in a moment is asked for again: who waits for one has everybody else wait behind.
    private func byItself(
        _ deadline: Duration,
        lock: String?,
        mayRunAgain: Bool,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Void
    ) async throws {
        let end = engine.clock.now() + deadline
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
        let session = try mover(by: end)
        session.deadline = end.nanoseconds
        session.begin(.schema)
        var hasLock = false
        do {
            // Together: each round trip of a step is waited for by those who write.
            var before = [
                "SET LOCAL idle_in_transaction_session_timeout = '\(Self.idleTimeout)'",
                "SET LOCAL lock_timeout = '\(Self.lockTimeout)'", "SELECT set_config('apus.looked', '1', true)",
            ]
            if let lock { before += [lock, "SET LOCAL lock_timeout = 0"] }
            _ = try session.exchange(before)
            hasLock = true
            try body(Transaction(session))
            try session.commit()
            keep(session)
            return true
        } catch {
            session.rollback()
            keep(session)
            let isInTheWay = (error as? StoreError)?.code == .busy
            guard isInTheWay, !hasLock || mayRunAgain, engine.clock.now() < end else { throw error }
            return false
        }
    }

    private func mover(by deadline: Instant) throws -> PostgresSession {
        while let session = movers.withLock({ $0.popLast() }) {
            if session.isAlive { return session }
            session.close()
        }
        let connected = min(deadline, engine.clock.now() + configuration.connectDeadline)
        return try session(.writer, by: connected)
    }

    private func keep(_ session: PostgresSession) {
        let isKept = movers.withLock { movers in
            guard !session.isBroken, let count = movers?.count, count < 2 else { return false }
            movers?.append(session)
            return true
        }
        if !isKept { session.close() }
    }
}

extension Optional where Wrapped == [PostgresSession] {
    fileprivate mutating func popLast() -> PostgresSession? { self?.popLast() }
}
#endif
