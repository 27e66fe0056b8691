import CSQLite
import Glibc

/// Records what a writer's transactions change, by SQLite's session extension.
///
/// A recording lives from a transaction's begin to its end. Behind a savepoint that was undone it holds what the rows are
/// then: it is written out from the rows themselves.
///
/// - SeeAlso: sqlite.org/sessionintro.html
final class ChangeCapture {
    private unowned let connection: SQLiteConnection
    private let lineage: Int64
    private let page: CommitCounter
    private var session: OpaquePointer?
    private var schema: Int64 = 0
    private var changes: Int64 = 0
    /// What a migration did.
    private var text: String?
    private var isWhole = false
    /// What the last transaction changed; `nil` for nothing.
    private(set) var last: ChangeEntry?

    init(_ connection: SQLiteConnection, lineage: Int64, page: CommitCounter) {
        self.connection = connection
        self.lineage = lineage
        self.page = page
    }

    deinit { forget() }

    /// A transaction has begun.
    func begin() throws {
        forget()
        last = nil
        var made: OpaquePointer?
        let code = sqlite3session_create(connection.handle, "main", &made)
        guard code == SQLITE_OK, let made else { throw connection.failure(code) }
        session = made
        sqlite3session_table_filter(
            made,
            { _, name in
                guard let name else { return 0 }
                return strcmp(name, "apus_changes") == 0 ? 0 : 1
            },
            nil
        )
        let attached = sqlite3session_attach(made, nil)
        guard attached == SQLITE_OK else { throw connection.failure(attached) }
        schema = try connection.schemaVersion()
        changes = connection.changes
    }

    /// Runs a migration's text; its rows cannot be told, its changes to the schema are told by the text.
    func run(_ migration: String, _ body: () throws -> Void) throws {
        let before = connection.changes
        try body()
        if connection.changes != before || text != nil { isWhole = true }
        text = migration
    }

    /// The transaction is about to be committed: its changes are kept with it.
    func keep() throws {
        guard let session else { return }
        defer { forget() }
        let hasNewSchema = try connection.schemaVersion() != schema
        if hasNewSchema {
            try FollowedTables.check(connection)
            // What nobody has the text of is copied.
            if text == nil { isWhole = true }
        }
        // A recording that met an error is empty too: then rows have changed nevertheless.
        if sqlite3session_isempty(session) != 0, !hasNewSchema, connection.changes == changes { return }
        let position: Int64? = try Transaction(connection).first(
            "UPDATE apus_follow SET position = position + 1 WHERE number = 1 AND lineage = \(lineage) RETURNING position"
        )
        guard let position else { throw Follower.fenced(connection.path) }
        // What could not be recorded is copied.
        let rows: [UInt8]? = isWhole ? nil : try? written(session)
        let entry = ChangeEntry(
            position: position,
            isWhole: rows == nil,
            text: rows == nil ? nil : text,
            changes: rows ?? []
        )
        try ChangeLog.append(entry, followed: page[.followed], on: connection)
        last = entry
    }

    private func written(_ session: OpaquePointer) throws -> [UInt8] {
        var count: Int32 = 0
        var bytes: UnsafeMutableRawPointer?
        let code = sqlite3session_changeset(session, &count, &bytes)
        defer { sqlite3_free(bytes) }
        guard code == SQLITE_OK else { throw connection.failure(code) }
        return Array(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
    }

    /// The transaction has ended.
    func forget() {
        if let session { sqlite3session_delete(session) }
        session = nil
        text = nil
        isWhole = false
    }
}
