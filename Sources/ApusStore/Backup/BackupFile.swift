import ApusCore

/// One file of a backup, read row by row.
struct BackupFile {
    /// Some rows of a table, and where their keys lie; no places for a table that is everywhere.
    struct Batch: Sendable {
        var columns: [String]
        var rows: [[SQLValue]] = []
        var places: [KeyPlace] = []
        var bytes = 0
    }

    private let path: String
    private let shard: BackupManifest.Shard
    private let connection: SQLiteConnection

    init(_ path: String, _ shard: BackupManifest.Shard) throws {
        self.path = path
        self.shard = shard
        var configuration = StoreConfiguration()
        configuration.rowsMax = .max
        connection = try SQLiteConnection(path: path, configuration: configuration, isReader: true)
    }

    func close() { connection.close() }

    /// Hands over a table's rows, some at a time.
    ///
    /// - Throws: ``StoreError``: `corrupt` where the rows are not those that the manifest counted; what `body` throws.
    func read(
        _ statements: TableStatements,
        _ map: ShardMap,
        rows: Int,
        bytes: Int,
        _ body: (Batch) throws -> Void
    ) throws {
        guard let table = shard.tables.first(where: { $0.name == statements.table.name }) else { return }
        var sum = RowSum()
        var batch = Batch(columns: table.columns)
        let sql =
            statements.table.isReference
            ? statements.allRows(table.columns) : statements.rowsWithKeys(table.columns)
        try connection.query(sql) { row in
            let values = try table.columns.map { _ in try row.value() }
            sum.add(values)
            batch.rows.append(values)
            batch.bytes += values.reduce(0) { $0 + $1.size }
            if !statements.table.isReference { batch.places.append(try statements.place(&row, map)) }
            if batch.rows.count >= rows || batch.bytes >= bytes {
                try body(batch)
                batch = Batch(columns: table.columns)
            }
            return true
        }
        guard sum == table.rowSum else {
            throw StoreError(
                .corrupt,
                "\(path): table \(table.name) has not the rows that were copied; take another backup"
            )
        }
        if !batch.rows.isEmpty { try body(batch) }
    }
}
