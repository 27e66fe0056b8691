#if PostgreSQL
import ApusRuntime

/// Makes what talks to one server for one shard.
struct PostgresServer {
    private let address: PostgresAddress
    private let configuration: StoreConfiguration
    private let engine: PostgresEngine
    private let statistics: ShardStatistics
    private let guardian: CitusGuard?
    /// Told of each connection that was lost.
    private let whenLost: @Sendable () -> Void
    /// The server's own: one that takes no request to stop does not hold up those to others.
    private let stopper = ServerStopper()

    init(
        _ address: PostgresAddress,
        _ configuration: StoreConfiguration,
        _ engine: PostgresEngine,
        _ statistics: ShardStatistics,
        guardian: CitusGuard? = nil,
        whenLost: @escaping @Sendable () -> Void = {}
    ) {
        self.guardian = guardian
        self.whenLost = whenLost
        self.address = address
        self.configuration = configuration
        self.engine = engine
        self.statistics = statistics
    }

    /// Connections on loops, for statements that stand alone.
    func pools(_ role: PostgresLink.Role) -> PostgresPools {
        PostgresPools { [self] loop in
            PostgresPool(
                address: address,
                whenLost: whenLost,
                role: role,
                loop: loop,
                configuration: configuration,
                stopper: stopper,
                statistics: statistics
            )
        }
    }

    /// Threads for transactions.
    func writers(_ name: String) -> ServerWorkers<PostgresSession> {
        workers(.transactions, name, waitingMax: configuration.writesWaitingMax, threads: configuration.writerThreads)
    }

    /// Threads for scans.
    func scanners(_ name: String) -> ServerWorkers<PostgresSession> {
        workers(.scans, name, waitingMax: configuration.scansWaitingMax, threads: configuration.readerThreads)
    }

    private func workers(_ work: ServerWork, _ name: String, waitingMax: Int, threads: Int)
        -> ServerWorkers<PostgresSession>
    {
        ServerWorkers(
            work,
            queue: WorkQueue(name: name, waitingMax: waitingMax, clock: engine.clock, watcher: engine.watcher),
            threadsMax: threads,
            name: address.name,
            health: address.health,
            collisions: .init(
                lock: "SELECT pg_advisory_lock(\(address.collisionLock))",
                unlock: "SELECT pg_advisory_unlock(\(address.collisionLock))"
            ),
            configuration: configuration,
            clock: engine.clock,
            statistics: statistics,
            whenLost: whenLost
        ) {
            [address, configuration, stopper, guardian, clock = engine.clock, slow = statistics.slow] deadline in
            let link = try address.connect(work == .transactions ? .transactions : .writer, by: deadline)
            let session = PostgresSession(link, configuration: configuration, stopper: stopper, clock: clock)
            session.slow = slow
            session.guardian = guardian
            return session
        }
    }
}
#endif
