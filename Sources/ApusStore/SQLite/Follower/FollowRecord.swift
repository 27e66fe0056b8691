import ApusCore

/// What a followed file, and its follower, say of themselves: a row of table `apus_follow`.
///
/// The position counts the transactions that changed something. It is changed in each of them, so it is part of what is
/// recorded, and the follower comes to it by the same transaction as to the rows.
struct FollowRecord: Sendable, Equatable {
    enum Role: String, Sendable { case primary, follower }

    var role: Role
    /// How often a follower was promoted: a file of an earlier epoch is never opened as the shard again.
    var epoch: Int
    /// Which following this is, a number by chance: 0 for none, and another one where writes went by without it.
    var lineage: Int64
    var position: Int64
    /// The follower's folder.
    var place: String

    static func newLineage() -> Int64 { .random(in: 1...(.max)) }

    /// Makes the tables: the record, and the changes that a follower has yet to have.
    static let make = """
        CREATE TABLE IF NOT EXISTS apus_follow (number INTEGER PRIMARY KEY, role TEXT NOT NULL, epoch INTEGER NOT NULL,
          lineage INTEGER NOT NULL, position INTEGER NOT NULL, place TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS apus_changes (position INTEGER PRIMARY KEY, total INTEGER NOT NULL,
          whole INTEGER NOT NULL, text TEXT, changes BLOB);
        """

    /// The record of a file; `nil` where it was never followed.
    static func read(_ session: any SQLSession) throws -> FollowRecord? {
        let transaction = Transaction(session)
        let isMade =
            try transaction.first("SELECT 1 FROM sqlite_schema WHERE name = 'apus_follow'", as: Int.self) != nil
        guard isMade else { return nil }
        return try transaction.first(
            "SELECT role, epoch, lineage, position, place FROM apus_follow WHERE number = 1",
            as: FollowRecord.self
        )
    }

    func write(_ session: any SQLSession) throws {
        _ = try session.execute(
            """
            INSERT OR REPLACE INTO apus_follow (number, role, epoch, lineage, position, place)
            VALUES (1, \(role.rawValue), \(epoch), \(lineage), \(position), \(place))
            """
        )
    }
}

extension FollowRecord: Row {
    init(from row: inout RowReader) throws {
        role = Role(rawValue: try row.next()) ?? .follower
        epoch = try row.next()
        lineage = try row.next()
        position = try row.next()
        place = try row.next()
    }
}
