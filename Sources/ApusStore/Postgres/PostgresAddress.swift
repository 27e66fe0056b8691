#if PostgreSQL
import ApusCore

/// Where one shard is: its database, the schema that has its tables, and how it was there lately.
///
/// With ``PostgresMembers`` it is wherever the primary is.
final class PostgresAddress: Sendable {
    private let places: [PostgresPlace]
    /// The servers that have the shard, of which one takes its writes; `nil` where the URL names one server.
    let members: PostgresMembers?
    let schema: String
    let health = ServerHealth()

    /// - Parameters:
    ///   - place: The database; with `members`, on the servers that follow as well.
    ///   - schema: The schema that has the shard's tables.
    ///   - members: Who says which server is the primary.
    init(_ place: PostgresPlace, schema: String, members: PostgresMembers? = nil) {
        places = members == nil ? [place] : [place] + place.replicas
        self.members = members
        self.schema = schema
    }

    /// The shard's database, on the primary.
    var place: PostgresPlace { places[members?.index ?? 0] }
    /// The same database on each server that may answer reads: any of them may follow at some time.
    var copies: [PostgresPlace] { members == nil ? [] : places }
    /// Changes when another server becomes the primary.
    @inline(__always)
    var generation: UInt64 { members?.generation ?? 0 }

    /// Locks of this shard within its database: for making it ready, and for transactions that collide.
    var migrationLock: Int64 { Int64(bitPattern: XXHash64.hash("apus migrations \(schema)")) }
    var collisionLock: Int64 { Int64(bitPattern: XXHash64.hash("apus collisions \(schema)")) }

    /// For people: server, database and schema.
    var name: String { "\(place.name), schema \(schema)" }

    /// Makes a connection; blocks until `deadline`, in monotonic nanoseconds.
    ///
    /// - Throws: ``StoreError``.
    func connect(_ role: PostgresLink.Role, by deadline: Int64) throws -> PostgresLink {
        guard let members else {
            return try PostgresLink.connect(to: places[0], schema: schema, role: role, by: deadline)
        }
        let seat = try members.seat(by: deadline)
        do {
            let link = try PostgresLink.connect(to: places[seat.index], schema: schema, role: role, by: deadline) {
                members.generation == seat.generation
            }
            try members.check(link, seat, by: deadline)
            link.tie(to: members, seat)
            return link
        } catch {
            members.doubt(seat)
            throw error
        }
    }
}
#endif
