#if PostgreSQL
import ApusRuntime

/// Makes what talks to one server for one shard.
struct PostgresServer {
    private let address: PostgresAddress
    private let configuration: StoreConfiguration
    private let engine: PostgresEngine
    private let statistics: ShardStatistics
    /// The server's own: one that takes no request to stop does not hold up those to others.
    private let stopper = PostgresStopper()

    init(
        _ address: PostgresAddress,
        _ configuration: StoreConfiguration,
        _ engine: PostgresEngine,
        _ statistics: ShardStatistics
    ) {
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
                role: role,
                loop: loop,
                configuration: configuration,
                stopper: stopper,
                statistics: statistics
            )
        }
    }

    /// Threads for transactions.
    func writers(_ name: String) -> PostgresWorkers {
        workers(.writes, name, waitingMax: configuration.writesWaitingMax, threads: configuration.writerThreads)
    }

    /// Threads for scans.
    func scanners(_ name: String) -> PostgresWorkers {
        workers(.reads, name, waitingMax: configuration.scansWaitingMax, threads: configuration.readerThreads)
    }

    private func workers(_ kind: PostgresSession.Mode, _ name: String, waitingMax: Int, threads: Int)
        -> PostgresWorkers
    {
        PostgresWorkers(
            kind,
            queue: WorkQueue(name: name, waitingMax: waitingMax, clock: engine.clock, watcher: engine.watcher),
            threadsMax: threads,
            address: address,
            configuration: configuration,
            stopper: stopper,
            clock: engine.clock,
            statistics: statistics
        )
    }
}
#endif
