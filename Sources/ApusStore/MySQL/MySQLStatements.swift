#if MySQL
import CMariaDB

/// A statement that the server of one connection has prepared.
final class MySQLStatement {
    let handle: UnsafeMutablePointer<MYSQL_STMT>
    fileprivate let parts: ShortList<SQLPart>

    init(_ handle: UnsafeMutablePointer<MYSQL_STMT>, _ sql: SQL) {
        self.handle = handle
        parts = sql.parts
    }

    /// Has the server forget it.
    func close(_ wait: MySQLLink.Wait) throws {
        var failed = my_bool(0)
        var status = mysql_stmt_close_start(&failed, handle)
        while status != 0 { status = mysql_stmt_close_cont(&failed, handle, try wait(status)) }
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
        if known.count >= Self.statementsMax {
            gone += known.values
            known.removeAll(keepingCapacity: true)
        }
        known[sql.fingerprint] = statement
        return gone
    }

    /// Takes out a statement that the server does not have any more.
    func remove(_ sql: SQL) -> MySQLStatement? { known.removeValue(forKey: sql.fingerprint) }

    /// Lets go of all, after the connection is closed: nobody waits for anything then.
    func forget() {
        for statement in known.values { _ = mysql_stmt_close(statement.handle) }
        known.removeAll()
    }
}
#endif
