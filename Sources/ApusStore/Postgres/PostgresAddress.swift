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

/// How long nobody tries again to connect, after it failed.
struct PostgresPause {
    static let first: Duration = .milliseconds(50)
    static let longest: Duration = .seconds(2)

    private var length = Self.first
    private var until = Instant(nanoseconds: .min)
    private var last: StoreError?

    /// Why one need not try now; `nil` where one should.
    func error(at now: Instant) -> StoreError? { now < until ? last : nil }

    /// The next pause is twice as long; by chance up to a half longer, so that many do not come at the same time.
    mutating func failed(_ error: StoreError, at now: Instant, chance: UInt64) {
        last = error
        until = now + length + length * (Double(chance % 512) / 1024)
        length = min(length * 2, Self.longest)
    }

    mutating func succeeded() { self = PostgresPause() }
}
#endif
