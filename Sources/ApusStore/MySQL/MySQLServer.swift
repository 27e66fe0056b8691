#if MySQL
import ApusRuntime

/// A shard's pools, one a loop that asked.
typealias MySQLPools = ServerPools<MySQLPool>

/// Makes what talks to one server for one shard.
struct MySQLServer {
    private let address: MySQLAddress
    private let configuration: StoreConfiguration
    private let engine: MySQLEngine
    private let statistics: ShardStatistics
    /// Told of each connection that was lost.
    private let whenLost: @Sendable () -> Void
    /// The server's own: one that takes no request to stop does not hold up those to others.
    private let stopper = ServerStopper()

    init(
        _ address: MySQLAddress,
        _ configuration: StoreConfiguration,
        _ engine: MySQLEngine,
        _ statistics: ShardStatistics,
        whenLost: @escaping @Sendable () -> Void = {}
    ) {
        self.address = address
        self.configuration = configuration
        self.engine = engine
        self.statistics = statistics
        self.whenLost = whenLost
    }

    /// Connections on loops, for statements that stand alone.
    func pools(_ work: ServerWork) -> MySQLPools {
        let share = MySQLShare(configuration.pipelines - 1)
        return MySQLPools { [self] loop in
            MySQLPool(
                address: address,
                whenLost: whenLost,
                work: work,
                loop: loop,
                configuration: configuration,
                stopper: stopper,
                share: share,
                statistics: statistics
            )
        }
    }

    /// Threads for transactions.
    func writers(_ name: String) -> ServerWorkers<MySQLSession> {
        workers(.transactions, name, waitingMax: configuration.writesWaitingMax, threads: configuration.writerThreads)
    }

    /// Threads for scans.
    func scanners(_ name: String) -> ServerWorkers<MySQLSession> {
        workers(.scans, name, waitingMax: configuration.scansWaitingMax, threads: configuration.readerThreads)
    }

    private func workers(_ work: ServerWork, _ name: String, waitingMax: Int, threads: Int)
        -> ServerWorkers<MySQLSession>
    {
        ServerWorkers(
            work,
            queue: WorkQueue(name: name, waitingMax: waitingMax, clock: engine.clock, watcher: engine.watcher),
            threadsMax: threads,
            name: address.name,
            health: address.health,
            collisions: .init(
                lock: "DO GET_LOCK('\(address.collisionLock)', 3600)",
                unlock: "DO RELEASE_LOCK('\(address.collisionLock)')"
            ),
            configuration: configuration,
            clock: engine.clock,
            statistics: statistics,
            whenLost: whenLost
        ) {
            [address, configuration, stopper, clock = engine.clock, slow = statistics.slow] deadline in
            let link = try MySQLLink.connect(
                to: address.place,
                work: work,
                bytesMax: configuration.answerBytesMax,
                by: deadline
            )
            let session = MySQLSession(link, configuration: configuration, stopper: stopper, clock: clock)
            session.slow = slow
            return session
        }
    }
}
#endif
