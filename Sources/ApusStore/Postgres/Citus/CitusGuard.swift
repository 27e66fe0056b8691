#if PostgreSQL
import ApusCore

/// Refuses statements of one key that Citus would ask all nodes, because they do not say whose rows they mean.
///
/// Citus sends a statement to one node where it finds the column that a table is spread by compared with a value. The text
/// is the program's own, so it is looked at, once for each place in the program that it comes from. It is no planner:
/// it finds who has forgotten the column, not who has hidden it.
final class CitusGuard: Sendable {
    /// Statements that are remembered to be well.
    private static let knownMax = 4096

    private let layout: CitusLayout
    private let known = Lock<Set<UInt>>([])

    init(_ layout: CitusLayout) { self.layout = layout }

    /// - Throws: ``StoreError`` with code `statementInvalid`.
    func check(_ sql: SQL) throws {
        if known.withLock({ $0.contains(sql.fingerprint) }) { return }
        try check(text: try PostgresStatements.text(sql))
        known.withLock { known in
            if known.count >= Self.knownMax { known.removeAll(keepingCapacity: true) }
            known.insert(sql.fingerprint)
        }
    }

    /// The same for a text in the server's language.
    func check(text: String) throws {
        let statement = CitusStatement(text)
        if let table = statement.target.flatMap({ layout[$0] }), let column = table.column,
            let given = statement.columns,
            !given.contains(column)
        {
            throw refused(table.name, column)
        }
        let read = statement.tables.compactMap { layout[$0] }.filter { $0.column != nil }
        for table in read {
            guard let column = table.column else { continue }
            // Each of them, where several have a column of this name.
            let needed = read.count { $0.column == column }
            guard statement.compared[column, default: 0] >= needed else { throw refused(table.name, column) }
        }
        if let table = read.first, let column = table.column,
            !read.contains(where: { $0.column.map(statement.pinned.contains) == true })
        {
            throw refused(table.name, column)
        }
    }

    private func refused(_ table: String, _ column: String) -> StoreError {
        StoreError(
            .statementInvalid,
            "table \(table) is spread by \(column), which this statement of one key does not name: Citus would ask all nodes; "
                + "add \(column) = …, or ask by everyShard"
        )
    }
}
#endif
