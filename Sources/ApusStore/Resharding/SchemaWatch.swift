import ApusCore

/// The schema of a shard has changed while its rows move: what is known of its tables is to be learnt again.
struct SchemaChanged: Error {}

/// What the schemas of shards were when a move looked at them.
//
// A program that is newer may migrate while an older one reshards: a table that is new, or one whose triggers are gone, would
// leave rows behind.
final class SchemaWatch: Sendable {
    private let versions = Lock<[Int: Int]>([:])

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

    private static func version(_ session: any SQLSession) throws -> Int {
        var version = 0
        try session.query("SELECT schema_version FROM pragma_schema_version") { row in
            version = try row.next()
            return false
        }
        return version
    }
}
