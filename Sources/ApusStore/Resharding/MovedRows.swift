import ApusCore

/// A row of a table, with the names of its columns.
struct WholeRow: Sendable {
    let entry: RowIndex.Entry
    let columns: [String]
    let values: [SQLValue]

    /// The rows that are there, table by table.
    static func read(
        _ entries: [RowIndex.Entry],
        _ tables: [TableStatements],
        _ session: any SQLSession
    ) throws -> [WholeRow] {
        var found: [WholeRow] = []
        for (number, statements) in tables.enumerated() {
            let keys = entries.filter { $0.table == number }.map(\.primaryKey)
            for some in TableStatements.pieces(keys) {
                var (columns, places): ([String], [Int]) = ([], [])
                try session.query(statements.rows(some, session.dialect)) { row in
                    if columns.isEmpty {
                        columns = row.names
                        places = try statements.places(among: columns)
                    }
                    let values = try row.values()
                    let entry = RowIndex.Entry(table: number, primaryKey: places.map { values[$0] })
                    found.append(WholeRow(entry: entry, columns: columns, values: values))
                    return true
                }
            }
        }
        return found
    }

    /// Whether a row says the same.
    ///
    /// Numbers are the same whatever type a column gives them.
    func isSame(as other: WholeRow) -> Bool {
        values.count == other.values.count
            && zip(values, other.values).allSatisfy { left, right in
                switch (left, right) {
                case (.real(let left), .real(let right)): left == right || left.isNaN && right.isNaN
                case (.integer(let whole), .real(let real)), (.real(let real), .integer(let whole)):
                    Double(whole) == real
                default: left == right
                }
            }
    }

    // MARK: On the shard that they come to

    /// Brings rows, and reads them back.
    static func bring(
        _ rows: [WholeRow],
        _ tables: [TableStatements],
        _ transaction: borrowing Transaction
    ) throws {
        for (number, statements) in tables.enumerated() {
            let ours = rows.filter { $0.entry.table == number }
            guard let columns = ours.first?.columns else { continue }
            var next = ours.makeIterator()
            do {
                _ = try transaction.session.insert(into: statements.table.name, columns) { next.next()?.values }
            } catch let error as StoreError {
                guard error.code == .uniqueViolation else { throw error }
                throw StoreError(
                    .uniqueViolation,
                    "table \(statements.table.name): a row has a unique key that a row of the target has; make it unique over all shards",
                    cause: error
                )
            }
        }
        try check(rows, tables, transaction)
    }

    /// Reads rows back, and compares.
    fileprivate static func check(
        _ rows: [WholeRow],
        _ tables: [TableStatements],
        _ transaction: borrowing Transaction
    ) throws {
        let found = try read(rows.map(\.entry), tables, transaction.session)
        let known = Dictionary(found.map { ($0.entry, $0) }) { first, _ in first }
        for row in rows {
            guard let there = known[row.entry], there.isSame(as: row) else {
                throw StoreError(
                    .corrupt,
                    "table \(tables[row.entry.table].table.name): a row is not on the target as it is on the source"
                )
            }
        }
    }

    // MARK: Away

    /// Takes rows away from the shard that they have left or never belonged to, and nothing else.
    static func takeAway(
        _ entries: [RowIndex.Entry],
        _ tables: [TableStatements],
        _ transaction: borrowing Transaction
    ) throws {
        try transaction.deferForeignKeys()
        let before = transaction.changes
        var deletes: [SQL] = []
        // What follows goes before what it follows.
        for (number, statements) in tables.enumerated().reversed() {
            let keys = entries.filter { $0.table == number }.map(\.primaryKey)
            deletes += TableStatements.pieces(keys).map { statements.delete($0, transaction.session.dialect) }
        }
        let count = try transaction.session.execute(all: deletes).reduce(0, +)
        guard transaction.changes.map({ $0 - (before ?? 0) == Int64(count) }) ?? true else {
            throw StoreError(
                .foreignKeyViolation,
                "taking a key's rows away changed other rows too: a foreign key or a trigger reaches beyond its key"
            )
        }
    }
}

/// What has become of rows between two looks at them.
struct RowChanges: Sendable {
    private(set) var gone: [RowIndex.Entry] = []
    private(set) var changed: [WholeRow] = []
    private(set) var new: [WholeRow] = []
    /// All rows of the second look.
    let entries: [RowIndex.Entry]

    init(from before: [WholeRow], to now: [WholeRow]) {
        entries = now.map(\.entry)
        var known = Dictionary(before.map { ($0.entry, $0) }) { first, _ in first }
        for row in now {
            guard let old = known.removeValue(forKey: row.entry) else {
                new.append(row)
                continue
            }
            if !row.isSame(as: old) { changed.append(row) }
        }
        gone = before.map(\.entry).filter { known[$0] != nil }
    }

    /// Whether other rows are there than before.
    var areOthers: Bool { !gone.isEmpty || !new.isEmpty }

    /// Does to the rows on the target what was done to them on the source, and reads back what has changed.
    func apply(_ tables: [TableStatements], _ transaction: borrowing Transaction) throws {
        if !gone.isEmpty { try WholeRow.takeAway(gone, tables, transaction) }
        for row in changed {
            _ = try transaction.execute(tables[row.entry.table].update(row.entry.primaryKey, row.columns, row.values))
        }
        if !changed.isEmpty { try WholeRow.check(changed, tables, transaction) }
        if !new.isEmpty { try WholeRow.bring(new, tables, transaction) }
    }
}

extension RowReader {
    /// The names of the row's columns.
    var names: [String] { (Int32(first)..<count).map(name(of:)) }

    /// All values of the row.
    mutating func values() throws -> [SQLValue] {
        rewind()
        return try (Int32(first)..<count).map { _ in try value() }
    }
}

extension Transaction {
    /// Has foreign keys looked at when the transaction ends, whatever is done in between.
    borrowing func deferForeignKeys() throws {
        // Elsewhere what is followed comes first and goes last.
        try (session as? SQLiteConnection)?.run("PRAGMA defer_foreign_keys = ON")
    }

    /// Rows changed so far on its connection, by triggers and foreign keys too; `nil` where the engine does not say.
    var changes: Int64? { (session as? SQLiteConnection)?.changes }
}
