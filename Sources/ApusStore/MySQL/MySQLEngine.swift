#if MySQL
import ApusCore

/// What the shards of one store on MySQL share.
final class MySQLEngine: Sendable {
    let clock: any Clock
    let stopper = ServerStopper()
    let watcher = DeadlineWatcher()
    let loops = ServerLoops()

    init(clock: any Clock) { self.clock = clock }

    /// Runs `body` on a session of the shard's database, which is there by then, while nobody else makes it ready.
    ///
    /// Blocks.
    ///
    /// - Throws: ``StoreError``.
    func prepared<Value>(
        _ address: MySQLAddress,
        _ configuration: StoreConfiguration,
        _ body: (MySQLSession) throws -> Value
    ) throws -> Value {
        let now = clock.now()
        var place = address.place
        place.database = ""
        let link = try MySQLLink.connect(
            to: place,
            work: .statements,
            bytesMax: configuration.answerBytesMax,
            by: (now + configuration.connectDeadline).nanoseconds
        )
        let session = MySQLSession(link, configuration: configuration, stopper: stopper, clock: clock)
        defer { session.close() }
        let seconds = Int(configuration.openDeadline.seconds.rounded(.up))
        let got: Int? = try Transaction(session).one("SELECT GET_LOCK(\(address.migrationLock), \(seconds))")
        guard got == 1 else {
            throw StoreError(
                .busy,
                "\(address.name) was made ready by another process for \(configuration.openDeadline.seconds) s; "
                    + "end or continue that process"
            )
        }
        try Self.makeDatabase(address, session)
        return try body(session)
    }

    /// Makes the database unless it is there: one that an administrator made needs no right to make more.
    private static func makeDatabase(_ address: MySQLAddress, _ session: MySQLSession) throws {
        let (user, database) = (address.place.user, address.place.database)
        let known: Int? = try Transaction(session).first(
            "SELECT 1 FROM information_schema.schemata WHERE schema_name = \(database)"
        )
        do {
            if known == nil {
                let order = MySQLDialect.order(isMariaDB: session.link.isMariaDB)
                try session.control(
                    "CREATE DATABASE IF NOT EXISTS \"\(database)\" CHARACTER SET utf8mb4 COLLATE \(order)"
                )
            }
            try session.control("USE \"\(database)\"")
        } catch let error as StoreError where error.code == .accessRefused {
            throw StoreError(
                .accessRefused,
                "\(address.name): the user may not make or use it; GRANT ALL ON \"\(database)\".* TO \"\(user)\"",
                cause: error
            )
        }
    }
}

extension OpenStore {
    /// Opens every shard of a store on MySQL and migrates it; blocks.
    ///
    /// A server that cannot be reached does not keep the others from serving, unless it has the map. What is thrown away goes into
    /// the folder `scratch`.
    convenience init(_ store: Store, at location: MySQLLocation, scratch: String, clock: any Clock) throws {
        let engine = MySQLEngine(clock: clock)
        let first = MySQLAddress(try location.place(ofShard: 0, of: store))
        let map = try engine.prepared(first, store.configuration) {
            try ServerMap(session: $0, name: first.name).open(store)
        }
        let slots = ServerSlots(map.table, plan: map.plan)
        let shards = try ServerShards(store: store, identity: map.identity, clock: clock) { index, list in
            MySQLShard(
                index == 0 ? first : MySQLAddress(try location.place(ofShard: index, of: store)),
                store: store.name,
                index: index,
                configuration: store.configuration,
                engine: engine,
                slots: slots,
                shards: list
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
            let link = try MySQLLink.connect(
                to: first.place,
                work: .statements,
                bytesMax: configuration.answerBytesMax,
                by: (clock.now() + configuration.connectDeadline).nanoseconds
            )
            return MySQLSession(link, configuration: configuration, stopper: engine.stopper, clock: clock)
        }
        self.init(
            map: map,
            shards: shards,
            resharder: Resharder(store: store, site: moves, map: map, shards: shards, clock: clock),
            questions: .cuts(moves),
            stockClient: first.place.stockClient
        ) {
            engine.watcher.close()
            await engine.loops.close()
        }
    }
}
#endif
