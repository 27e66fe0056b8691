#if PostgreSQL
import ApusCore
import ApusRuntime

/// One shard in one schema of a PostgreSQL database.
///
/// Statements that stand alone go out on the caller's loop, many on one connection. Transactions and scans have threads
/// with a connection each, because their bodies wait for every answer.
final class PostgresShard: ShardEngine {
    let index: Int
    let address: PostgresAddress
    let configuration: StoreConfiguration
    let statistics: ShardStatistics
    let engine: PostgresEngine
    /// What is known of the store's slots, and for how long nobody looks again whether keys have left this shard.
    let slots: ServerSlots
    let lease: ServerLease
    private let looks = SharedLook()
    weak let shards: ShardList?
    /// Where Citus spreads the shard's rows over its nodes.
    private let citus: Citus?
    let movers: OwnTransactions<PostgresSession>
    let reads: PostgresPools
    private let writes: PostgresPools
    private let writers: ServerWorkers<PostgresSession>
    private let scanners: ServerWorkers<PostgresSession>
    private let replicas: PostgresReplicas?

    init(
        _ address: PostgresAddress,
        store: String,
        index: Int,
        configuration: StoreConfiguration,
        engine: PostgresEngine,
        slots: ServerSlots,
        shards: ShardList?,
        citus: Citus? = nil
    ) {
        self.address = address
        self.citus = citus
        self.slots = slots
        let lease = ServerLease(clock: engine.clock)
        self.lease = lease
        movers = Self.movers(address, configuration, engine)
        self.shards = shards
        self.index = index
        self.configuration = configuration
        self.engine = engine
        let statistics = ShardStatistics(
            store: store,
            // In a folder whose rows come here its own shards come first.
            shard: index + (configuration.filling?.first ?? 0),
            slow: SlowStatements(after: configuration.slowAfter, clock: engine.clock)
        )
        self.statistics = statistics
        let server = PostgresServer(address, configuration, engine, statistics, guardian: citus?.guardian) {
            lease.forget()
        }
        reads = server.pools(.reader)
        writes = server.pools(.writer)
        writers = server.writers("writes of shard \(index)")
        scanners = server.scanners("reads of shard \(index)")
        let followers = address.place.replicas.map { place in
            let statistics = ShardStatistics(slow: statistics.slow)
            let address = PostgresAddress(place, schema: address.schema)
            let server = PostgresServer(address, configuration, engine, statistics)
            return PostgresReplica(
                address,
                pools: server.pools(.reader),
                scanners: server.scanners("reads of a replica of shard \(index)"),
                statistics: statistics
            )
        }
        replicas = followers.isEmpty ? nil : PostgresReplicas(followers)
    }

    var localReads: Int { statistics[.pointReads] }
    var replicaReads: Int { replicas?.all.reduce(0) { $0 + $1.reads } ?? 0 }
    var waiting: Int { writers.queue.count + writes.waiting }
    var problem: String? { address.health.problem }

    /// Where the caller's statements go out.
    func loop() throws -> EventLoop { try engine.loop() }

    // MARK: Replicas

    func replicaReads(_ demand: ReplicaDemand) -> (any ShardEngine)? {
        replicas.map { PostgresReplicaReads(self, $0, demand) }
    }

    /// How much of the log is on the primary's disk: every commit that anybody was told of.
    func position() async throws -> ShardPosition {
        let loop = try engine.loop()
        let now = loop.preciseNow()
        let answer = try await reads.pool(of: loop).perform(
            "SELECT (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint",
            .read,
            deadline: configuration.readDeadline
        )
        guard let number = try answer.first(as: Int64.self) else {
            throw StoreError(.rowMissing, "\(address.name) has no position")
        }
        let position = ShardPosition(UInt64(bitPattern: number))
        replicas?.note(position, at: now)
        return position
    }

    // MARK: Statements that stand alone

    func localRead(_ sql: SQL, at place: KeyPlace) throws -> LocalRead? { nil }

    func check(_ sql: SQL, of place: KeyPlace) throws { if place.isKnown { try citus?.guardian.check(sql) } }

    func answer(to sql: SQL) async throws -> RowSource? {
        let pool = try reads.pool(of: try engine.loop())
        let token = token()
        let answer = try await pool.perform(sql, .read, deadline: configuration.readDeadline)
        // What is here after it was read was here when it was read.
        if token.map({ lease.stands($0, at: now()) }) != true { try await looks.run { try await look() } }
        return answer
    }

    func execute(_ sql: SQL, mayShare: Bool, at place: KeyPlace, deadline: Duration) async throws -> Int {
        let end = now() + deadline.nanoseconds
        let pool = try writes.pool(of: try engine.loop())
        // A node commits what comes without BEGIN at once: of several statements in one batch it would keep the first where
        // the second fails.
        let kind: PostgresCall.Kind = mayShare && citus == nil ? .sharedWrite : .write
        while true {
            if !lease.isValid(at: now()), !lease.isOpen(at: now()) {
                try await look(by: pool, within: configuration.readDeadline)
            }
            // Before the key is found here: what is heard later has it fail.
            let before: PostgresCall.Before = token().map { .lease(lease, $0) } ?? .gate(gate(place))
            guard holds(place) else { throw KeyMoved() }
            do {
                let left = Duration.nanoseconds(max(0, end - now()))
                return try await pool.perform(sql, kind, before, deadline: left).changed
            } catch let error as StoreError {
                switch (error.cause as? PostgresError)?.state {
                case Self.notLooked, Self.leaseOver:
                    guard now() < end else { throw StoreError.expired(address.name) }
                    if (error.cause as? PostgresError)?.state == Self.notLooked { lease.refused(at: now()) }
                case Self.keyGone:
                    try await look(by: pool, within: configuration.readDeadline)
                    throw KeyMoved()
                default: throw citus == nil ? error : Citus.outcome(of: error)
                }
            }
        }
    }

    // MARK: Transactions

    func read(deadline: Duration, _ body: @escaping @Sendable (any SQLSession) throws -> Void) async throws {
        try scanners.start()
        try await counted {
            try await scanners.queue.perform(deadline: deadline) { [self] session in
                // In the transaction's snapshot: what is here in it, is.
                if let session = session as? PostgresSession { try look(session, askedAt: now()) }
                try body(session)
            }
        }
    }

    func write(deadline: Duration, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) async throws {
        try writers.start()
        renewSoon()
        try await counted {
            try await writers.queue.perform(deadline: deadline) { [self] session in
                guard let session = session as? PostgresSession else { return }
                session.whenRefused = { [lease, engine] in lease.refused(at: engine.clock.now().nanoseconds) }
                let token = lease.token(at: now())
                if token == nil { try lookAndHold(session) }
                try body(Transaction(session))
                // The shard was shut all the time, or nobody knows what was read and written.
                if let token, !lease.stands(token, at: now()) { try session.runAgain() }
            }
        }
    }

    // MARK: Opening, checking, closing

    func prepare(_ migrations: [Migration], identity: String) throws {
        replicas?.belong(to: identity)
        try engine.prepared(address, configuration) { session in
            let runner = MigrationRunner(
                session: session,
                file: address.name,
                clock: engine.clock,
                isRestoring: configuration.isRestoring,
                complete: citus.map { citus in { try citus.settle(session) } }
            )
            // Rows that a migration changes are changed on every shard, whatever leaves it.
            try session.control("SET apus.looked = '1'")
            try runner.makeTables()
            try runner.claim(identity: identity, index: index)
            try makeMoving(session)
            try citus?.prepare(session)
            try runner.run(migrations)
            try look(session, askedAt: now())
        }
    }

    private func makeMoving(_ session: PostgresSession) throws {
        try ShardState.makeTables(session)
        let isThere: Int? = try Transaction(session).first(
            "SELECT 1 FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname = 'apus_gate'"
        )
        if isThere == nil { try session.control(Self.makeGate) }
    }

    func snapshot(of tables: [String], at point: StillPoint) throws -> ShardSnapshot {
        let names = tables.map { "\"\($0)\"" }.joined(separator: ", ")
        let reader = try session(.writer, by: point.deadline)
        do {
            try reader.control("SET idle_in_transaction_session_timeout = 0")
            reader.begin(.reads)
            // From before the moment: what would take rows away from under an old look, as TRUNCATE, waits until the copy is made.
            if !tables.isEmpty { try reader.control("LOCK TABLE \(names) IN ACCESS SHARE MODE") }
            let holder = try session(.transactions, by: point.deadline)
            defer { holder.close() }
            try point.begin(index)
            try hold(names, by: holder, until: point.deadline)
            point.hold(index)
            // The transaction's moment is that of its first question.
            _ = try Transaction(reader).one("SELECT 1", as: Int.self)
            try point.arrive()
            // A holder that was lost meanwhile held nobody.
            try holder.control("SELECT 1")
        } catch {
            reader.close()
            guard (error as? StoreError)?.code == .deadlineExceeded else { throw error }
            throw StillPoint.tooLong
        }
        return ShardSnapshot(reader, renew: { [clock = engine.clock] in reader.allow(Self.copyPatience, clock) }) {
            reader.close()
        }
    }

    /// Has whoever wants to change something wait; whoever has changed something has committed it then.
    private func hold(_ names: String, by holder: PostgresSession, until deadline: Instant) throws {
        if names.isEmpty { return }
        while true {
            holder.begin(.schema)
            do {
                // It excludes itself: two who hold do not meet half-way.
                return try holder.control("LOCK TABLE \(names) IN SHARE ROW EXCLUSIVE MODE")
            } catch {
                // Tables are locked one by one: a transaction that has some of them and wants the others goes first.
                guard holder.mustRunAgain, engine.clock.now() < deadline else { throw error }
                holder.rollback()
            }
        }
    }

    func session(_ role: PostgresLink.Role, by deadline: Instant) throws -> PostgresSession {
        let link = try address.connect(role, by: deadline.nanoseconds)
        let session = PostgresSession(link, configuration: configuration, stopper: engine.stopper, clock: engine.clock)
        session.deadline = deadline.nanoseconds
        return session
    }

    /// Reads every row of every table, so that the server checks its pages, and looks for indexes that are of no use.
    func integrityProblems() async throws -> [String] {
        try await Answer.read(self, deadline: .seconds(3600)) { session in
            let transaction = Transaction(session)
            let broken: [String] = try transaction.all(
                """
                SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                WHERE c.relnamespace = current_schema()::regnamespace AND NOT i.indisvalid
                """
            )
            let tables: [String] = try transaction.all(
                "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"
            )
            for table in tables { _ = try transaction.one("SELECT count(*) FROM \(identifier: table)", as: Int.self) }
            return broken.map { "the index \($0) is not valid; REINDEX it" }
        }
    }

    func close() async {
        writers.queue.close()
        scanners.queue.close()
        for replica in replicas?.all ?? [] { replica.beginClosing() }
        _ = try? await StoreThread.run { [self] in
            _ = writes.close(nanoseconds: 10_000_000_000)
            _ = reads.close(nanoseconds: 2_000_000_000)
            _ = writers.awaitEnd(nanoseconds: 10_000_000_000)
            _ = scanners.awaitEnd(nanoseconds: 2_000_000_000)
            for replica in replicas?.all ?? [] { replica.close() }
            movers.close()
        }
    }
}
#endif
