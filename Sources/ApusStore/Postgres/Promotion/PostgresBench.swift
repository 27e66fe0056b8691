#if PostgreSQL
import ApusCore

/// The connections of one promotion, one to each server that answers, and what is done on them; all of it blocks.
///
/// Who promotes has a lock on each of the servers, as long as the connections last.
final class PostgresBench {
    /// How long a server may take to be connected to, and to answer.
    private static let askFor: Duration = .seconds(2)
    /// How long a replica may take to follow another server.
    private static let followFor: Duration = .seconds(15)
    private static let lock = Int64(bitPattern: XXHash64.hash("apus promotion"))

    private let places: [PostgresPlace]
    private let schema: String
    private let configuration: StoreConfiguration
    private let clock: any Clock
    private let stopper = ServerStopper()
    private var sessions: [PostgresSession?]
    /// Whom servers were told to follow, and by when they should.
    private var told: [Int: (leader: Int, by: Instant)] = [:]
    /// Those that do not, although they were told to.
    private var stubborn: Set<Int> = []

    init(_ places: [PostgresPlace], schema: String, _ configuration: StoreConfiguration, _ clock: any Clock) {
        self.places = places
        self.schema = schema
        self.configuration = configuration
        self.clock = clock
        sessions = places.map { _ in nil }
    }

    func close() { for session in sessions { session?.close() } }

    private func connect(_ index: Int) throws -> PostgresSession {
        let end = (clock.now() + Self.askFor).nanoseconds
        let link = try PostgresLink.connect(to: places[index], schema: schema, role: .writer, by: end)
        let session = PostgresSession(link, configuration: configuration, stopper: stopper, clock: clock)
        session.deadline = end
        return session
    }

    private func session(_ index: Int, _ time: Duration = PostgresBench.askFor) throws -> PostgresSession {
        guard let session = sessions[index] else {
            throw StoreError(.unreachable, "\(places[index].server): the connection was lost; promote again")
        }
        session.allow(time, clock)
        return session
    }

    // MARK: Asking

    /// Connects to all servers that answer, and takes the lock on each.
    ///
    /// - Throws: ``StoreError``: `busy`; `accessRefused`, which says nothing about who may be promoted.
    func claim() throws {
        for index in places.indices {
            do {
                let session = try connect(index)
                sessions[index] = session
                let got: Int = try Transaction(session).one("SELECT pg_try_advisory_lock(\(Self.lock))::int")
                guard got == 1 else {
                    throw StoreError(.busy, "another promotion is under way; wait for its end")
                }
            } catch let error as StoreError where error.code == .unreachable || error.code == .deadlineExceeded {
                sessions[index]?.close()
                sessions[index] = nil
            }
        }
    }

    /// What is known of each server now; one that has not answered once is not asked again.
    func ask(isForced: Bool) throws -> [PostgresPromotion.Server?] {
        try places.indices.map { index in
            guard sessions[index] != nil else { return nil }
            do {
                let session = try session(index)
                var server = PostgresPromotion.Server(standing: try PostgresStanding.ask(session))
                try look(session, &server)
                if stubborn.contains(index) { server.mayRepoint = false }
                if let (leader, by) = told[index], server.source != leader, clock.now() > by {
                    try doesNotFollow(index, leader, isForced: isForced)
                }
                return server
            } catch let error as StoreError where error.code == .unreachable || error.code == .deadlineExceeded {
                sessions[index]?.close()
                sessions[index] = nil
                return nil
            }
        }
    }

    private func look(_ session: PostgresSession, _ server: inout PostgresPromotion.Server) throws {
        struct Found: Row {
            let mayPromote: Int
            let isSuper: Int
            let host: String?
            let port: Int?
            init(from row: inout RowReader) throws {
                mayPromote = try row.next()
                isSuper = try row.next()
                host = try row.next()
                port = try row.next()
            }
        }
        let found: Found = try Transaction(session).one(
            """
            SELECT has_function_privilege('pg_promote(boolean, integer)', 'EXECUTE')::int, rolsuper::int,
              (SELECT sender_host FROM pg_stat_wal_receiver), (SELECT sender_port FROM pg_stat_wal_receiver)
            FROM pg_roles WHERE rolname = current_user
            """
        )
        server.mayPromote = found.mayPromote != 0
        server.mayRepoint = found.isSuper != 0
        server.source = places.firstIndex { $0.host == found.host && Int($0.port) == found.port }
    }

    private func doesNotFollow(_ index: Int, _ leader: Int, isForced: Bool) throws {
        guard isForced else {
            throw StoreError(
                .statementInvalid,
                "\(places[index].server) does not follow \(places[leader].server): look at its log, and at pg_hba.conf "
                    + "(replication) and max_wal_senders there; or add --force to leave it behind"
            )
        }
        stubborn.insert(index)
    }

    // MARK: Doing

    /// Has a server refuse the writes of everybody who does not insist, now and after a restart, and ends the connections of all who
    /// began before that.
    func fence(_ index: Int, by end: Instant) throws {
        let own = try session(index)
        try own.control("ALTER SYSTEM SET default_transaction_read_only = on")
        try own.control("SELECT pg_reload_conf()")
        let pid: Int = try Transaction(own).one("SELECT pg_backend_pid()")
        while true {
            // A new one has it once the server has read its settings again; so has every later one.
            let probe = try connect(index)
            defer { probe.close() }
            let isOn: Int = try Transaction(probe).one(
                "SELECT (current_setting('default_transaction_read_only') = 'on')::int"
            )
            if isOn == 1 { return try endOthers(probe, besides: pid, by: end) }
            guard clock.now() < end else { throw StoreError.expired(places[index].server) }
            Pause.block(.milliseconds(10))
        }
    }

    private func endOthers(_ probe: PostgresSession, besides pid: Int, by end: Instant) throws {
        while true {
            probe.allow(Self.askFor, clock)
            let left: Int = try Transaction(probe).one(
                """
                SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE backend_type = 'client backend' AND pid <> \(pid)
                  AND backend_start < (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
                """
            )
            if left == 0 { return }
            guard clock.now() < end else { throw StoreError.expired(probe.name) }
            Pause.block(.milliseconds(10))
        }
    }

    /// Takes the fence away.
    func lift(_ index: Int) {
        guard let session = try? session(index) else { return }
        try? session.control("ALTER SYSTEM RESET default_transaction_read_only")
        try? session.control("SELECT pg_reload_conf()")
    }

    /// Has a replica follow another server, without a restart.
    func follow(_ index: Int, leader: Int) throws {
        if let (known, _) = told[index], known == leader { return }
        let session = try session(index)
        let (slot, text): (String, String) = (
            try Transaction(session).one("SELECT current_setting('primary_slot_name')"),
            try Transaction(session).one("SELECT current_setting('primary_conninfo')")
        )
        let place = places[leader]
        guard let conninfo = PostgresConninfo.text(text, to: place.host, port: place.port) else {
            throw StoreError(
                .statementInvalid,
                "\(places[index].server): its primary_conninfo cannot be read; set it right"
            )
        }
        if !slot.isEmpty {
            let source = try self.session(leader)
            _ = try Transaction(source).first(
                """
                SELECT 1 FROM pg_create_physical_replication_slot(\(slot))
                WHERE NOT EXISTS (SELECT 1 FROM pg_replication_slots WHERE slot_name = \(slot))
                """,
                as: Int.self
            )
        }
        try session.control("ALTER SYSTEM SET primary_conninfo = \(PostgresConninfo.literal(conninfo))")
        try session.control("SELECT pg_reload_conf()")
        told[index] = (leader, clock.now() + Self.followFor)
    }

    /// Has a replica become the primary, once it has replayed all that it has.
    func promote(_ index: Int, by end: Instant) throws {
        // The fence of an earlier time, when it was the primary.
        lift(index)
        let seconds = max(1, Int((end - clock.now()).seconds))
        _ = try Transaction(try session(index, .seconds(seconds + 2))).one(
            "SELECT pg_promote(true, \(seconds)::int)::int",
            as: Int.self
        )
    }
}
#endif
