import CSQLite
import Glibc

extension StoreError {
    /// What a result code of SQLite means; the connection tells which system error lay beneath.
    ///
    /// SQLite's own message is kept out: it can quote SQL.
    init(sqlite code: Int32, on connection: OpaquePointer?, path: String) {
        let extended = connection.map { sqlite3_extended_errcode($0) } ?? code
        let system = connection.map { Self.systemError(of: $0, isFileError: code & 0xFF == SQLITE_IOERR) } ?? 0
        let file = path.split(separator: "/").last.map(String.init) ?? path
        self = Self.mapped(primary: code & 0xFF, extended: extended, system: system, file: file, path: path)
    }

    /// The system's error number beneath a result code: the connection's, else the one kept by its log or its file.
    ///
    /// The connection's own can be lost by the time a failed commit was undone.
    private static func systemError(of connection: OpaquePointer, isFileError: Bool) -> Int32 {
        let system = sqlite3_system_errno(connection)
        guard isFileError, system == 0 else { return system }
        var number: Int32 = 0
        var log: UnsafeMutablePointer<sqlite3_file>?
        sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log)
        if let log, let methods = log.pointee.pMethods {
            _ = methods.pointee.xFileControl?(log, SQLITE_FCNTL_LAST_ERRNO, &number)
        }
        if number == 0 { sqlite3_file_control(connection, "main", SQLITE_FCNTL_LAST_ERRNO, &number) }
        return number
    }

    private static func mapped(primary: Int32, extended: Int32, system: Int32, file: String, path: String) -> Self {
        let number = "\(file): SQLite code \(extended)"
        switch primary {
        case SQLITE_CONSTRAINT: return StoreError(constraint(extended), number)
        case SQLITE_BUSY, SQLITE_LOCKED: return StoreError(.busy, "\(number): another program holds the database")
        case SQLITE_FULL: return StoreError(.diskFull, "\(number): no room on the disk")
        case SQLITE_READONLY: return StoreError(.readOnly, "\(number): the file cannot be written")
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            return StoreError(
                .corrupt,
                "\(path) is damaged (code \(extended)); restore it from a backup, or try: sqlite3 \(path) .recover"
            )
        case SQLITE_INTERRUPT: return StoreError(.deadlineExceeded, "\(number): stopped")
        case SQLITE_TOOBIG, SQLITE_NOMEM: return StoreError(.tooLarge, number)
        case SQLITE_IOERR, SQLITE_CANTOPEN:
            switch system {
            case ENOSPC, EDQUOT, EFBIG: return StoreError(.diskFull, "\(number): errno \(system)")
            case EROFS, EACCES, EPERM: return StoreError(.readOnly, "\(number): errno \(system)")
            default: return StoreError(.inputOutput, "\(path): SQLite code \(extended), errno \(system)")
            }
        default: return StoreError(.statementInvalid, number)
        }
    }

    private static func constraint(_ extended: Int32) -> Code {
        switch extended >> 8 {
        case 1: .checkViolation
        case 3: .foreignKeyViolation
        case 5: .notNullViolation
        case 6, 8, 10: .uniqueViolation
        case 7: .checkViolation
        default: .checkViolation
        }
    }
}
