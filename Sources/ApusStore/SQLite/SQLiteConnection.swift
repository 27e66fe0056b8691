import ApusCore
import CSQLite

/// One connection to one file, used by one thread at a time.
//
// `@unchecked Sendable` is sound because a connection is made and used by one thread, and is handed to another only
// through a lock or after the first thread has ended.
final class SQLiteConnection: SQLSession, @unchecked Sendable {
    let handle: OpaquePointer
    let path: String
    let rowsMax: Int
    private let statements = StatementCache()
    var controls = Control()
    /// Looked at every ``stepsPerLook`` steps of a running statement; true stops it.
    let watch = StatementWatch()
    /// Told how long statements take; nothing for a loop's point reads.
    var slow: SlowStatements?
    /// Records what transactions change, for a follower; nothing without one.
    var capture: ChangeCapture?
    private let gate = StatementGate()
    private let isReader: Bool
    private var isClosed = false
    /// Whether a statement has failed since somebody last looked: the engine may have ended the transaction by itself.
    var hasFailed = false
    static let stepsPerLook: Int32 = 1000

    /// Opens the file, making one unless that is not wanted; a new one gets the configuration's page size.
    ///
    /// - Throws: ``StoreError``.
    init(path: String, configuration: StoreConfiguration, isReader: Bool, makesFile: Bool = true) throws {
        self.path = path
        self.isReader = isReader
        rowsMax = configuration.rowsMax
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (isReader || !makesFile ? 0 : SQLITE_OPEN_CREATE)
        let code = sqlite3_open_v2(path, &opened, flags, nil)
        guard code == SQLITE_OK, let opened else {
            let error = StoreError(sqlite: code, on: opened, path: path)
            sqlite3_close_v2(opened)
            throw error
        }
        handle = opened
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 250)
        apus_sqlite_harden(handle)
        sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0)
        var persist: Int32 = 1
        sqlite3_file_control(handle, nil, SQLITE_FCNTL_PERSIST_WAL, &persist)
        sqlite3_progress_handler(
            handle,
            Self.stepsPerLook,
            { context in
                guard let context else { return 0 }
                return Unmanaged<StatementWatch>.fromOpaque(context).takeUnretainedValue().mustStop() ? 1 : 0
            },
            Unmanaged.passUnretained(watch).toOpaque()
        )
        gate.stand(before: handle)
        if !isReader { try run("PRAGMA page_size = \(configuration.pageBytes)") }
        try run("PRAGMA cache_size = -\(configuration.cacheBytes / 1024)")
        try run("PRAGMA temp_store = MEMORY")
        try run("PRAGMA foreign_keys = ON")
        try run("PRAGMA trusted_schema = OFF")
        if isReader {
            try run("PRAGMA query_only = ON")
            emptyLogAtClose()
        } else {
            // A file that cannot be written stays in the mode it has.
            if sqlite3_db_readonly(handle, "main") != 1 { try run("PRAGMA journal_mode = WAL") }
            try run("PRAGMA synchronous = FULL")
            try run("PRAGMA wal_autocheckpoint = \(configuration.checkpointPages)")
        }
    }

    deinit { close() }

    /// Lets go of the file; nothing but this and `deinit` may follow.
    func close() {
        if isClosed { return }
        isClosed = true
        capture?.forget()
        statements.removeAll()
        controls.finalize()
        sqlite3_close_v2(handle)
    }

    /// Has the log emptied, not only copied, when this is the last connection to close.
    ///
    /// Not before: a log whose blocks were written before is much faster to write again. The empty log stays, so that a
    /// disk that has become read-only can still be read.
    func emptyLogAtClose() { sqlite3_exec(handle, "PRAGMA journal_size_limit = 0", nil, nil, nil) }

    /// Has the log kept as it is, for a connection that goes on.
    func keepLog() { sqlite3_exec(handle, "PRAGMA journal_size_limit = -1", nil, nil, nil) }

    /// True while no transaction is open: also after the engine undid one by itself.
    var isIdle: Bool { sqlite3_get_autocommit(handle) != 0 }
    /// Whether its transaction has read something: then it is of a moment, which nothing that comes later changes.
    var isReading: Bool { sqlite3_txn_state(handle, "main") != SQLITE_TXN_NONE }

    /// How many rows were ever changed on this connection, by triggers too.
    ///
    /// Those of a statement that undid itself are not counted, but those of its triggers are.
    var changes: Int64 { sqlite3_total_changes64(handle) }

    /// Runs a migration's text: any number of statements, none of which ends the transaction.
    func runMigration(_ text: String) throws {
        gate.isClosed = true
        defer { gate.isClosed = false }
        if let capture { try capture.run(text) { try run(text) } } else { try run(text) }
    }

    /// Runs text of ours: any number of statements, no parameters.
    func run(_ text: String) throws {
        let code = sqlite3_exec(handle, text, nil, nil, nil)
        guard code == SQLITE_OK else { throw StoreError(sqlite: code, on: handle, path: path) }
    }

    /// Whether the file's name names another file by now, or none.
    var hasMoved: Bool {
        var moved: Int32 = 0
        let code = sqlite3_file_control(handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved)
        return code != SQLITE_OK || moved != 0
    }

    func failure(_ code: Int32) -> StoreError {
        hasFailed = true
        if code & 0xFF == SQLITE_INTERRUPT, let reason = watch.reason { return reason }
        return StoreError(sqlite: code, on: handle, path: path)
    }

    // MARK: Statements

    /// The prepared statement with its values bound.
    @inline(__always)
    func bound(_ sql: SQL) throws -> OpaquePointer {
        if sql.badName >= 0, let problem = sql.problem { throw problem }
        let statement = try statements.find(sql) ?? prepare(sql)
        // The commonest statement binds one whole number.
        if sql.parameters == 1, case .integer = sql.parts.first.parameter {
            let code = sqlite3_bind_int64(statement, 1, Int64(bitPattern: sql.parts.first.bits))
            guard code == SQLITE_OK else { throw failure(code) }
        } else if sql.parameters > 0 {
            try bindAll(sql, to: statement)
        }
        return statement
    }

    @inline(never)
    private func bindAll(_ sql: SQL, to statement: OpaquePointer) throws {
        var index: Int32 = 0
        try sql.parts.forEach { part in
            guard let value = sql.value(of: part) else { return }
            index += 1
            let code = bind(value, to: statement, at: index)
            guard code == SQLITE_OK else { throw failure(code) }
        }
    }

    @inline(never)
    private func prepare(_ sql: SQL) throws -> OpaquePointer {
        var text = sql.text { _ in "?" }
        var prepared: OpaquePointer?
        var rest = 0
        gate.isClosed = true
        defer { gate.isClosed = false }
        let code = text.withUTF8 { bytes -> Int32 in
            bytes.withMemoryRebound(to: CChar.self) { bytes in
                var tail: UnsafePointer<CChar>?
                let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
                let code = sqlite3_prepare_v3(handle, bytes.baseAddress, Int32(bytes.count), flags, &prepared, &tail)
                if let tail, let start = bytes.baseAddress { rest = bytes.count - (tail - start) }
                return code
            }
        }
        guard code == SQLITE_OK else { throw failure(code) }
        guard let prepared else { throw StoreError(.statementInvalid, "the statement is empty") }
        let isWhole = text.utf8.suffix(rest).allSatisfy { $0 == 32 || $0 == 10 || $0 == 13 || $0 == 9 || $0 == 59 }
        guard isWhole, sqlite3_bind_parameter_count(prepared) == sql.parameters else {
            sqlite3_finalize(prepared)
            throw StoreError(.statementInvalid, "one statement at a time, with its parameters bound by interpolation")
        }
        guard !isReader || sqlite3_stmt_readonly(prepared) != 0 else {
            sqlite3_finalize(prepared)
            throw StoreError(.statementInvalid, "a read changes nothing; use a transaction")
        }
        statements.insert(prepared, for: sql)
        return prepared
    }

    private func bind(_ value: SQLValue, to statement: OpaquePointer, at index: Int32) -> Int32 {
        switch value {
        case .integer(let number): return sqlite3_bind_int64(statement, index, number)
        case .null: return sqlite3_bind_null(statement, index)
        case .real(let number): return sqlite3_bind_double(statement, index, number)
        case .text(var text):
            return text.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) {
                    guard let start = $0.baseAddress else {
                        return sqlite3_bind_text(statement, index, "", 0, apus_sqlite_static())
                    }
                    return sqlite3_bind_text64(
                        statement,
                        index,
                        start,
                        UInt64($0.count),
                        apus_sqlite_transient(),
                        UInt8(SQLITE_UTF8)
                    )
                }
            }
        case .bytes(let bytes):
            return bytes.withUnsafeBytes {
                guard let start = $0.baseAddress else { return sqlite3_bind_zeroblob(statement, index, 0) }
                return sqlite3_bind_blob64(statement, index, start, UInt64($0.count), apus_sqlite_transient())
            }
        }
    }

    // MARK: SQLSession

    var dialect: Dialect { .sqlite }

    func execute(_ sql: SQL) throws -> Int {
        let statement = try bound(sql)
        let began = slow?.now() ?? 0
        defer {
            slow?.ended(statement, since: began)
            sqlite3_reset(statement)
        }
        let before = sqlite3_total_changes64(handle)
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_ROW { continue }
            guard code == SQLITE_DONE else { throw failure(code) }
            return sqlite3_total_changes64(handle) == before ? 0 : Int(sqlite3_changes64(handle))
        }
    }

    func query(_ sql: SQL, _ body: (inout RowReader) throws -> Bool) throws { try query(sql, skipping: 0, body) }

    func query(_ sql: SQL, skipping: Int, _ body: (inout RowReader) throws -> Bool) throws {
        let statement = try bound(sql)
        let began = slow?.now() ?? 0
        defer {
            slow?.ended(statement, since: began)
            sqlite3_reset(statement)
        }
        var reader = RowReader(statement: statement, first: Int32(skipping))
        var rows = 0
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw failure(code) }
            rows += 1
            guard rows <= rowsMax else { throw StoreError(.tooLarge, "more than \(rowsMax) rows; ask for pages") }
            reader.rewind()
            if try !body(&reader) { return }
        }
    }
}
