#if MySQL
import CMariaDB

/// A statement that the server of one connection has prepared, with what is the same each time that it runs.
final class MySQLStatement {
    let handle: UnsafeMutablePointer<MYSQL_STMT>
    fileprivate let parts: ShortList<SQLPart>
    /// Where its rows are written to; `nil` until it has given some.
    private(set) var rows: MySQLRows?

    init(_ handle: UnsafeMutablePointer<MYSQL_STMT>, _ sql: SQL) {
        self.handle = handle
        parts = sql.parts
    }

    /// Has the library write the rows that come where they are expected; false where it will not.
    ///
    /// Columns may be of other types than the last time, after a change of the table.
    func expectRows() -> Bool {
        if let rows, rows.fit(self) {
            rows.removeAll()
            return true
        }
        let rows = MySQLRows(self)
        self.rows = rows
        return rows.bind(to: self)
    }
}

/// One connection's prepared statements, found by the addresses of their text.
///
/// Bounded: when it is full all statements go, on the server too, and the ones in use come back at their next run.
final class MySQLStatements {
    static let statementsMax = 256

    private var known: [UInt: MySQLStatement] = [:]

    func find(_ sql: SQL) -> MySQLStatement? {
        guard let found = known[sql.fingerprint], found.parts.isSameText(as: sql.parts) else { return nil }
        return found
    }

    /// Takes a statement in; gives those that must go for it.
    func insert(_ statement: MySQLStatement, for sql: SQL) -> [MySQLStatement] {
        var gone = known.removeValue(forKey: sql.fingerprint).map { [$0] } ?? []
        if known.count >= Self.statementsMax { gone += removeAll() }
        known[sql.fingerprint] = statement
        return gone
    }

    /// Takes out a statement that the server does not have any more.
    func remove(_ sql: SQL) -> MySQLStatement? { known.removeValue(forKey: sql.fingerprint) }

    /// Takes all out.
    func removeAll() -> [MySQLStatement] {
        defer { known.removeAll(keepingCapacity: true) }
        return Array(known.values)
    }
}
#endif
