import ApusObserve

/// One shard, reached by a key: everything asked here is asked of one database.
///
/// The key's type stands in the handle's type, so a function that works on a customer's rows says so:
/// `func place(_ order: Order, on shard: Shard<CustomerKey>)`.
public struct Shard<Key: ShardKey>: Sendable {
    // Four words and no more, so that it is handed over in registers.
    @usableFromInline let number: UInt32
    @usableFromInline let slot: UInt32
    @usableFromInline let hash: UInt64
    @usableFromInline let engine: any ShardEngine

    /// The shard's number, from 0.
    ///
    /// A key may move while the handle is held: what is asked then is asked where it is.
    @inlinable public var index: Int { Int(number) }

    @usableFromInline var place: KeyPlace { @inlinable @inline(__always) get { KeyPlace(number: slot, hash: hash) } }

    @inlinable @inline(__always)
    init(index: Int, place: KeyPlace = .none, engine: any ShardEngine) {
        number = UInt32(truncatingIfNeeded: index)
        slot = place.number
        hash = place.hash
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
            let place = place
            return try await atHome { engine in
                guard engine.mayHold(place) else { throw KeyMoved() }
                return try await Answer.write(engine, deadline: deadline) { transaction in
                    // Under the shard's lock: what is here now stays until the transaction is committed.
                    guard engine.holds(place) else { throw KeyMoved() }
                    transaction.session.enter(place)
                    return try body(transaction)
                }
            }
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
            return try await atHome {
                try $0.check(sql, of: place)
                return try await $0.execute(sql, mayShare: mayShare, at: place, deadline: deadline)
            }
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
        if var read = try engine.localRead(sql, at: place) {
            let found: T?
            do {
                defer { read.finish() }
                found = try read.step() ? try T(from: &read.row) : nil
            }
            // Here before and after: it was here, and all of it, while it was read.
            if !read.isFirst || engine.holds(place) { return found }
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
        if var read = try engine.localRead(sql, at: place) {
            var rows: [T] = []
            do {
                defer { read.finish() }
                while try read.step() { rows.append(try T(from: &read.row)) }
            }
            if !read.isFirst || engine.holds(place) { return rows }
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
        try await read(deadline: deadline) { session in
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
        if let answer = try await answer(to: sql) { return try answer.first(as: T.self) }
        return try await read(deadline: nil) { session in
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
        if let answer = try await answer(to: sql) { return try answer.all(as: T.self) }
        return try await scan(sql)
    }

    // MARK: Where the key is

    private func answer(to sql: SQL) async throws -> RowSource? {
        let place = place
        return try await atHome { engine in
            guard engine.holds(place) else { throw KeyMoved() }
            try engine.check(sql, of: place)
            let answer = try await engine.answer(to: sql)
            guard engine.holds(place) else { throw KeyMoved() }
            return answer
        }
    }

    /// Reads off the loop, and again where the key has gone meanwhile.
    private func read<T: Sendable>(
        deadline: Duration?,
        _ body: @escaping @Sendable (any SQLSession) throws -> T
    ) async throws -> T {
        let place = place
        return try await atHome { engine in
            guard engine.mayHold(place) else { throw KeyMoved() }
            return try await Answer.read(engine, deadline: deadline) { session in
                // What is not there may have gone before it was looked for: an error about it says nothing either.
                guard engine.holds(place) else { throw KeyMoved() }
                session.enter(place)
                let result = Result { try body(session) }
                guard engine.holds(place) else { throw KeyMoved() }
                return try result.get()
            }
        }
    }

    /// Does something on the shard that has the key, wherever that is when it is done.
    private func atHome<T>(_ body: (any ShardEngine) async throws -> T) async throws -> T {
        var engine = engine
        // A key moves at most once in a resharding, which takes far longer than a call may.
        for _ in 0..<Self.movesMax {
            do { return try await body(engine) } catch is KeyMoved { engine = try engine.home(of: place).engine }
        }
        throw StoreError(.busy, "the key moved \(Self.movesMax) times while it was asked for")
    }

    private static var movesMax: Int { 8 }

    @usableFromInline
    static func missing() -> StoreError { StoreError(.rowMissing, "the query has no row") }
}

/// Where a key leads to.
@usableFromInline
struct ShardRoute {
    // Four words and no more, so that it is handed over in registers.
    @usableFromInline let number: UInt32
    @usableFromInline let slot: UInt32
    @usableFromInline let hash: UInt64
    @usableFromInline let engine: any ShardEngine

    init(index: Int, place: KeyPlace, engine: any ShardEngine) {
        number = UInt32(truncatingIfNeeded: index)
        (slot, hash) = (place.number, place.hash)
        self.engine = engine
    }

    @inlinable @inline(__always)
    func handle<Key: ShardKey>() -> Shard<Key> {
        Shard(index: Int(number), place: KeyPlace(number: slot, hash: hash), engine: engine)
    }
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
