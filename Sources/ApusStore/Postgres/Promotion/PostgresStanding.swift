#if PostgreSQL
import ApusCore

/// What a server says of itself among those that have the same shards.
struct PostgresStanding: Row, Sendable, Equatable {
    /// The number of the cluster that all of them are copies of.
    var system: Int64
    /// When it was started, in microseconds: two names may lead to one server.
    var startedAt: Int64
    /// Whether it follows another one, so that it takes no writes.
    var isFollowing: Bool
    /// The timeline that it writes, 0 while it follows; each promotion begins another one, with a larger number.
    var timeline: Int64
    /// Whether it has the store's first shard.
    var hasShard: Bool
    /// Whether its sessions change nothing unless they say otherwise.
    var isFenced: Bool
    /// How much of the log it has, in bytes: what it has written, or what it has received, be it replayed or not.
    ///
    /// `nil` for one that follows and still reads what it had when it was started.
    var position: Int64?
    /// The largest timeline that is noted in its tables: of that promotion it has heard.
    var heard: Int64 = 0
    private var hasNotes = false

    init(
        system: Int64 = 1,
        startedAt: Int64 = 0,
        isFollowing: Bool,
        timeline: Int64 = 0,
        hasShard: Bool = true,
        isFenced: Bool = false,
        position: Int64? = nil,
        heard: Int64 = 0
    ) {
        self.system = system
        self.startedAt = startedAt
        self.isFollowing = isFollowing
        self.timeline = timeline
        self.hasShard = hasShard
        self.isFenced = isFenced
        self.position = position
        self.heard = heard
    }

    init(from row: inout RowReader) throws {
        system = try row.next()
        startedAt = try row.next()
        isFollowing = try row.next(Int.self) != 0
        timeline = try row.next()
        hasShard = try row.next(Int.self) != 0
        hasNotes = try row.next(Int.self) != 0
        isFenced = try row.next(Int.self) != 0
        position = try row.next()
    }

    /// Asks the server of a session, whose schema is the first shard's.
    ///
    /// Every user may ask. A name of a file of the log begins with the timeline, in hexadecimal digits. A server that has begun to
    /// receive has read all that it had before.
    ///
    /// - Throws: ``StoreError``.
    /// - SeeAlso: postgresql.org/docs/15/functions-admin.html, 9.27.3 and 9.27.4.
    static func ask(_ session: PostgresSession) throws -> PostgresStanding {
        var standing: PostgresStanding = try Transaction(session).one(
            """
            SELECT (SELECT system_identifier FROM pg_control_system()),
              (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint, follows::int,
              CASE WHEN follows THEN 0 ELSE \(sql: timelineNow) END,
              (to_regclass('apus_shard') IS NOT NULL)::int, (to_regclass('apus_primary') IS NOT NULL)::int,
              (current_setting('default_transaction_read_only') = 'on')::int,
              (CASE WHEN NOT follows THEN pg_current_wal_flush_lsn()
                WHEN pg_last_wal_receive_lsn() IS NOT NULL
                THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) END - '0/0'::pg_lsn)::bigint
            FROM (SELECT pg_is_in_recovery() AS follows OFFSET 0) AS state
            """
        )
        if standing.hasNotes {
            standing.heard = try Transaction(session).one("SELECT coalesce(max(timeline), 0) FROM apus_primary")
        }
        return standing
    }

    /// The timeline that a server writes, where it takes writes.
    static let timelineNow: SQL = "('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint"
}
#endif
