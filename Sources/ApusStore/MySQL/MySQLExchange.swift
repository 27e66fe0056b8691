#if MySQL
import CMariaDB

/// A statement on its way over one connection: prepared unless it is already, run, and its rows taken.
///
/// It waits for nobody. Where the library would, ``asked`` says for what, and whoever has the connection goes on by
/// ``resume(_:)`` once the socket is ready for it: a thread that waits, or a loop that is told.
final class MySQLExchange {
    /// How much of an answer is taken.
    struct Bounds {
        let rowsMax: Int
        let bytesMax: Int

        init(_ configuration: StoreConfiguration) {
            rowsMax = configuration.rowsMax
            bytesMax = configuration.answerBytesMax
        }
    }

    private enum Stage {
        /// Next: any of the others but the last two.
        case idle
        /// The server is told to forget another statement. Next: the same, `preparing`, `executing`.
        case forgetting(MySQLStatement)
        /// Next: `executing`.
        case preparing
        /// Next: `fetching` where there are rows, else `idle`.
        case executing
        /// The next row comes. Next: the same, `releasing`, `idle`.
        case fetching
        /// The rest of an answer that is too long is let go. Next: `idle`.
        case releasing
    }

    private let handle: UnsafeMutablePointer<MYSQL>
    private let name: String
    private let statements = MySQLStatements()
    private let parameters = MySQLParameters()
    /// Statements that the server is to forget before the next one.
    private var doomed: [MySQLStatement] = []

    private var stage = Stage.idle
    private var bounds: Bounds
    private var sql: SQL = ""
    /// The statement at hand.
    private var statement: MySQLStatement?
    /// The text to prepare, which the library may look at until it has sent it.
    private var text: UnsafeMutableBufferPointer<CChar>?

    /// The largest message that the server takes, in bytes.
    var messageMax = Int.max
    /// What the socket has to be ready for before ``resume(_:)``: bits such as `MYSQL_WAIT_READ`.
    private(set) var asked: Int32 = 0

    /// - Parameters:
    ///   - handle: The connection, which is closed before this.
    ///   - name: The database, for errors.
    init(_ handle: UnsafeMutablePointer<MYSQL>, name: String) {
        self.handle = handle
        self.name = name
        bounds = Bounds(StoreConfiguration())
    }

    deinit { text?.deallocate() }

    /// True where the next statement can begin; after an error it says whether the connection is still of use.
    var isIdle: Bool { if case .idle = stage { true } else { false } }

    /// Begins a statement.
    ///
    /// - Parameters:
    ///   - sql: The statement.
    ///   - isInTransaction: Whether it may not end the transaction.
    ///   - bounds: How much of its answer is taken.
    /// - Returns: The answer; `nil` while the server is waited for.
    /// - Throws: ``StoreError`` for what is wrong with the statement or its answer; ``MySQLError``.
    func begin(_ sql: SQL, isInTransaction: Bool, within bounds: Bounds) throws -> MySQLAnswer? {
        try parameters.set(sql)
        guard parameters.bytes < messageMax - 1024 else {
            throw StoreError(.tooLarge, "\(name): more than the \(messageMax) B of its max_allowed_packet")
        }
        if let known = statements.find(sql) {
            statement = known
        } else {
            let text = try MySQLDialect.text(sql, isInTransaction: isInTransaction)
            guard let made = mysql_stmt_init(handle) else { throw StoreError(.tooLarge, "no memory to prepare") }
            statement = MySQLStatement(made, sql)
            keep(text)
        }
        self.sql = sql
        self.bounds = bounds
        stage = try next()
        return try run(nil)
    }

    /// Goes on with the statement at hand.
    ///
    /// - Parameter ready: What of ``asked`` the socket is ready for.
    /// - Returns: The answer; `nil` while the server is waited for.
    /// - Throws: As ``begin(_:isInTransaction:within:)``.
    func resume(_ ready: Int32) throws -> MySQLAnswer? { try run(ready) }

    /// Lets go of all statements, after the connection is closed: nobody waits for anything then.
    func close() {
        // One that the server was being told of is not in the library's list any more, and must not be touched.
        for statement in statements.removeAll() + doomed { _ = mysql_stmt_close(statement.handle) }
        if let statement, text != nil { _ = mysql_stmt_close(statement.handle) }
        doomed = []
        statement = nil
    }

    // MARK: Stages

    private func run(_ ready: Int32?) throws -> MySQLAnswer? {
        guard let statement else { return nil }
        var ready = ready
        while true {
            var failed: Int32 = 0
            asked = call(statement.handle, ready, &failed)
            if asked != 0 { return nil }
            ready = nil
            if let answer = try ended(statement, failed) { return answer }
        }
    }

    /// Calls the library for the stage at hand, or has its call go on; 0 where that has come to its end.
    private func call(_ handle: UnsafeMutablePointer<MYSQL_STMT>, _ ready: Int32?, _ failed: inout Int32) -> Int32 {
        switch stage {
        case .idle: return 0
        case .forgetting(let other):
            // Whether it could be sent shows at the next call.
            var flag = my_bool(0)
            guard let ready else { return mysql_stmt_close_start(&flag, other.handle) }
            return mysql_stmt_close_cont(&flag, other.handle, ready)
        case .preparing:
            guard let ready else {
                return mysql_stmt_prepare_start(&failed, handle, text?.baseAddress, UInt(text?.count ?? 0))
            }
            return mysql_stmt_prepare_cont(&failed, handle, ready)
        case .executing:
            guard let ready else { return mysql_stmt_execute_start(&failed, handle) }
            return mysql_stmt_execute_cont(&failed, handle, ready)
        case .fetching:
            guard let ready else { return mysql_stmt_fetch_start(&failed, handle) }
            return mysql_stmt_fetch_cont(&failed, handle, ready)
        case .releasing:
            var flag = my_bool(0)
            defer { failed = Int32(flag) }
            guard let ready else { return mysql_stmt_free_result_start(&flag, handle) }
            return mysql_stmt_free_result_cont(&flag, handle, ready)
        }
    }

    /// Takes in what the library's call came to, and goes to the next stage.
    private func ended(_ statement: MySQLStatement, _ failed: Int32) throws -> MySQLAnswer? {
        switch stage {
        case .idle: break
        case .forgetting: stage = try next()
        case .preparing:
            guard failed == 0 else { throw failure() }
            guard mysql_stmt_param_count(statement.handle) == UInt(sql.parameters) else {
                giveUp()
                throw StoreError(.statementInvalid, "one statement with its parameters bound by interpolation")
            }
            dropText()
            doomed += statements.insert(statement, for: sql)
            stage = try next()
        case .executing:
            guard failed == 0 else { throw failure() }
            guard mysql_stmt_field_count(statement.handle) > 0 else {
                return done(MySQLAnswer(changed: changed(by: statement)))
            }
            guard statement.expectRows() else { throw failure() }
            stage = .fetching
        case .fetching:
            guard let rows = statement.rows else { throw failure() }
            if failed == MYSQL_NO_DATA { return done(rows.answer()) }
            guard failed == 0 || failed == MYSQL_DATA_TRUNCATED else { throw failure() }
            guard rows.count < bounds.rowsMax else {
                stage = .releasing
                return nil
            }
            rows.take(from: statement)
            guard rows.bytes <= bounds.bytesMax else {
                throw StoreError(.tooLarge, "an answer of more than \(bounds.bytesMax) B; ask for pages")
            }
        case .releasing:
            guard failed == 0 else { throw failure() }
            giveUp()
            throw StoreError(.tooLarge, "more than \(bounds.rowsMax) rows; ask for pages")
        }
        return nil
    }

    /// What comes before the statement at hand is run, or that it is.
    private func next() throws -> Stage {
        if let gone = doomed.popLast() { return .forgetting(gone) }
        if text != nil { return .preparing }
        guard let statement, sql.parameters == 0 || parameters.bind(to: statement) else { throw failure() }
        return .executing
    }

    private func done(_ answer: MySQLAnswer) -> MySQLAnswer {
        stage = .idle
        statement = nil
        return answer
    }

    /// A query changes nothing, which the library says by the largest number there is.
    private func changed(by statement: MySQLStatement) -> Int {
        Int(exactly: mysql_stmt_affected_rows(statement.handle)) ?? 0
    }

    // MARK: Failures

    /// What went wrong last, and the end of the statement at hand; an error that comes between rows is the connection's.
    private func failure() -> MySQLError {
        var error = MySQLLink.error(of: handle)
        if let handle = statement?.handle, mysql_stmt_errno(handle) != 0 {
            error = MySQLError(
                mysql_stmt_errno(handle),
                state: String(cString: mysql_stmt_sqlstate(handle)),
                message: String(cString: mysql_stmt_error(handle))
            )
        }
        if error.isStale, let gone = statements.remove(sql) { doomed.append(gone) }
        giveUp()
        return error
    }

    private func giveUp() {
        // One that came to nothing is none of the known ones.
        if text != nil, let statement { doomed.append(statement) }
        dropText()
        statement = nil
        stage = .idle
    }

    // MARK: Text

    private func keep(_ text: String) {
        var text = text
        self.text = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { bytes in
                let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
                _ = copy.initialize(from: bytes)
                return copy
            }
        }
    }

    private func dropText() {
        text?.deallocate()
        text = nil
    }
}
#endif
