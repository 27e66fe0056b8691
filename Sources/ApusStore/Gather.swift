/// One column of the order in which a question to all shards is answered.
public struct SortColumn: Sendable, Hashable {
    let name: String
    let isDescending: Bool

    /// Smallest first; NULL before everything.
    public static func ascending(_ column: String) -> SortColumn { SortColumn(name: column, isDescending: false) }
    /// Largest first; NULL after everything.
    public static func descending(_ column: String) -> SortColumn { SortColumn(name: column, isDescending: true) }
}

/// What several shards answered together.
public struct Gathered<Element: Sendable>: Sendable {
    /// The rows, in the order asked for.
    public let rows: [Element]
    /// Where the next page starts, or `nil` after the last.
    public let next: PageCursor?
    /// The shards that answered.
    public let answered: [Int]
    /// The shards that did not, and why; empty unless a partial answer was allowed.
    public let failed: [Int: StoreError]
    /// True where every shard answered.
    public var isComplete: Bool { failed.isEmpty }
}

/// Questions to all shards of a store, and work on each of them.
///
/// Each costs as many database calls as there are shards, and sees each shard at its own moment: there is no snapshot
/// over shards.
public struct EveryShard: Sendable {
    let store: OpenStore

    /// The shards in order, for work that is done on one after the other.
    public var handles: [Shard<AnyKey>] {
        store.latest.engines.enumerated().map { Shard(index: $0.offset, engine: $0.element) }
    }

    /// Asks all shards at the same time and puts the rows together, a page at a time.
    ///
    /// - Parameters:
    ///   - sql: A query without ORDER BY and LIMIT; the columns of `order` are among its own.
    ///   - type: What a row is read into.
    ///   - order: The order of the answer. Together the columns tell every two rows of a shard apart, so end with
    ///     a unique one; else rows that tie can be lost between two pages.
    ///   - limit: The most rows in the answer.
    ///   - after: Where the page before this one ended.
    ///   - allowPartial: Whether the other shards' answer is good enough where some cannot answer.
    ///   - deadline: How long all of it may take.
    /// - Returns: At most `limit` rows, and where the next page starts.
    /// - Throws: ``StoreError``: `cursorInvalid`; what a shard said, unless a partial answer is allowed; always where
    ///   no shard answered.
    public func page<T: Row & Sendable>(
        _ sql: SQL,
        as type: T.Type = T.self,
        order: [SortColumn],
        limit: Int,
        after: PageCursor? = nil,
        allowPartial: Bool = false,
        deadline: Duration? = nil
    ) async throws -> Gathered<T> {
        precondition(!order.isEmpty, "an order over several shards needs a column")
        precondition(limit > 0, "a page has at least one row")
        if let after { try after.check(order) }
        let (parts, failed) = try await ask(allowPartial: allowPartial, deadline: deadline) { index, session in
            let query = PageQuery(
                order: order,
                limit: limit,
                after: after,
                shard: index,
                dialect: session.dialect
            )
            var found: [PageRow<T>] = []
            try session.query(query.wrap(sql), skipping: order.count) { row in
                found.append(try PageRow(&row, shard: index, order: order))
                return true
            }
            return found
        }
        let merged = PageMerge.merge(parts.map(\.value), order: order, limit: limit)
        let more = parts.contains { $0.value.count > limit } || parts.reduce(0) { $0 + $1.value.count } > limit
        let last = more ? merged.last.map { PageCursor(order: order, values: $0.keys, shard: $0.shard) } : nil
        return Gathered(rows: merged.map(\.row), next: last, answered: parts.map(\.index), failed: failed)
    }

    /// Asks all shards at the same time; the rows come shard after shard.
    ///
    /// For aggregates: ask each shard for its sum and add them up.
    ///
    /// - Throws: As `page(_:as:order:limit:after:allowPartial:deadline:)`.
    public func all<T: Row & Sendable>(
        _ sql: SQL,
        as type: T.Type = T.self,
        allowPartial: Bool = false,
        deadline: Duration? = nil
    ) async throws -> Gathered<T> {
        let (parts, failed) = try await ask(allowPartial: allowPartial, deadline: deadline) { _, session in
            var found: [T] = []
            try session.query(sql) { row in
                found.append(try T(from: &row))
                return true
            }
            return found
        }
        return Gathered(rows: parts.flatMap(\.value), next: nil, answered: parts.map(\.index), failed: failed)
    }

    private func ask<T: Sendable>(
        allowPartial: Bool,
        deadline: Duration?,
        _ body: @escaping @Sendable (Int, any SQLSession) throws -> T
    ) async throws -> (parts: [(index: Int, value: T)], failed: [Int: StoreError]) {
        if let successor = try await store.successor() {
            return try await EveryShard(store: successor).ask(allowPartial: allowPartial, deadline: deadline, body)
        }
        switch store.questions {
        case .still(let moves):
            return try await moves.still(within: deadline ?? moves.configuration.scanDeadline) {
                try await askNow(allowPartial: allowPartial, deadline: deadline, body)
            }
        case .cuts(let moves):
            return try await moves.whole(within: deadline ?? moves.configuration.scanDeadline) {
                let (parts, failed) = try await askNow(allowPartial: allowPartial, deadline: deadline) {
                    (cut: try ShardCut.read($1), value: try body($0, $1))
                }
                let cuts = Dictionary(parts.map { ($0.index, $0.value.cut) }) { first, _ in first }
                return (parts.count + failed.count, cuts, (parts.map { ($0.index, $0.value.value) }, failed))
            }
        }
    }

    private func askNow<T: Sendable>(
        allowPartial: Bool,
        deadline: Duration?,
        _ body: @escaping @Sendable (Int, any SQLSession) throws -> T
    ) async throws -> (parts: [(index: Int, value: T)], failed: [Int: StoreError]) {
        var parts: [(index: Int, value: T)] = []
        var failed: [Int: StoreError] = [:]
        let engines = try store.shards.every()
        try await withThrowingTaskGroup(of: (Int, Result<T, any Error>).self) { group in
            for (index, engine) in engines.enumerated() {
                group.addTask {
                    do {
                        let value = try await Answer.read(engine, deadline: deadline) { try body(index, $0) }
                        return (index, .success(value))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            for try await (index, result) in group {
                switch result {
                case .success(let value): parts.append((index, value))
                case .failure(let error as StoreError) where allowPartial && error.fault == .engine:
                    failed[index] = error
                case .failure(let error): throw error
                }
            }
        }
        if parts.isEmpty, let error = failed.values.first { throw error }
        parts.sort { $0.index < $1.index }
        return (parts, failed)
    }
}

extension EveryShard {
    /// Asks all shards for a page whose rows are read by the names of their columns.
    ///
    /// - Throws: As `page(_:as:order:limit:after:allowPartial:deadline:)`.
    @_disfavoredOverload
    public func page<T: Decodable & Sendable>(
        _ sql: SQL,
        as type: T.Type = T.self,
        order: [SortColumn],
        limit: Int,
        after: PageCursor? = nil,
        allowPartial: Bool = false,
        deadline: Duration? = nil
    ) async throws -> Gathered<T> {
        let page = try await page(
            sql,
            as: Named<T>.self,
            order: order,
            limit: limit,
            after: after,
            allowPartial: allowPartial,
            deadline: deadline
        )
        return Gathered(rows: page.rows.map(\.value), next: page.next, answered: page.answered, failed: page.failed)
    }

    /// Asks all shards at the same time for rows that are read by the names of their columns.
    ///
    /// - Throws: As `page(_:as:order:limit:after:allowPartial:deadline:)`.
    @_disfavoredOverload
    public func all<T: Decodable & Sendable>(
        _ sql: SQL,
        as type: T.Type = T.self,
        allowPartial: Bool = false,
        deadline: Duration? = nil
    ) async throws -> Gathered<T> {
        let all = try await all(sql, as: Named<T>.self, allowPartial: allowPartial, deadline: deadline)
        return Gathered(rows: all.rows.map(\.value), next: nil, answered: all.answered, failed: all.failed)
    }
}

extension Store {
    /// Questions to all shards: named so that one sees what they cost.
    ///
    /// - Throws: ``StoreError`` with code `closed`.
    public var everyShard: EveryShard { get throws { EveryShard(store: try current()) } }
}
