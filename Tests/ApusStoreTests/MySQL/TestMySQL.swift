#if MySQL
import ApusCore

@testable import ApusStore

/// A MySQL server as a test sees it from outside of the store.
struct TestMySQL {
    let place: MySQLPlace

    init(_ url: String) throws { place = try MySQLLocation(url: url).server }

    /// Runs commands one after the other; blocks.
    func run(_ texts: [String]) throws {
        let session = try session()
        defer { session.close() }
        for text in texts { try session.control(text) }
    }

    /// One whole number; blocks.
    func number(_ sql: SQL) throws -> Int {
        let session = try session()
        defer { session.close() }
        return try Transaction(session).one(sql)
    }

    /// A session of its own, in no database.
    func session(_ work: ServerWork = .statements) throws -> MySQLSession {
        let deadline = (SystemClock().now() + .seconds(10)).nanoseconds
        var place = place
        place.database = ""
        let link = try MySQLLink.connect(to: place, work: work, bytesMax: 1 << 26, by: deadline)
        return MySQLSession(
            link,
            configuration: StoreConfiguration(),
            stopper: ServerStopper(),
            clock: SystemClock()
        )
    }
}
#endif
