/// A table's rows, some at a time, in the order of their primary keys.
struct Pages: Sendable {
    private let statements: TableStatements
    private let columns: [String]
    private let rowsMax: Int
    private var limit: Int
    private var after: [SQLValue]?
    private var isOver = false

    /// How much is read at a time: rows, and bytes about.
    private static let rowsAtFirst = 64
    private static let rowsMost = 1000
    private static let bytesMost = 4 << 20

    /// - Parameters:
    ///   - statements: The table.
    ///   - columns: What is read of each row.
    ///   - rowsMax: What an answer may have.
    init(_ statements: TableStatements, _ columns: [String], rowsMax: Int) {
        self.statements = statements
        self.columns = columns
        self.rowsMax = rowsMax
        limit = min(Self.rowsAtFirst, rowsMax)
    }

    /// The next rows; `nil` behind the last.
    mutating func next(_ session: any SQLSession, renew: () -> Void = {}) throws -> [[SQLValue]]? {
        if isOver { return nil }
        let places = try statements.table.primaryKey.map { name in
            guard let place = columns.firstIndex(of: name) else {
                throw StoreError(.statementInvalid, "table \(statements.table.name) has no column \(name)")
            }
            return place
        }
        renew()
        // One that is everywhere is small, and has no order that is declared.
        let sql =
            places.isEmpty
            ? statements.allRows(columns) : statements.rows(columns, after: after, limit: limit, session.dialect)
        var rows: [[SQLValue]] = []
        try session.query(sql) { row in
            rows.append(try row.values())
            return true
        }
        isOver = places.isEmpty || rows.count < limit
        if let last = rows.last { after = places.map { last[$0] } }
        // As many as are good to hold: a row is taken to be as large as those before.
        let bytes = max(1, rows.reduce(0) { $0 + $1.reduce(0) { $0 + $1.size } } / max(1, rows.count))
        limit = min(max(1, min(Self.bytesMost / bytes, limit * 4)), Self.rowsMost, rowsMax)
        return rows.isEmpty ? nil : rows
    }
}
