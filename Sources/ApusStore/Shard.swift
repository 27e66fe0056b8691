import ApusObserve

/// One shard, reached by a key: everything asked here is asked of one database.
///
/// The key's type stands in the handle's type, so a function that works on a customer's rows says so:
/// `func place(_ order: Order, on shard: Shard<CustomerKey>)`.
public struct Shard<Key: ShardKey>: Sendable {
    /// The shard's number, from 0.
    public let index: Int
    @usableFromInline let engine: any ShardEngine

    @inlinable @inline(__always)
    init(index: Int, engine: any ShardEngine) {
        self.index = index
        self.engine = engine
    }

    // MARK: Writes

    /// Runs `body` in a transaction that is on disk when this returns.
    ///
    /// Requests that wait at the same time share one sync of the disk; each succeeds or fails on its own.
    ///
    /// - Parameters:
    ///   - deadline: How long it may wait and work; the configuration's `writeDeadline` unless said.
    ///   - body: Only SQL; it runs on the shard's writer thread and may run again. See ``Transaction``.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws, with nothing changed; or ``StoreError``: `overloaded`, `busy`,
    ///   `deadlineExceeded`, `cancelled`, `diskFull`, `readOnly`, and `outcomeUnknown` where the disk hangs.
    public func transaction<T: Sendable>(
        deadline: Duration? = nil,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> T
    ) async throws -> T {
        try await Trace.span("store.write", kind: .client) { span in
            span.set(.dbNamespace, index)
            return try await Answer.write(engine, deadline: deadline, body)
        }
    }

    /// Runs one statement that changes something, in a transaction of its own.
    ///
    /// - Parameters:
    ///   - sql: The statement.
    ///   - mayShare: Whether it may be committed together with other such statements that wait at the same time, each
    ///     of which still succeeds or fails on its own. The embedded engine always does this; PostgreSQL then commits
    ///     many times as fast, and locks the rows until all of them are done.
    ///   - deadline: How long it may wait and work; the configuration's `writeDeadline` unless said.
    /// - Returns: How many rows it changed.
    /// - Throws: As ``transaction(deadline:_:)``.
    @discardableResult
    public func execute(_ sql: SQL, mayShare: Bool = false, deadline: Duration? = nil) async throws -> Int {
        try await Trace.span("store.write", kind: .client) { span in
            span.set(.dbNamespace, index)
            let deadline = deadline ?? engine.configuration.writeDeadline
            return try await engine.execute(sql, mayShare: mayShare, deadline: deadline)
        }
    }

    // MARK: Point reads

    /// The first row of a query, or `nil` where there is none.
    ///
    /// On a loop the embedded engine does it at once, in the read transaction of the loop's turn, within a budget of
    /// steps. Another engine gets it on the loop's own connection, together with the turn's other reads.
    ///
    /// - Throws: ``StoreError``; `budgetExceeded` for a query that looks at too much: then use
    ///   `scan(_:as:deadline:)`.
    @inlinable @inline(__always)
    public func first<T: Row & Sendable>(_ sql: SQL, as type: T.Type = T.self) async throws -> T? {
        if var read = try engine.localRead(sql) {
            defer { read.finish() }
            return try read.step() ? try T(from: &read.row) : nil
        }
        return try await firstElsewhere(sql)
    }

    /// The first row of a query that always has one, such as a count.
    ///
    /// - Throws: As `first(_:as:)`; `rowMissing` where there is none.
    @inlinable @inline(__always)
    public func one<T: Row & Sendable>(_ sql: SQL, as type: T.Type = T.self) async throws -> T {
        guard let row = try await first(sql, as: type) else { throw Self.missing() }
        return row
    }

    /// All rows of a query that has few.
    ///
    /// - Throws: As `first(_:as:)`; `tooLarge` for more rows than the configuration allows.
    @inlinable
    public func all<T: Row & Sendable>(_ sql: SQL, as type: T.Type = T.self) async throws -> [T] {
        if var read = try engine.localRead(sql) {
            defer { read.finish() }
            var rows: [T] = []
            while try read.step() { rows.append(try T(from: &read.row)) }
            return rows
        }
        return try await allElsewhere(sql)
    }

    // MARK: Scans

    /// All rows of a query that looks at many, read on the shard's own threads.
    ///
    /// - Throws: ``StoreError``: `overloaded`, `deadlineExceeded`, `cancelled`, `tooLarge`.
    public func scan<T: Row & Sendable>(
        _ sql: SQL,
        as type: T.Type = T.self,
        deadline: Duration? = nil
    ) async throws -> [T] {
        try await Answer.read(engine, deadline: deadline) { session in
            var rows: [T] = []
            try session.query(sql) { row in
                rows.append(try T(from: &row))
                return true
            }
            return rows
        }
    }

    @usableFromInline
    func firstElsewhere<T: Row & Sendable>(_ sql: SQL) async throws -> T? {
        if let answer = try await engine.answer(to: sql) { return try answer.first(as: T.self) }
        return try await Answer.read(engine, deadline: nil) { session in
            var found: T?
            try session.query(sql) { row in
                found = try T(from: &row)
                return false
            }
            return found
        }
    }

    @usableFromInline
    func allElsewhere<T: Row & Sendable>(_ sql: SQL) async throws -> [T] {
        if let answer = try await engine.answer(to: sql) { return try answer.all(as: T.self) }
        return try await scan(sql)
    }

    @usableFromInline
    static func missing() -> StoreError { StoreError(.rowMissing, "the query has no row") }
}

/// The same for types that are read by the names of their columns.
extension Shard {
    /// The first row of a query, read by the names of its columns, or `nil`.
    ///
    /// - Throws: ``StoreError``.
    @_disfavoredOverload
    public func first<T: Decodable & Sendable>(_ sql: SQL, as type: T.Type = T.self) async throws -> T? {
        try await first(sql, as: Named<T>.self)?.value
    }

    /// The first row of a query that always has one, read by the names of its columns.
    ///
    /// - Throws: ``StoreError``; `rowMissing` where there is none.
    @_disfavoredOverload
    public func one<T: Decodable & Sendable>(_ sql: SQL, as type: T.Type = T.self) async throws -> T {
        try await one(sql, as: Named<T>.self).value
    }

    /// All rows of a query that has few, read by the names of their columns.
    ///
    /// - Throws: ``StoreError``.
    @_disfavoredOverload
    public func all<T: Decodable & Sendable>(_ sql: SQL, as type: T.Type = T.self) async throws -> [T] {
        try await all(sql, as: Named<T>.self).map(\.value)
    }

    /// All rows of a query that looks at many, read by the names of their columns on the shard's own threads.
    ///
    /// - Throws: ``StoreError``.
    @_disfavoredOverload
    public func scan<T: Decodable & Sendable>(
        _ sql: SQL,
        as type: T.Type = T.self,
        deadline: Duration? = nil
    ) async throws -> [T] {
        try await scan(sql, as: Named<T>.self, deadline: deadline).map(\.value)
    }
}
