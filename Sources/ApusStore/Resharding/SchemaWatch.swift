import ApusCore

/// The schema of a shard has changed while its rows move: what is known of its tables is to be learnt again.
struct SchemaChanged: Error {}

/// What the schemas of shards were when a move looked at them.
//
// A program that is newer may migrate while an older one reshards: a table that is new, or one whose triggers are gone, would
// leave rows behind.
final class SchemaWatch: Sendable {
    private struct Version: Equatable {
        var tables: String
        /// Steps of the schema that were applied: they change rows too.
        var migrations: Int
    }
    private let versions = Lock<[Int: Version]>([:])

    /// Notes a shard's schema as the one that is known.
    func note(_ session: any SQLSession, of shard: Int) throws {
        let (version, _) = try Self.version(session)
        versions.withLock { $0[shard] = version }
    }

    /// Looks whether the schema is still the same, and asks for a number with the same question.
    ///
    /// - Returns: The number.
    /// - Throws: ``SchemaChanged``.
    @discardableResult
    func check(_ session: any SQLSession, of shard: Int, with number: SQL = "0") throws -> Int {
        let (version, number) = try Self.version(session, with: number)
        guard versions.withLock({ $0[shard] == version }) else { throw SchemaChanged() }
        return number
    }

    /// Whether all shards that are known have had the same steps of the schema.
    func areAlike() -> Bool { versions.withLock { Set($0.values.map(\.migrations)).count <= 1 } }

    private static func version(_ session: any SQLSession, with number: SQL = "0") throws -> (Version, number: Int) {
        var (version, found) = (Version(tables: "", migrations: 0), 0)
        let sql: SQL =
            "SELECT (\(sql: session.dialect.schemaVersion)), (SELECT count(1) FROM apus_migrations), \(sql: number)"
        try session.query(sql) { row in
            version.tables = try row.next()
            version.migrations = try row.next()
            found = try row.next()
            return false
        }
        return (version, found)
    }
}
