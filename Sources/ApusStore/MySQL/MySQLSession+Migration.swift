#if MySQL
import ApusCore

/// Making a shard ready.
///
/// A statement over the schema is a transaction of its own here, so a step can be left half done: by a crash, or by a
/// statement of it that fails. Table `apus_migrating` has the step's statements that are done, and the one that is
/// under way; the next run goes on there. A statement that was under way is run again: the server does each wholly or
/// not at all, and where it was done says that what it makes is there already.
extension MySQLSession: MigrationSession {
    private struct Seen: Row {
        let statement: String
        let isDone: Bool
        init(from row: inout RowReader) throws {
            statement = try row.next()
            isDone = try row.next()
        }
    }

    func checkText(of place: String) throws {
        let order: String = try Transaction(self).one(
            "SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = database()"
        )
        let wanted = MySQLDialect.order(isMariaDB: link.isMariaDB)
        guard order == wanted else {
            throw StoreError(
                .wrongShard,
                "\(place) sorts text by \(order); ALTER DATABASE \"\(link.place.database)\" CHARACTER SET utf8mb4 "
                    + "COLLATE \(wanted) while it is empty, so that every engine sorts alike"
            )
        }
    }

    func run(_ text: String) throws {
        for statement in MySQLSchema.statements(text) { try control(statement) }
    }

    /// Nothing is begun yet: a statement over the schema would end it.
    func begin() throws { begin(.statements, undoesStatements: false) }

    /// Runs a step's statements from where an earlier run came to, and leaves a transaction open in which the step can
    /// be said to be done.
    func runMigration(_ text: String) throws {
        let statements = MySQLSchema.statements(text)
        for statement in statements { try check(statement) }
        try run(
            """
            CREATE TABLE IF NOT EXISTS apus_migrating (
              position INTEGER PRIMARY KEY, statement TEXT NOT NULL, is_done INTEGER NOT NULL)
            """
        )
        let seen: [Seen] = try Transaction(self).all(
            "SELECT statement, is_done FROM apus_migrating ORDER BY position"
        )
        let marks = statements.map(Self.mark)
        guard seen.count <= marks.count, zip(seen, marks).allSatisfy({ $0.statement == $1 }) else {
            throw StoreError(
                .migrationFailed,
                "its first \(seen.count) statements were run before as other ones; put those back, or undo them by "
                    + "hand and empty the table apus_migrating"
            )
        }
        for (index, statement) in statements.enumerated() where index >= seen.count || !seen[index].isDone {
            if Self.isData(statement) {
                try runData(statement, index, marks[index])
            } else {
                try runSchema(statement, index, marks[index], wasBegun: index < seen.count)
            }
        }
        try open()
        _ = try execute("DELETE FROM apus_migrating")
    }

    /// Rows and the note that they are done are one transaction.
    private func runData(_ statement: String, _ index: Int, _ mark: String) throws {
        try open()
        do {
            try control(statement)
            _ = try execute("INSERT INTO apus_migrating (position, statement, is_done) VALUES (\(index), \(mark), 1)")
            try commit()
        } catch {
            rollback()
            throw error
        }
    }

    private func runSchema(_ statement: String, _ index: Int, _ mark: String, wasBegun: Bool) throws {
        if !wasBegun {
            _ = try execute("INSERT INTO apus_migrating (position, statement, is_done) VALUES (\(index), \(mark), 0)")
        }
        do {
            try control(statement)
        } catch let error as StoreError {
            let cause = error.cause as? MySQLError
            guard wasBegun, cause?.isAlreadyDone == true else {
                // It failed as a whole, so the next run need not wonder.
                if !isBroken { _ = try execute("DELETE FROM apus_migrating WHERE position = \(index)") }
                throw error
            }
        }
        _ = try execute("UPDATE apus_migrating SET is_done = 1 WHERE position = \(index)")
    }

    private func open() throws {
        try control("START TRANSACTION")
        isOpen = true
    }

    /// Refuses what is about the session or the transaction.
    private func check(_ statement: String) throws {
        let word = StatementText.firstWord(statement)
        guard MySQLDialect.dataWords.contains(word) || MySQLDialect.schemaWords.contains(word) else {
            throw StoreError(.statementInvalid, "a migration has statements over the schema and over data only")
        }
    }

    private static func isData(_ statement: String) -> Bool {
        MySQLDialect.dataWords.contains(StatementText.firstWord(statement))
    }

    /// What tells a statement from another one.
    private static func mark(_ statement: String) -> String { String(XXHash64.hash(statement), radix: 16) }
}
#endif
