import ApusObserve

/// Inserting many rows at once.
extension Transaction {
    /// Inserts many rows in the way that costs the engine least: by COPY on PostgreSQL, and on SQLite and MySQL
    /// by a prepared INSERT of many rows at a time.
    ///
    /// ```swift
    /// try transaction.insert(products, into: "products", ["id", "name"]) { [$0.id, $0.name] }
    /// ```
    /// It is one statement: where a row is refused, none is there.
    ///
    /// - Parameters:
    ///   - items: What becomes a row each.
    ///   - table: The table's name.
    ///   - columns: The columns that get values, by name; the others get their defaults.
    ///   - values: A row's values, in the order of the columns.
    /// - Returns: How many rows were inserted.
    /// - Throws: ``StoreError``: a violated constraint, `valueInvalid` for a row with too many or too few values,
    ///   `statementInvalid` for a name that is none; what `values` throws.
    @discardableResult
    public borrowing func insert<Item>(
        _ items: some Sequence<Item>,
        into table: String,
        _ columns: [String],
        _ values: (Item) throws -> [any SQLScalar]
    ) throws -> Int {
        var rest = items.makeIterator()
        return try session.insert(into: table, columns) {
            guard let item = rest.next() else { return nil }
            return try values(item).map(\.sqlValue)
        }
    }
}

extension Store {
    /// Inserts many rows, each on the shard that its key belongs to, all shards at the same time.
    ///
    /// A transaction a shard: where one fails, others may have been committed. Within a shard all rows are there or none.
    ///
    /// - Parameters:
    ///   - items: What becomes a row each.
    ///   - table: The table's name.
    ///   - columns: The columns that get values, by name.
    ///   - deadline: How long each shard may take; the configuration's `scanDeadline` unless said.
    ///   - key: What an item belongs to.
    ///   - values: A row's values, in the order of the columns.
    /// - Returns: How many rows were inserted.
    /// - Throws: As ``Transaction/insert(_:into:_:_:)`` and ``Shard/transaction(deadline:_:)``.
    @discardableResult
    public func insert<Item: Sendable, Key: ShardKey>(
        _ items: some Sequence<Item>,
        into table: String,
        _ columns: [String],
        deadline: Duration? = nil,
        key: (Item) -> Key,
        _ values: @escaping @Sendable (Item) throws -> [any SQLScalar]
    ) async throws -> Int {
        let deadline = deadline ?? configuration.scanDeadline
        var left = try items.map { (shard: try shard(for: key($0)), item: $0) }
        var count = 0
        while !left.isEmpty {
            let groups = Dictionary(grouping: left) { $0.shard.index }.values
            left = []
            try await withThrowingTaskGroup(of: [(shard: Shard<Key>, item: Item)].self) { tasks in
                for group in groups {
                    tasks.addTask {
                        guard try await Self.insert(group, table, columns, deadline, values) else { return group }
                        return []
                    }
                }
                for try await moved in tasks { left += try moved.map { (try current().handle($0.shard), $0.item) } }
            }
            count += groups.reduce(0) { $0 + $1.count } - left.count
        }
        return count
    }

    /// Inserts rows whose keys lie on one shard; false, with nothing done, where some have moved meanwhile.
    private static func insert<Item: Sendable, Key: ShardKey>(
        _ group: [(shard: Shard<Key>, item: Item)],
        _ table: String,
        _ columns: [String],
        _ deadline: Duration,
        _ values: @escaping @Sendable (Item) throws -> [any SQLScalar]
    ) async throws -> Bool {
        guard let engine = group.first?.shard.engine else { return true }
        return try await Trace.span("store.write", kind: .client) { span in
            span.set(.dbNamespace, group[0].shard.index)
            return try await Answer.write(engine, deadline: deadline) { transaction in
                guard group.allSatisfy({ engine.holds($0.shard.place) }) else { return false }
                try transaction.insert(group.lazy.map(\.item), into: table, columns, values)
                return true
            }
        }
    }
}

/// The statements of a bulk insert.
enum BulkInsert {
    /// Values in one INSERT of many rows.
    private static let valuesMax = 1024
    /// Rows in one INSERT of many rows.
    private static let rowsMax = 64

    /// `start`, the table, its columns in brackets, `end`.
    static func columns(_ start: SQL, _ table: String, _ columns: [String], _ end: SQL) -> SQL {
        var sql = start
        sql.append("\(identifier: table) (")
        for (index, column) in columns.enumerated() {
            if index > 0 { sql.append(", ") }
            sql.append("\(identifier: column)")
        }
        sql.append(")")
        sql.append(end)
        return sql
    }

    static func check(_ row: [SQLValue], _ columns: Int) throws {
        guard row.count == columns else {
            throw StoreError(.valueInvalid, "a row of \(row.count) values for \(columns) columns")
        }
    }

    /// Inserts rows by statements of many rows, as far as there are so many, and by statements of one.
    ///
    /// So there are two statements to prepare, not one for every number of rows. A statement of many rows has at most one
    /// row more than it takes to reach `bytesMax`.
    static func run(
        on session: any SQLSession,
        _ table: String,
        _ columns: [String],
        bytesMax: Int = .max,
        _ next: () throws -> [SQLValue]?
    ) throws -> Int {
        let start = Self.columns("INSERT INTO ", table, columns, " VALUES ")
        let many = max(1, min(rowsMax, valuesMax / max(1, columns.count)))
        var rows: [[SQLValue]] = []
        var bytes = 0
        var count = 0
        while let row = try next() {
            try check(row, columns.count)
            rows.append(row)
            bytes = row.reduce(bytes) { $0 + $1.size }
            if rows.count < many, bytes < bytesMax { continue }
            count += try insert(rows, start, many, on: session)
            rows.removeAll(keepingCapacity: true)
            bytes = 0
        }
        return count + (try insert(rows, start, many, on: session))
    }

    private static func insert(_ rows: [[SQLValue]], _ start: SQL, _ many: Int, on session: any SQLSession) throws
        -> Int
    {
        if rows.count == many { return try session.execute(statement(start, rows)) }
        return try rows.reduce(0) { $0 + (try session.execute(statement(start, [$1]))) }
    }

    private static func statement(_ start: SQL, _ rows: [[SQLValue]]) -> SQL {
        var sql = start
        for (index, row) in rows.enumerated() {
            sql.append(index == 0 ? "(" : ", (")
            for (column, value) in row.enumerated() {
                if column > 0 { sql.append(", ") }
                sql.bind(value)
            }
            sql.append(")")
        }
        return sql
    }
}
