#if PostgreSQL
import ApusCore

@testable import ApusStore

/// A PostgreSQL database as a test sees it from outside of the store.
struct TestDatabase {
    let place: PostgresPlace

    init(_ url: String) throws { place = try PostgresLocation(url: url).places[0] }

    /// Runs statements one after the other; blocks.
    func run(_ texts: [String]) throws {
        let session = try session()
        defer { session.close() }
        for text in texts { try session.control(text) }
    }

    /// A session of its own, with no schema in particular unless one is named.
    func session(
        _ configuration: StoreConfiguration = StoreConfiguration(),
        schema: String = "public"
    ) throws -> PostgresSession {
        let deadline = SystemClock().now() + .seconds(10)
        let link = try PostgresLink.connect(to: place, schema: schema, role: .writer, by: deadline.nanoseconds)
        return PostgresSession(link, configuration: configuration, stopper: ServerStopper(), clock: SystemClock())
    }
}

/// A connection that a test holds, and what is locked by it.
//
// `@unchecked Sendable` is sound because one test uses it, one step after the other.
final class PostgresHold: @unchecked Sendable {
    private let session: PostgresSession

    init(_ url: String) throws { session = try TestDatabase(url).session() }

    /// The number of the lock that a process has while it makes a shard's schema ready.
    static func migrationLock(schema: String) -> Int64 {
        PostgresAddress(PostgresPlace(), schema: schema).migrationLock
    }

    func run(_ text: String) throws { try session.control(text) }
    func close() { session.close() }
}
#endif
