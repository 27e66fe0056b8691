#if MySQL
import CMariaDB

/// Prepared statements: made once a connection, then run with values in binary.
extension MySQLSession {
    func perform(_ sql: SQL) throws -> MySQLAnswer {
        let statement = try prepared(sql)
        try link.parameters.set(sql)
        guard link.parameters.bytes < link.messageMax - 1024 else {
            throw StoreError(.tooLarge, "\(name): more than the \(link.messageMax) B of its max_allowed_packet")
        }
        do {
            return try run(statement, sql)
        } catch let error as MySQLError {
            if error.isStale { try link.statements.remove(sql)?.close(wait) }
            throw failed(error)
        }
    }

    private func run(_ statement: MySQLStatement, _ sql: SQL) throws -> MySQLAnswer {
        if sql.parameters > 0, !link.parameters.bind(to: statement) { throw link.error(of: statement) }
        var failed: Int32 = 0
        var status = mysql_stmt_execute_start(&failed, statement.handle)
        while status != 0 { status = mysql_stmt_execute_cont(&failed, statement.handle, try wait(status)) }
        guard failed == 0 else { throw link.error(of: statement) }
        guard mysql_stmt_field_count(statement.handle) > 0, let rows = MySQLRows(statement) else {
            return MySQLAnswer(changed: changed(by: statement))
        }
        let isWhole = try fetch(rows, from: statement)
        try finish(statement)
        guard isWhole else {
            throw StoreError(.tooLarge, "more than \(configuration.rowsMax) rows; ask for pages")
        }
        return rows.answer(changed: changed(by: statement))
    }

    /// Takes all rows; false where there are more than may be.
    private func fetch(_ rows: MySQLRows, from statement: MySQLStatement) throws -> Bool {
        guard rows.bind(to: statement) else { throw link.error(of: statement) }
        while true {
            var found: Int32 = 0
            var status = mysql_stmt_fetch_start(&found, statement.handle)
            while status != 0 { status = mysql_stmt_fetch_cont(&found, statement.handle, try wait(status)) }
            if found == MYSQL_NO_DATA { return true }
            guard found == 0 || found == MYSQL_DATA_TRUNCATED else { throw link.error(of: statement) }
            if rows.count == configuration.rowsMax { return false }
            rows.take(from: statement)
            guard rows.bytes <= configuration.answerBytesMax else {
                close()
                throw StoreError(.tooLarge, "an answer of more than \(configuration.answerBytesMax) B; ask for pages")
            }
        }
    }

    /// Lets the rest of an answer go.
    private func finish(_ statement: MySQLStatement) throws {
        var failed = my_bool(0)
        var status = mysql_stmt_free_result_start(&failed, statement.handle)
        while status != 0 { status = mysql_stmt_free_result_cont(&failed, statement.handle, try wait(status)) }
        guard failed == 0 else { throw link.error(of: statement) }
    }

    /// A query changes nothing, which the library says by the largest number there is.
    private func changed(by statement: MySQLStatement) -> Int {
        Int(exactly: mysql_stmt_affected_rows(statement.handle)) ?? 0
    }

    // MARK: Preparing

    private func prepared(_ sql: SQL) throws -> MySQLStatement {
        if let found = link.statements.find(sql) { return found }
        let text = try MySQLDialect.text(sql, isInTransaction: isInTransaction)
        guard let handle = mysql_stmt_init(link.handle) else { throw StoreError(.tooLarge, "no memory to prepare") }
        let statement = MySQLStatement(handle, sql)
        do {
            try prepare(statement, text)
            guard mysql_stmt_param_count(handle) == UInt(sql.parameters) else {
                throw StoreError(.statementInvalid, "one statement with its parameters bound by interpolation")
            }
        } catch {
            let found = (error as? MySQLError).map { failed($0) } ?? error
            // On a connection that is closed already it waits for nobody.
            if isBroken { mysql_stmt_close(handle) } else { try statement.close(wait) }
            throw found
        }
        for gone in link.statements.insert(statement, for: sql) { try gone.close(wait) }
        return statement
    }

    private func prepare(_ statement: MySQLStatement, _ text: String) throws {
        var text = text
        let failed = try text.withUTF8 { bytes in
            try bytes.withMemoryRebound(to: CChar.self) { bytes in
                var failed: Int32 = 0
                var status = mysql_stmt_prepare_start(
                    &failed,
                    statement.handle,
                    bytes.baseAddress,
                    UInt(bytes.count)
                )
                while status != 0 { status = mysql_stmt_prepare_cont(&failed, statement.handle, try wait(status)) }
                return failed
            }
        }
        guard failed == 0 else { throw link.error(of: statement) }
    }
}
#endif
