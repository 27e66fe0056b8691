#if PostgreSQL
import ApusCore

/// Where one shard is: its database, the schema that has its tables, and how it was there lately.
final class PostgresAddress: Sendable {
    let place: PostgresPlace
    let schema: String
    let health = ServerHealth()

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
#endif
