#if PostgreSQL
import ApusCore
import CPostgres
import Glibc

/// Sending commands and waiting for their answers.
extension PostgresSession {
    private enum Sent {
        case control
        case prepare(PostgresStatement)
        case statement(PostgresStatement)
    }

    /// Sends commands, and a statement among them, together and waits for the answers; one failure keeps the later ones
    /// from being run.
    ///
    /// - Returns: The statement's answer, if there is one.
    func exchange(
        _ before: [String],
        _ sql: SQL? = nil,
        _ after: [String] = []
    ) throws -> PostgresAnswer? {
        try exchange(before, all: sql.map { [$0] } ?? [], after).first
    }

    /// The same with several statements.
    ///
    /// - Returns: The statements' answers.
    func exchange(_ before: [String], all statements: [SQL], _ after: [String]) throws -> [PostgresAnswer] {
        guard !isBroken else { throw link.lost() }
        // What can be wrong with a statement itself is found before anything is sent.
        for sql in statements {
            try link.parameters.set(sql)
            if link.statements.find(sql) == nil { _ = try PostgresStatements.text(sql) }
        }
        var sent: [Sent] = []
        if let text = beginText { try send(text, &sent) }
        beginText = nil
        for command in before { try send(command, &sent) }
        for sql in statements {
            try link.parameters.set(sql)
            try send(sql, link.statements.find(sql) == nil ? try PostgresStatements.text(sql) : nil, &sent)
        }
        for command in after { try send(command, &sent) }
        guard PQpipelineSync(link.handle) == 1 else { throw broken() }
        return try receive(sent)
    }

    private func send(_ command: String, _ sent: inout [Sent]) throws {
        guard PQsendQueryParams(link.handle, command, 0, nil, nil, nil, nil, 1) == 1 else { throw broken() }
        sent.append(.control)
    }

    /// Sends a statement, which is new to the connection where `text` is given.
    private func send(_ sql: SQL, _ text: String?, _ sent: inout [Sent]) throws {
        if let text {
            if link.statements.isFull {
                try send("DEALLOCATE ALL", &sent)
                link.statements.removeAll()
            }
            let statement = link.statements.insert(sql)
            guard link.prepare(statement, text) else { throw broken() }
            sent.append(.prepare(statement))
        }
        guard let statement = link.statements.find(sql), link.run(statement) else { throw broken() }
        sent.append(.statement(statement))
    }

    private func receive(_ sent: [Sent]) throws -> [PostgresAnswer] {
        received = 0
        var rest = sent[...]
        var answers: [PostgresAnswer] = []
        var error: PostgresError?
        while true {
            while PQisBusy(link.handle) == 1 { try awaitInput() }
            guard let result = PQgetResult(link.handle) else {
                rest = rest.dropFirst()
                continue
            }
            let status = PQresultStatus(result)
            switch status {
            case PGRES_PIPELINE_SYNC:
                PQclear(result)
                return try settle(answers, error)
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK:
                if case .statement = rest.first { answers.append(PostgresAnswer(result)) } else { PQclear(result) }
            case PGRES_PIPELINE_ABORTED:
                PQclear(result)
                if case .prepare(let statement) = rest.first { link.statements.forget(statement) }
            default:
                let found = status == PGRES_EMPTY_QUERY ? PostgresError(state: "42601") : PostgresError(result)
                PQclear(result)
                if error == nil { error = found }
                switch rest.first {
                case .prepare(let statement): link.statements.forget(statement)
                case .statement(let statement) where found.isStale: link.statements.forget(statement)
                default: break
                }
                if PQstatus(link.handle) == CONNECTION_BAD || found.endsConnection { throw broken() }
            }
        }
    }

    func settle<Answer>(_ answer: Answer, _ error: PostgresError?) throws -> Answer {
        guard let error else {
            if let stopping, isInTransaction { throw stopping.reason }
            return answer
        }
        if error.isCancel, let stopping { throw stopping.reason }
        // A request to stop an earlier statement can come late and hit another one.
        if error.isCollision || error.isStale || error.isCancel { mustRunAgain = true }
        if error.state == "25006", mode != .reads { link.members?.lookSoon() }
        if error.state == PostgresShard.notLooked, let whenRefused {
            mustRunAgain = true
            whenRefused()
        }
        throw error.storeError(name, isReader: isInTransaction && mode == .reads)
    }

    /// Waits for something to read, and reads it.
    func awaitInput() throws {
        let flushed = PQflush(link.handle)
        guard flushed >= 0 else { throw broken() }
        let now = clock.now().nanoseconds
        if stopping == nil, let reason = reasonToStop(now) {
            stopping = (reason, now + Self.graceNanoseconds)
            stopper.stop(link)
        }
        if let stopping, now >= stopping.until {
            close()
            throw stopping.reason
        }
        let until = min(now + Self.lookNanoseconds, stopping?.until ?? deadline)
        guard ServerSocket.wait(PQsocket(link.handle), for: flushed == 1 ? POLLIN | POLLOUT : POLLIN, by: until) else {
            return
        }
        received += link.bytesWaiting
        guard received <= configuration.answerBytesMax else {
            close()
            throw StoreError(.tooLarge, "an answer of more than \(configuration.answerBytesMax) B; ask for pages")
        }
        guard PQconsumeInput(link.handle) == 1 else { throw broken() }
    }

    func reasonToStop(_ now: Int64) -> StoreError? {
        if item?.isCancelled == true { return StoreError(.cancelled, "the caller went away") }
        if now >= deadline { return StoreError(.deadlineExceeded, "stopped at its deadline") }
        return nil
    }

    func broken() -> StoreError {
        close()
        return link.lost()
    }
}
#endif
