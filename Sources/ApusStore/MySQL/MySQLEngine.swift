#if MySQL
import ApusCore

/// What the shards of one store on MySQL share.
final class MySQLEngine: Sendable {
    let clock: any Clock
    let stopper = ServerStopper()
    let watcher = DeadlineWatcher()

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
    /// A server that cannot be reached does not keep the others from serving, unless it has the map.
    convenience init(_ store: Store, at location: MySQLLocation, clock: any Clock) throws {
        let engine = MySQLEngine(clock: clock)
        let addresses = try (0..<store.shards).map { MySQLAddress(try location.place(ofShard: $0, of: store)) }
        let map = try engine.prepared(addresses[0], store.configuration) {
            try ServerMap(session: $0, name: addresses[0].name).open(store)
        }
        let engines = try Self.servers(store, map, addresses.count, clock) { index in
            MySQLShard(
                addresses[index],
                store: store.name,
                index: index,
                configuration: store.configuration,
                engine: engine
            )
        }
        try self.init(map: map, engines: engines, stockClient: addresses[0].place.stockClient) {
            engine.watcher.close()
        }
    }
}
#endif
