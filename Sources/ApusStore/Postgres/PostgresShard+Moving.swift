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
        await address.members?.freshen()
        let (asked, generation) = (now(), address.generation)
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
        // Another server's lease is none.
        guard generation == address.generation else { return }
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
        let state = try slots.learn(session, of: index)
        if session.link.isCurrent { lease.heard(state, askedAt: moment) }
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
        if session.link.isCurrent { lease.heard(state, askedAt: asked) }
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
    /// A step whose program hangs is cut off: it is put right afterwards.
    private static let idleTimeout = "30s"

    /// Connections for steps and for changes of the schema.
    static func movers(
        _ address: PostgresAddress,
        _ configuration: StoreConfiguration,
        _ engine: PostgresEngine
    ) -> OwnTransactions<PostgresSession> {
        OwnTransactions(clock: engine.clock) { deadline in
            let end = min(deadline, engine.clock.now() + configuration.connectDeadline)
            let link = try address.connect(.writer, by: end.nanoseconds)
            return PostgresSession(link, configuration: configuration, stopper: engine.stopper, clock: engine.clock)
        } begin: { session, lock in
            session.begin(.schema)
            // Together: each round trip of a step is waited for by those who write.
            var commands = [
                "SET LOCAL idle_in_transaction_session_timeout = '\(idleTimeout)'",
                "SET LOCAL lock_timeout = '\(lockTimeout)'", "SELECT set_config('apus.looked', '1', true)",
            ]
            if let lock { commands += [lock, "SET LOCAL lock_timeout = 0"] }
            _ = try session.exchange(commands)
        }
    }

    func exclusively(
        deadline: Duration,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Void
    ) async throws {
        let lock = "LOCK TABLE apus_moving IN EXCLUSIVE MODE"
        try await movers.run(within: deadline, lock: lock, mayRunAgain: false, body)
    }

    func receive(deadline: Duration, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) async throws {
        try await movers.run(within: deadline, lock: nil, mayRunAgain: true, body)
    }

    func hold(deadline: Duration, _ body: @escaping @Sendable () async throws -> Void) async throws {
        let lock = "LOCK TABLE apus_moving IN ROW SHARE MODE"
        try await movers.run(within: deadline, lock: lock, mayRunAgain: false) { _ in try Blocking.run(body) }
    }

    func define(_ texts: @escaping @Sendable (Dialect) -> [String]) async throws {
        try await movers.run(within: ShardMover.patience, lock: nil, mayRunAgain: true) { transaction in
            guard let session = transaction.session as? PostgresSession else { return }
            for text in texts(.postgres) { try session.run(text) }
        }
    }
}
#endif
