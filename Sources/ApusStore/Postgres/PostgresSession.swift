#if PostgreSQL
import ApusCore
import CPostgres
import Glibc

/// A connection that runs statements for one thread, which waits for each answer.
///
/// The deadline and the caller's cancellation stop a statement on the server. A server that does not even take that
/// request loses the connection a little later.
final class PostgresSession: SQLSession {
    /// How much longer than its deadline a statement may take to be stopped.
    static let graceNanoseconds: Int64 = 1_000_000_000
    /// How often a waiting thread looks whether its caller is still there.
    private static let lookNanoseconds: Int64 = 50_000_000

    enum Mode {
        /// For several reads that belong together.
        case reads
        /// For everything else; it is as if such transactions ran one after the other.
        case writes

        fileprivate var text: String {
            switch self {
            case .reads: "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
            case .writes: "BEGIN ISOLATION LEVEL SERIALIZABLE, READ WRITE"
            }
        }
    }

    private let link: PostgresLink
    private let configuration: StoreConfiguration
    private let stopper: PostgresStopper
    private let clock: any Clock

    /// Monotonic nanoseconds.
    var deadline = Int64.max
    /// Asked whether the caller still wants the answer.
    var item: WorkItem?
    /// Where slow statements are noted.
    var slow: SlowStatements?

    /// A BEGIN that goes out with the transaction's first statement.
    private var beginText: String?
    private var isInTransaction = false
    private var mode = Mode.writes
    /// Whether each statement of the transaction is undone alone when it fails.
    private var undoesStatements = false
    /// What made the server give up the open transaction.
    private(set) var failure: StoreError?
    /// The transaction ended through no fault of its own, and nothing of it was kept: the same again may succeed.
    private(set) var mustRunAgain = false
    /// A statement came after one that had failed: the same again must undo statements alone.
    private(set) var mustUndoStatements = false
    /// Nothing more can be asked.
    private(set) var isBroken = false
    /// Why the statement at hand is being stopped, and until when an answer is waited for.
    private var stopping: (reason: StoreError, until: Int64)?
    private var received = 0

    init(_ link: PostgresLink, configuration: StoreConfiguration, stopper: PostgresStopper, clock: any Clock) {
        self.link = link
        self.configuration = configuration
        self.stopper = stopper
        self.clock = clock
    }

    var dialect: Dialect { .postgres }
    var name: String { link.name }

    /// True where the deadline or the caller ended the transaction.
    var wasStopped: Bool { stopping != nil }

    /// False where the server has ended the connection while nothing was asked.
    var isAlive: Bool {
        if !isBroken, !link.isQuiet() { isBroken = true }
        return !isBroken
    }

    func close() {
        isBroken = true
        link.close()
    }

    // MARK: Transactions

    func begin(_ mode: Mode, undoesStatements: Bool = false) {
        self.mode = mode
        beginText = mode.text
        isInTransaction = true
        self.undoesStatements = undoesStatements
        failure = nil
        mustRunAgain = false
        mustUndoStatements = false
        stopping = nil
    }

    /// Commits what the transaction did.
    ///
    /// - Throws: ``StoreError``; `outcomeUnknown` where the server did not say.
    func commit() throws {
        if let failure { throw failure }
        if let stopping { throw stopping.reason }
        isInTransaction = false
        if beginText != nil {
            beginText = nil
            return
        }
        do {
            _ = try exchange(["COMMIT"])
        } catch let error as StoreError where isBroken {
            throw StoreError(.outcomeUnknown, "\(name): the connection was lost during the commit", cause: error)
        }
    }

    /// Undoes the open transaction, if there is one.
    func rollback() {
        defer { stopping = nil }
        isInTransaction = false
        if beginText != nil {
            beginText = nil
            return
        }
        guard !isBroken, PQtransactionStatus(link.handle) != PQTRANS_IDLE else { return }
        // Not stopped by what stopped the transaction, but not for ever.
        let before = (deadline, item)
        stopping = nil
        (deadline, item) = (clock.now().nanoseconds + Self.graceNanoseconds, nil)
        defer { (deadline, item) = before }
        do {
            _ = try exchange(["ROLLBACK"])
        } catch {
            close()
        }
    }

    /// Takes or gives back a lock that other sessions of the same database see.
    func control(_ text: String) throws { _ = try exchange([text]) }

    // MARK: SQLSession

    func execute(_ sql: SQL) throws -> Int { try timed(sql)?.changed ?? 0 }

    func query(_ sql: SQL, _ body: (inout RowReader) throws -> Bool) throws { try query(sql, skipping: 0, body) }

    func query(_ sql: SQL, skipping: Int, _ body: (inout RowReader) throws -> Bool) throws {
        guard let answer = try timed(sql) else { return }
        guard answer.rows <= configuration.rowsMax else {
            throw StoreError(.tooLarge, "more than \(configuration.rowsMax) rows; ask for pages")
        }
        var reader = RowReader(answer, first: skipping)
        while answer.next() {
            reader.rewind()
            if try !body(&reader) { return }
        }
    }

    private func timed(_ sql: SQL) throws -> PostgresAnswer? {
        let began = slow?.now() ?? 0
        defer { slow?.ended(sql, since: began) }
        return try run(sql)
    }

    private func run(_ sql: SQL) throws -> PostgresAnswer? {
        if failure != nil {
            mustUndoStatements = true
            throw StoreError(.busy, "\(name): the transaction runs again")
        }
        if let stopping { throw stopping.reason }
        var before: [String] = []
        if let text = beginText { before.append(text) }
        let isGuarded = undoesStatements && isInTransaction
        if isGuarded { before.append("SAVEPOINT statement") }
        do {
            return try exchange(before, sql, isGuarded ? ["RELEASE statement"] : [])
        } catch {
            guard isInTransaction, beginText == nil, !isBroken else { throw error }
            if isGuarded, !mustRunAgain, stopping == nil {
                _ = try exchange(["ROLLBACK TO statement", "RELEASE statement"])
            } else if PQtransactionStatus(link.handle) == PQTRANS_INERROR {
                failure = StoreError(wrapping: error, "statement")
            }
            throw error
        }
    }

    // MARK: Sending and receiving

    private enum Sent {
        case control
        case prepare(PostgresStatement)
        case statement(PostgresStatement)
    }

    /// Sends commands, and a statement among them, together and waits for the answers; one failure keeps the later ones
    /// from being run.
    ///
    /// - Returns: The statement's answer, if there is one.
    private func exchange(
        _ before: [String],
        _ sql: SQL? = nil,
        _ after: [String] = []
    ) throws -> PostgresAnswer? {
        guard !isBroken else { throw link.lost() }
        // What can be wrong with the statement itself is found before anything is sent.
        var text: String?
        if let sql {
            try link.parameters.set(sql)
            if link.statements.find(sql) == nil { text = try PostgresStatements.text(sql) }
        }
        var sent: [Sent] = []
        for command in before { try send(command, &sent) }
        beginText = nil
        if let sql { try send(sql, text, &sent) }
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

    private func receive(_ sent: [Sent]) throws -> PostgresAnswer? {
        received = 0
        var rest = sent[...]
        var answer: PostgresAnswer?
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
                return try settle(answer, error)
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK:
                if case .statement = rest.first { answer = PostgresAnswer(result) } else { PQclear(result) }
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

    private func settle(_ answer: PostgresAnswer?, _ error: PostgresError?) throws -> PostgresAnswer? {
        guard let error else {
            if let stopping, isInTransaction { throw stopping.reason }
            return answer
        }
        if error.isCancel, let stopping { throw stopping.reason }
        // A request to stop an earlier statement can come late and hit another one.
        if error.isCollision || error.isStale || error.isCancel { mustRunAgain = true }
        throw error.storeError(name, isReader: isInTransaction && mode == .reads)
    }

    /// Waits for something to read, and reads it.
    private func awaitInput() throws {
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
        guard PostgresLink.wait(PQsocket(link.handle), for: flushed == 1 ? POLLIN | POLLOUT : POLLIN, by: until) else {
            return
        }
        received += link.bytesWaiting
        guard received <= configuration.answerBytesMax else {
            close()
            throw StoreError(.tooLarge, "an answer of more than \(configuration.answerBytesMax) B; ask for pages")
        }
        guard PQconsumeInput(link.handle) == 1 else { throw broken() }
    }

    private func reasonToStop(_ now: Int64) -> StoreError? {
        if item?.isCancelled == true { return StoreError(.cancelled, "the caller went away") }
        if now >= deadline { return StoreError(.deadlineExceeded, "stopped at its deadline") }
        return nil
    }

    private func broken() -> StoreError {
        close()
        return link.lost()
    }
}
#endif
