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

    /// A session of its own, with no schema in particular.
    func session(_ configuration: StoreConfiguration = StoreConfiguration()) throws -> PostgresSession {
        let deadline = SystemClock().now() + .seconds(10)
        let link = try PostgresLink.connect(to: place, schema: "public", role: .writer, by: deadline.nanoseconds)
        return PostgresSession(link, configuration: configuration, stopper: PostgresStopper(), clock: SystemClock())
    }
}
#endif
