#if PostgreSQL
import ApusCore

/// Where one shard is: its database, the schema that has its tables, and how it was there lately.
final class PostgresAddress: Sendable {
    let place: PostgresPlace
    let schema: String
    let health = PostgresHealth()

    init(_ place: PostgresPlace, schema: String) {
        self.place = place
        self.schema = schema
    }

    /// Locks of this shard within its database: for making it ready, and for transactions that collide.
    var migrationLock: Int64 { Int64(bitPattern: XXHash64.hash("apus migrations \(schema)")) }
    var collisionLock: Int64 { Int64(bitPattern: XXHash64.hash("apus collisions \(schema)")) }

    /// For people: server, database and schema.
    var name: String { "\(place.name), schema \(schema)" }

    /// Makes a connection; blocks until `deadline`, in monotonic nanoseconds.
    ///
    /// - Throws: ``StoreError``.
    func connect(_ role: PostgresLink.Role, by deadline: Int64) throws -> PostgresLink {
        try PostgresLink.connect(to: place, schema: schema, role: role, by: deadline)
    }
}

/// Whether a server could be reached the last time that somebody tried.
final class PostgresHealth: Sendable {
    private let problemText = Lock<String?>(nil)

    /// Why it could not, with the fix; `nil` where it could.
    var problem: String? { problemText.withLock { $0 } }

    func failed(_ error: StoreError) { problemText.withLock { $0 = error.detail } }
    func succeeded() { problemText.withLock { $0 = nil } }
}

/// Pauses between attempts to connect to a server.
typealias PostgresPause = ReconnectPause<StoreError>

extension PostgresPause {
    /// From 50 ms to 2 s.
    init() { self.init(first: .milliseconds(50), longest: .seconds(2)) }
}
#endif
