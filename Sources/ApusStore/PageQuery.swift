/// A query with what one shard needs to give its part of a page: the order's columns first, where to start, how many.
struct PageQuery {
    let order: [SortColumn]
    let limit: Int
    let after: PageCursor?
    let shard: Int
    let dialect: Dialect

    /// `sql` as a subquery: ordered, limited to one row more than the page, starting after the cursor.
    func wrap(_ sql: SQL) -> SQL {
        var query: SQL = "SELECT "
        for column in order { query.append("page.\(identifier: column.name), " as SQL) }
        query.append("page.* FROM (\(sql: sql)) AS page" as SQL)
        if let after { query.append(" WHERE \(sql: start(after))" as SQL) }
        for (index, column) in order.enumerated() {
            query.append(index == 0 ? " ORDER BY " as SQL : ", ")
            query.append("page.\(identifier: column.name)" as SQL)
            query.append(column.isDescending ? dialect.descending : dialect.ascending)
        }
        query.append(" LIMIT \(limit + 1)" as SQL)
        return query
    }

    /// True for rows behind the cursor: by the columns, and among equals by the shard's number.
    ///
    /// For columns a, b: `a > x OR (a = x AND (b > y OR (b = y AND TRUE-or-FALSE)))`, with `IS NULL` in place of `=`
    /// where x or y is NULL.
    private func start(_ cursor: PageCursor) -> SQL {
        var condition: SQL = shard > cursor.shard ? "TRUE" : "FALSE"
        for (column, value) in zip(order, cursor.values).reversed() {
            let name: SQL = "page.\(identifier: column.name)"
            let equals: SQL = value == .null ? "\(sql: name) IS NULL" : "\(sql: name) = \(value)"
            condition = "(\(sql: behind(column, name, value)) OR (\(sql: equals) AND \(sql: condition)))"
        }
        return condition
    }

    /// NULL comes first when ascending, last when descending.
    private func behind(_ column: SortColumn, _ name: SQL, _ value: SQLValue) -> SQL {
        switch (column.isDescending, value) {
        case (false, .null): "\(sql: name) IS NOT NULL"
        case (false, _): "\(sql: name) > \(value)"
        case (true, .null): "FALSE"
        case (true, _): "(\(sql: name) < \(value) OR \(sql: name) IS NULL)"
        }
    }
}

/// A row with the values of the order's columns.
struct PageRow<Element: Row & Sendable>: Sendable {
    let keys: [SQLValue]
    let shard: Int
    let row: Element

    init(_ reader: inout RowReader, shard: Int, order: [SortColumn]) throws {
        keys = try reader.leading(order.count)
        self.shard = shard
        row = try Element(from: &reader)
    }
}

/// Puts the shards' ordered parts together.
enum PageMerge {
    /// The first `limit` rows of all parts.
    static func merge<T>(_ parts: [[PageRow<T>]], order: [SortColumn], limit: Int) -> [PageRow<T>] {
        var heads = Array(repeating: 0, count: parts.count)
        var merged: [PageRow<T>] = []
        while merged.count < limit {
            var best: Int?
            for index in parts.indices where heads[index] < parts[index].count {
                guard let current = best else {
                    best = index
                    continue
                }
                if precedes(parts[index][heads[index]], parts[current][heads[current]], order) { best = index }
            }
            guard let best else { break }
            merged.append(parts[best][heads[best]])
            heads[best] += 1
        }
        return merged
    }

    static func precedes<T>(_ left: PageRow<T>, _ right: PageRow<T>, _ order: [SortColumn]) -> Bool {
        for (index, column) in order.enumerated() {
            if left.keys[index] < right.keys[index] { return !column.isDescending }
            if right.keys[index] < left.keys[index] { return column.isDescending }
        }
        return left.shard < right.shard
    }
}
