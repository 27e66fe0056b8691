/// What one transaction changed, as a follower is told of it.
struct ChangeEntry: Sendable {
    /// The position that the transaction came to.
    let position: Int64
    /// Whether it cannot be told row by row: a follower that has yet to have it is made anew.
    let isWhole: Bool
    /// What it did to the schema, before it changed any row.
    let text: String?
    /// The rows, as the session extension writes them; empty for none.
    let changes: [UInt8]
}

/// The changes that a follower has yet to have, in table `apus_changes` of the shard itself.
enum ChangeLog {
    /// Most that is kept, in bytes; a follower that lags farther is made anew.
    static let bytesMax = 64 << 20
    /// Entries that are read at a time.
    static let entriesAtOnce = 64

    /// Keeps an entry, and lets go of those that the follower has.
    static func append(_ entry: ChangeEntry, followed: UInt64, on session: any SQLSession) throws {
        let transaction = Transaction(session)
        let isKept = !entry.isWhole && entry.changes.count <= bytesMax
        let changes: [UInt8]? = isKept ? entry.changes : nil
        let bytes = (changes?.count ?? 0) + (entry.text?.utf8.count ?? 0)
        let total: Int = try transaction.one(
            """
            INSERT INTO apus_changes (position, total, whole, text, changes)
            SELECT \(entry.position),
              \(bytes) + coalesce((SELECT total FROM apus_changes WHERE position = \(entry.position - 1)), 0),
              \(isKept ? 0 : 1), \(entry.text), \(changes) RETURNING total
            """
        )
        try transaction.execute("DELETE FROM apus_changes WHERE position <= \(Int64(clamping: followed))")
        guard Int64(clamping: followed) < entry.position - 1 else { return }
        let first: Int? = try transaction.first("SELECT total FROM apus_changes ORDER BY position LIMIT 1")
        if let first, total - first > bytesMax {
            try transaction.execute(
                """
                DELETE FROM apus_changes WHERE position < \(entry.position)
                  AND position <= (SELECT min(position) FROM apus_changes WHERE total >= \(total - bytesMax))
                """
            )
        }
    }

    /// The entries behind a position, a bounded number of them; empty at the end.
    static func read(after position: Int64, on session: any SQLSession) throws -> [ChangeEntry] {
        try Transaction(session).all(
            """
            SELECT position, whole, text, changes FROM apus_changes WHERE position > \(position)
            ORDER BY position LIMIT \(entriesAtOnce)
            """
        )
    }

    static func removeAll(on session: any SQLSession) throws {
        _ = try session.execute("DELETE FROM apus_changes")
    }
}

extension ChangeEntry: Row {
    init(from row: inout RowReader) throws {
        position = try row.next()
        isWhole = try row.next(Int.self) != 0
        text = try row.next()
        changes = try row.next([UInt8]?.self) ?? []
    }
}
