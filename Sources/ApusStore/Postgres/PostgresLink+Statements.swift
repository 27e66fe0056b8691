#if PostgreSQL
import CLinux
import CPostgres
import Glibc

/// What one does with an open connection.
extension PostgresLink {
    /// Has the server prepare a statement for values of the types that ``parameters`` has; false where the link broke.
    func prepare(_ statement: PostgresStatement, _ text: String) -> Bool {
        PQsendPrepare(handle, statement.name, text, Int32(parameters.count), parameters.types) == 1
    }

    /// Has the server run a prepared statement with the values in ``parameters``, and answer in binary.
    @inline(__always)
    func run(_ statement: PostgresStatement) -> Bool {
        PQsendQueryPrepared(
            handle,
            statement.name,
            Int32(parameters.count),
            parameters.values,
            parameters.lengths,
            parameters.formats,
            1
        ) == 1
    }

    /// Bytes that have arrived and were not read yet; 0 at the connection's end.
    var bytesWaiting: Int { max(0, Int(apus_bytes_waiting(PQsocket(handle)))) }

    /// Reads what came while nothing was asked; false where the server has ended the connection.
    func isQuiet() -> Bool {
        var byte: UInt8 = 0
        while true {
            let count = apus_peek(PQsocket(handle), &byte, 1)
            if count == 0 { return false }
            if count < 0 { return apus_errno() == EAGAIN }
            guard PQconsumeInput(handle) == 1, PQstatus(handle) == CONNECTION_OK else { return false }
        }
    }
}
#endif
