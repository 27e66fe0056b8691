#if PostgreSQL
import ApusCore
import ApusRuntime

/// What the shards of one store on PostgreSQL share.
final class PostgresEngine: Sendable {
    let clock: any Clock
    let stopper = ServerStopper()
    let watcher = DeadlineWatcher()
    let loops = ServerLoops()

    init(clock: any Clock) { self.clock = clock }

    /// The caller's loop, else one of the store's own.
    func loop() throws -> EventLoop { try loops.current() }

    /// Runs `body` on a session of the shard's schema, which is there by then, while nobody else makes it ready.
    ///
    /// Blocks.
    ///
    /// - Parameters:
    ///   - address: Where the shard is.
    ///   - configuration: How long it may take.
    ///   - check: Looks at the server before anything is made there.
    ///   - body: What is done.
    /// - Returns: What `body` returns.
    /// - Throws: ``StoreError``.
    func prepared<Value>(
        _ address: PostgresAddress,
        _ configuration: StoreConfiguration,
        check: (PostgresSession) throws -> Void = { _ in },
        _ body: (PostgresSession) throws -> Value
    ) throws -> Value {
        let now = clock.now()
        var configuration = configuration
        // What is asked of the schema is not an answer to the program.
        configuration.rowsMax = max(configuration.rowsMax, StoreConfiguration().rowsMax)
        let link = try address.connect(.writer, by: (now + configuration.connectDeadline).nanoseconds)
        let session = PostgresSession(link, configuration: configuration, stopper: stopper, clock: clock)
        defer { session.close() }
        session.deadline = (now + configuration.openDeadline).nanoseconds
        do {
            try session.control("SELECT pg_advisory_lock(\(address.migrationLock))")
        } catch let error as StoreError where error.code == .deadlineExceeded {
            throw StoreError(
                .busy,
                "\(address.name) was made ready by another process for \(configuration.openDeadline.seconds) s; "
                    + "end or continue that process"
            )
        }
        // A migration may take its time: it is the server's work, and begun again from the start it takes no less.
        session.deadline = .max
        try check(session)
        try Self.makeSchema(address, session)
        return try body(session)
    }

    /// Makes the schema unless it is there: one that an administrator made needs no right to make more.
    private static func makeSchema(_ address: PostgresAddress, _ session: PostgresSession) throws {
        let known: Int? = try Transaction(session).first(
            "SELECT 1 FROM pg_namespace WHERE nspname = \(address.schema)"
        )
        if known != nil { return }
        do {
            try session.control("CREATE SCHEMA IF NOT EXISTS \(address.schema)")
        } catch let error as StoreError where error.code == .accessRefused {
            let (user, database) = (address.place.user, address.place.database)
            throw StoreError(
                .accessRefused,
                "\(address.name): the user may not make schemas; GRANT CREATE ON DATABASE \"\(database)\" TO \"\(user)\"",
                cause: error
            )
        }
    }

    func close() async {
        watcher.close()
        await loops.close()
    }
}

extension OpenStore {
    /// Opens every shard of a store on PostgreSQL and migrates it; blocks.
    ///
    /// A server that cannot be reached does not keep the others from serving, unless it has the map. What is thrown away goes into
    /// the folder `scratch`.
    convenience init(_ store: Store, at location: PostgresLocation, scratch: String, clock: any Clock) throws {
        let engine = PostgresEngine(clock: clock)
        let citus = location.isCitus ? try Citus(store) : nil
        let members = location.servers.map {
            PostgresMembers($0, schema: "\(store.schemaName)_0", configuration: store.configuration, clock: clock)
        }
        @Sendable func address(_ index: Int) throws -> PostgresAddress {
            PostgresAddress(
                try location.place(ofShard: index, of: store.shards),
                schema: "\(store.schemaName)_\(index)",
                members: members
            )
        }
        let first = try address(0)
        let map = try engine.prepared(
            first,
            store.configuration,
            check: { if citus != nil { try Citus.checkServer($0, first.place.name) } }
        ) {
            let map = ServerMap(session: $0, name: first.place.name)
            return citus == nil ? try map.open(store) : try Citus.open(map, store)
        }
        let slots = ServerSlots(map.table, plan: map.plan)
        let shards = try ServerShards(store: store, identity: map.identity, clock: clock) { index, list in
            PostgresShard(
                index == 0 ? first : try address(index),
                store: store.name,
                index: index,
                configuration: store.configuration,
                engine: engine,
                slots: slots,
                shards: list,
                citus: citus
            )
        }.list(map.table)
        let moves = ServerMoves(
            store: store,
            map: map,
            shards: shards,
            slots: slots,
            scratch: scratch,
            clock: clock
        ) {
            [configuration = store.configuration] in
            let link = try first.connect(.writer, by: (clock.now() + configuration.connectDeadline).nanoseconds)
            return PostgresSession(link, configuration: configuration, stopper: engine.stopper, clock: clock)
        }
        self.init(
            map: map,
            shards: shards,
            resharder: Resharder(store: store, site: moves, map: map, shards: shards, clock: clock),
            questions: .cuts(moves),
            stockClient: first.place.stockClient(schema: first.schema),
            leftToDatabase: citus == nil ? nil : Citus.leftToDatabase
        ) {
            await engine.close()
            // A look that is under way ends first.
            if let members { _ = try? await StoreThread.run { members.close() } }
        }
    }
}
#endif
