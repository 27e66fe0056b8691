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
        let version = try Self.version(session)
        versions.withLock { $0[shard] = version }
    }

    /// - Throws: ``SchemaChanged``.
    func check(_ session: any SQLSession, of shard: Int) throws {
        let version = try Self.version(session)
        guard versions.withLock({ $0[shard] == version }) else { throw SchemaChanged() }
    }

    /// Whether all shards that are known have had the same steps of the schema.
    func areAlike() -> Bool { versions.withLock { Set($0.values.map(\.migrations)).count <= 1 } }

    private static func version(_ session: any SQLSession) throws -> Version {
        var version = Version(tables: "", migrations: 0)
        let sql: SQL = "SELECT (\(sql: session.dialect.schemaVersion)), (SELECT count(1) FROM apus_migrations)"
        try session.query(sql) { row in
            version.tables = try row.next()
            version.migrations = try row.next()
            return false
        }
        return version
    }
}
