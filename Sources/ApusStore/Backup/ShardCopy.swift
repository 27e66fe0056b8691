import ApusCore
import ApusRuntime

/// Copies one shard, as it was at one moment, into a SQLite file.
struct ShardCopy {
    /// All tables of the store, those that are everywhere first and those that follow others last.
    let tables: [TableStatements]
    let snapshot: ShardSnapshot
    let stop: StopSign

    private var session: any SQLSession { snapshot.session }
    /// What an answer of the session may have.
    let rowsMax: Int

    /// Writes the file, which is on disk when this returns.
    ///
    /// - Parameters:
    ///   - path: A file that is not there.
    ///   - progress: Told how many rows were copied since the last time.
    /// - Returns: The steps of the schema that the rows are in, and what each table held.
    /// - Throws: ``StoreError``: `statementInvalid` for a table that is not declared, has triggers, or refers to what may be
    ///   elsewhere; `foreignKeyViolation` for rows that follow none; `valueInvalid` for a value that does not come back.
    func write(to path: String, progress: (Int) -> Void) throws -> ([BackupManifest.Step], [BackupManifest.Table]) {
        let migrations = try migrations()
        try check()
        var configuration = StoreConfiguration()
        configuration.rowsMax = .max
        let file = try SQLiteConnection(path: path, configuration: configuration, isReader: false)
        defer { file.close() }
        // A file that was begun and not ended is thrown away: one sync at the end is enough, and nothing beside it is left.
        try file.run("PRAGMA journal_mode = MEMORY")
        try file.begin()
        let copied = try tables.map { try copy($0, into: file, progress) }
        try file.commit()
        return (migrations, copied)
    }

    // MARK: Before

    private func migrations() throws -> [BackupManifest.Step] {
        snapshot.renew()
        var steps: [BackupManifest.Step] = []
        try session.query("SELECT number, name, checksum FROM apus_migrations ORDER BY number") { row in
            steps.append(BackupManifest.Step(number: try row.next(), name: try row.next(), checksum: try row.next()))
            return true
        }
        return steps
    }

    private func check() throws {
        snapshot.renew()
        let transaction = Transaction(session)
        let names = try transaction.all(session.dialect.tables, as: String.self)
        try TableCheck.checkDeclared(names, tables.map(\.table))
        try TableCheck.checkTriggers(try transaction.all(session.dialect.triggers), "copied by a backup")
        for statements in tables {
            let others: [String] = try transaction.all(session.dialect.foreignKeys(of: statements.table.name))
            try TableCheck.checkForeignKeys(of: statements.table, others, tables.map(\.table))
            guard let orphans = statements.countOrphans, let parent = statements.parent else { continue }
            snapshot.renew()
            let count: Int = try transaction.one(orphans)
            if count > 0 { throw ShardMover.orphans(count, statements, parent) }
        }
    }

    // MARK: Copying

    private func copy(
        _ statements: TableStatements,
        into file: SQLiteConnection,
        _ progress: (Int) -> Void
    ) throws -> BackupManifest.Table {
        let table = statements.table
        let columns: [String] = try Transaction(session).all(session.dialect.columns(of: table.name))
        guard !columns.isEmpty, columns.allSatisfy(Identifiers.isIdentifier) else {
            throw StoreError(.statementInvalid, "table \(table.name) has a column whose name is no plain identifier")
        }
        try file.run(Self.definition(table, columns))
        var sum = RowSum()
        var pages = Pages(statements, columns, rowsMax: rowsMax)
        while let rows = try pages.next(session, renew: snapshot.renew) {
            try stop.check()
            for row in rows {
                try Self.check(row, columns, table)
                sum.add(row)
            }
            var next = rows.makeIterator()
            do {
                _ = try file.insert(into: table.name, columns) { next.next() }
            } catch let error as StoreError where error.code == .uniqueViolation {
                throw Self.notUnique(table, "two rows have one")
            }
            progress(rows.count)
        }
        snapshot.renew()
        let count: Int = try Transaction(session).one("SELECT count(*) FROM \(identifier: table.name)")
        guard count == sum.rows else {
            throw Self.notUnique(table, "it finds \(sum.rows) of \(count) rows")
        }
        return BackupManifest.Table(name: table.name, columns: columns, sum: sum)
    }

    private static func notUnique(_ table: StoreTable, _ what: String) -> StoreError {
        StoreError(.statementInvalid, "table \(table.name): its declared primary key is not unique: \(what)")
    }

    /// Refuses what SQLite does not keep.
    private static func check(_ row: [SQLValue], _ columns: [String], _ table: StoreTable) throws {
        for (value, column) in zip(row, columns) {
            if case .real(let number) = value, number.isNaN {
                throw StoreError(.valueInvalid, "column \(table.name).\(column) holds NaN, which no backup keeps")
            }
        }
    }

    /// A table of the file: values keep the types that they come with.
    private static func definition(_ table: StoreTable, _ columns: [String]) -> String {
        func list(_ names: [String]) -> String { names.map { "\"\($0)\"" }.joined(separator: ", ") }
        let key = table.primaryKey.isEmpty ? "" : ", PRIMARY KEY (\(list(table.primaryKey)))"
        return "CREATE TABLE \"\(table.name)\" (\(list(columns))\(key))"
    }
}
