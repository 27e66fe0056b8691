#if MySQL
import ApusCore

/// One shard in one database of a MySQL server.
///
/// Statements that stand alone go out on the caller's loop. Transactions and scans have threads with a connection each, because
/// their bodies wait for every answer. Each kind of work has connections of its own, so that scans do not hold up point reads.
final class MySQLShard: ShardEngine {
    let index: Int
    let address: MySQLAddress
    let configuration: StoreConfiguration
    let statistics: ShardStatistics
    let engine: MySQLEngine
    /// What is known of the store's slots, and for how long nobody looks again whether keys have left this shard.
    let slots: ServerSlots
    let lease: ServerLease
    private let looks = SharedLook()
    weak let shards: ShardList?
    let movers: OwnTransactions<MySQLSession>
    let reads: MySQLPools
    let writes: MySQLPools
    let writers: ServerWorkers<MySQLSession>
    private let scanners: ServerWorkers<MySQLSession>

    init(
        _ address: MySQLAddress,
        store: String,
        index: Int,
        configuration: StoreConfiguration,
        engine: MySQLEngine,
        slots: ServerSlots,
        shards: ShardList?
    ) {
        self.address = address
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
        let server = MySQLServer(address, configuration, engine, statistics) { lease.forget() }
        reads = server.pools(.points)
        writes = server.pools(.statements)
        writers = server.writers("transactions of shard \(index)")
        scanners = server.scanners("reads of shard \(index)")
    }

    var localReads: Int { statistics[.pointReads] }
    var waiting: Int { writers.queue.count + writes.waiting }
    var problem: String? { address.health.problem }

    // MARK: Statements that stand alone

    func localRead(_ sql: SQL, at place: KeyPlace) throws -> LocalRead? { nil }

    func answer(to sql: SQL) async throws -> RowSource? {
        let pool = try reads.pool(of: try engine.loops.current())
        let token = token()
        let answer = try await pool.perform(sql, .read, deadline: configuration.readDeadline)
        // What is here after it was read was here when it was read.
        if token.map({ lease.stands($0, at: now()) }) != true { try await looks.run { try await look() } }
        return answer
    }

    // MARK: Transactions

    func read(deadline: Duration, _ body: @escaping @Sendable (any SQLSession) throws -> Void) async throws {
        try await perform(scanners, deadline: deadline) { [self] session in
            // In the transaction's snapshot: what is here in it, is.
            try look(session)
            try body(session)
        }
    }

    func perform(
        _ workers: ServerWorkers<MySQLSession>,
        deadline: Duration,
        _ body: @escaping @Sendable (any SQLSession) throws -> Void
    ) async throws {
        try workers.start()
        try await counted { try await workers.queue.perform(deadline: deadline, body) }
    }

    // MARK: Opening, checking, closing

    func prepare(_ migrations: [Migration], identity: String) throws {
        try engine.prepared(address, configuration) { session in
            let runner = MigrationRunner(
                session: session,
                file: address.name,
                clock: engine.clock,
                isRestoring: configuration.isRestoring
            )
            // Rows that a migration changes are changed on every shard, whatever leaves it.
            try session.setLooked(true)
            try runner.makeTables()
            try runner.claim(identity: identity, index: index)
            try ShardState.makeTables(session)
            try runner.run(migrations)
            try look(session)
        }
    }

    func snapshot(of tables: [String], at point: StillPoint) throws -> ShardSnapshot {
        let names = tables.map { "\"\($0)\"" }.joined(separator: ", ")
        let reader = try session(.scans, by: point.deadline)
        do {
            let holder = try session(.statements, by: point.deadline)
            defer { holder.close() }
            try point.begin(index)
            // Whoever has changed something has committed it then, and whoever wants to waits.
            if !tables.isEmpty { try holder.control("FLUSH TABLES \(names) WITH READ LOCK") }
            point.hold(index)
            try reader.control("START TRANSACTION WITH CONSISTENT SNAPSHOT")
            try point.arrive()
            // A holder that was lost meanwhile held nobody.
            try holder.control("DO 1")
        } catch let error as StoreError {
            reader.close()
            switch error.code {
            case .deadlineExceeded: throw StillPoint.tooLong
            case .accessRefused:
                throw StoreError(
                    .accessRefused,
                    "\(address.name): the user may not hold tables; "
                        + "GRANT RELOAD, LOCK TABLES ON *.* TO \"\(address.place.user)\"",
                    cause: error
                )
            default: throw error
            }
        } catch {
            reader.close()
            throw error
        }
        return ShardSnapshot(reader, renew: { [clock = engine.clock] in reader.allow(Self.copyPatience, clock) }) {
            reader.close()
        }
    }

    func session(_ work: ServerWork, by deadline: Instant) throws -> MySQLSession {
        let link = try MySQLLink.connect(
            to: address.place,
            work: work,
            bytesMax: configuration.answerBytesMax,
            by: deadline.nanoseconds
        )
        let session = MySQLSession(link, configuration: configuration, stopper: engine.stopper, clock: engine.clock)
        session.deadline = deadline.nanoseconds
        return session
    }

    /// Has the server check every table.
    func integrityProblems() async throws -> [String] {
        try await Answer.read(self, deadline: .seconds(3600)) { session in
            guard let session = session as? MySQLSession else { return [] }
            let tables: [String] = try Transaction(session).all(
                """
                SELECT table_name FROM information_schema.tables
                WHERE table_schema = database() AND table_type = 'BASE TABLE'
                """
            )
            return try tables.filter(Identifiers.isIdentifier).compactMap { table in
                let said = try session.ask("CHECK TABLE \"\(table)\"") ?? "no answer"
                return said == "OK" ? nil : "the table \(table): \(said); put the database back from a backup"
            }
        }
    }

    func close() async {
        writers.queue.close()
        scanners.queue.close()
        _ = try? await StoreThread.run { [self] in
            _ = writes.close(nanoseconds: 10_000_000_000)
            _ = reads.close(nanoseconds: 2_000_000_000)
            _ = writers.awaitEnd(nanoseconds: 10_000_000_000)
            _ = scanners.awaitEnd(nanoseconds: 2_000_000_000)
            movers.close()
        }
    }
}
#endif
