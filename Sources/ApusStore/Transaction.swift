/// One transaction on one shard, inside the closure that does its work.
///
/// Everything in the closure is committed together or not at all. The closure runs on the shard's writer thread and
/// does nothing but SQL: the next writer waits for it. It may run again when another request of its group made the
/// engine undo the whole group, so it changes nothing outside the database.
public struct Transaction: ~Copyable {
    let session: any SQLSession

    // Never inlined: the 6.3 optimiser dies on a value without copies that is made of a borrowed one.
    @inline(never)
    init(_ session: any SQLSession) { self.session = session }

    /// Runs a statement that changes something.
    ///
    /// - Returns: How many rows it inserted, changed or deleted.
    /// - Throws: ``StoreError``: a violated constraint, `statementInvalid`, `diskFull` and the like.
    @discardableResult
    public borrowing func execute(_ sql: SQL) throws -> Int { try session.execute(sql) }

    /// All rows of a query.
    ///
    /// - Throws: ``StoreError``; `tooLarge` for more rows than the configuration allows.
    public borrowing func all<T: Row>(_ sql: SQL, as type: T.Type = T.self) throws -> [T] {
        var rows: [T] = []
        try session.query(sql) { row in
            rows.append(try T(from: &row))
            return true
        }
        return rows
    }

    /// The first row of a query, or `nil` where there is none.
    ///
    /// - Throws: ``StoreError``.
    public borrowing func first<T: Row>(_ sql: SQL, as type: T.Type = T.self) throws -> T? {
        var found: T?
        try session.query(sql) { row in
            found = try T(from: &row)
            return false
        }
        return found
    }

    /// The first row of a query that always has one, such as a count.
    ///
    /// - Throws: ``StoreError``; `rowMissing` where there is none.
    public borrowing func one<T: Row>(_ sql: SQL, as type: T.Type = T.self) throws -> T {
        guard let row = try first(sql, as: type) else { throw StoreError(.rowMissing, "the query has no row") }
        return row
    }

    /// All rows of a query, read by the names of their columns.
    ///
    /// - Throws: ``StoreError``.
    @_disfavoredOverload
    public borrowing func all<T: Decodable>(_ sql: SQL, as type: T.Type = T.self) throws -> [T] {
        try all(sql, as: Named<T>.self).map(\.value)
    }

    /// The first row of a query, read by the names of its columns, or `nil`.
    ///
    /// - Throws: ``StoreError``.
    @_disfavoredOverload
    public borrowing func first<T: Decodable>(_ sql: SQL, as type: T.Type = T.self) throws -> T? {
        try first(sql, as: Named<T>.self)?.value
    }

    /// The first row of a query that always has one, read by the names of its columns.
    ///
    /// - Throws: ``StoreError``; `rowMissing` where there is none.
    @_disfavoredOverload
    public borrowing func one<T: Decodable>(_ sql: SQL, as type: T.Type = T.self) throws -> T {
        try one(sql, as: Named<T>.self).value
    }
}

/// A `Decodable` type as a row: its columns are found by name.
@usableFromInline
struct Named<Value: Decodable>: Row {
    @usableFromInline let value: Value
    @usableFromInline
    init(from row: inout RowReader) throws { value = try RowDecoder.decode(Value.self, &row) }
}

extension Named: Sendable where Value: Sendable {}
