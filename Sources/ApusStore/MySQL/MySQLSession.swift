#if MySQL
import ApusCore

/// A connection that runs statements for one thread, which waits for each answer.
///
/// The deadline and the caller's cancellation stop a statement on the server, by KILL QUERY from another connection. A
/// request to stop can come late and would hit the next statement: so whatever was stopped is the connection's last. A
/// server that does not even take that request loses the connection a little later.
final class MySQLSession: ServerSession {
    /// How much longer than its deadline a statement may take to be stopped.
    static let graceNanoseconds: Int64 = 1_000_000_000
    /// How often a waiting thread looks whether its caller is still there.
    static let lookNanoseconds: Int64 = 50_000_000
    /// Bytes of rows that go out together.
    private static let bulkBytes = 1 << 20

    let link: MySQLLink
    let configuration: StoreConfiguration
    let clock: any Clock
    private let stopper: ServerStopper
    let bounds: MySQLExchange.Bounds

    var deadline = Int64.max
    var item: WorkItem?
    /// Where slow statements are noted.
    var slow: SlowStatements?

    /// True from the begin to the end of several statements that belong together.
    private(set) var isInTransaction = false
    /// Told when the shard refuses a write that has not looked whether its key is still there.
    var whenRefused: (() -> Void)?
    /// Whether the connection says that it has looked.
    private var hasLooked = false
    /// The server has something to commit or to undo.
    var isOpen = false
    private(set) var failure: StoreError?
    private(set) var mustRunAgain = false
    /// A statement that fails is undone alone by the server.
    var mustUndoStatements: Bool { false }
    private(set) var isBroken = false
    private(set) var isUncertain = false
    /// Why the statement at hand is being stopped, and until when an answer is waited for.
    private(set) var stopping: (reason: StoreError, until: Int64)?

    init(_ link: MySQLLink, configuration: StoreConfiguration, stopper: ServerStopper, clock: any Clock) {
        self.link = link
        self.configuration = configuration
        self.stopper = stopper
        self.clock = clock
        bounds = MySQLExchange.Bounds(configuration)
    }

    var dialect: Dialect { .mysql }
    var name: String { link.place.name }
    var wasStopped: Bool { stopping != nil }

    var isAlive: Bool {
        if !isBroken, !link.isQuiet() { close() }
        return !isBroken
    }

    func close() {
        isBroken = true
        link.close()
    }

    // MARK: Transactions

    func begin(_ work: ServerWork, undoesStatements: Bool) {
        isInTransaction = work.isTransaction
        isOpen = false
        failure = nil
        mustRunAgain = false
        isUncertain = false
        stopping = nil
    }

    /// Says to the shard whether what follows has looked if its key is still there.
    func setLooked(_ looked: Bool) throws {
        if looked == hasLooked { return }
        try control("SET @apus_looked = \(looked ? "1" : "NULL")")
        hasLooked = looked
    }

    /// Has what is at hand run again from its beginning.
    ///
    /// - Throws: ``StoreError`` with code `busy`, which nobody sees who has the time to run again.
    func runAgain() throws -> Never {
        mustRunAgain = true
        throw StoreError(.busy, "\(name): keys leave the shard; the transaction runs again")
    }

    func commit() throws {
        if let failure { throw failure }
        if isInTransaction, let stopping { throw stopping.reason }
        defer { if stopping != nil { close() } }
        isInTransaction = false
        guard isOpen else { return }
        isOpen = false
        do {
            try control("COMMIT")
        } catch let error as StoreError where isBroken || stopping != nil {
            close()
            throw StoreError(.outcomeUnknown, "\(name): the connection was lost during the commit", cause: error)
        }
    }

    func rollback() {
        isInTransaction = false
        if stopping != nil { close() }
        guard !isBroken, isOpen else { return }
        isOpen = false
        // Not stopped by what stopped the transaction, but not for ever.
        let before = (deadline, item)
        (deadline, item) = (clock.now().nanoseconds + Self.graceNanoseconds, nil)
        defer { (deadline, item) = before }
        do {
            try control("ROLLBACK")
        } catch {
            close()
        }
        if stopping != nil { close() }
    }

    // MARK: SQLSession

    func execute(_ sql: SQL) throws -> Int { try answer(to: sql).changed }

    func query(_ sql: SQL, _ body: (inout RowReader) throws -> Bool) throws { try query(sql, skipping: 0, body) }

    func query(_ sql: SQL, skipping: Int, _ body: (inout RowReader) throws -> Bool) throws {
        let answer = try answer(to: sql)
        var reader = RowReader(answer, first: skipping)
        while answer.next() {
            reader.rewind()
            if try !withExtendedLifetime(answer, { try body(&reader) }) { return }
        }
    }

    func insert(into table: String, _ columns: [String], _ next: () throws -> [SQLValue]?) throws -> Int {
        try asStatement { try control("SAVEPOINT bulk") }
        do {
            let count = try BulkInsert.run(on: self, table, columns, bytesMax: Self.bulkBytes, next)
            try control("RELEASE SAVEPOINT bulk")
            return count
        } catch {
            if !isBroken, failure == nil, stopping == nil { try control("ROLLBACK TO SAVEPOINT bulk") }
            throw error
        }
    }

    /// Runs a statement of the program.
    func answer(to sql: SQL) throws -> MySQLAnswer {
        let began = slow?.now() ?? 0
        defer { slow?.ended(sql, since: began) }
        return try asStatement { try perform(sql) }
    }

    func control(_ text: String) throws { try ask(text) }

    /// Runs a command of ours and gives the last value of its answer's first row.
    @discardableResult
    func ask(_ text: String) throws -> String? {
        guard !isBroken else { throw link.lost() }
        do {
            return try link.run(text, wait)
        } catch let error as MySQLError {
            throw failed(error)
        }
    }

    /// Runs something as a statement of what is at hand, which may have come to nothing already.
    private func asStatement<Value>(_ body: () throws -> Value) throws -> Value {
        guard !isBroken else { throw stopping?.reason ?? link.lost() }
        if let failure { throw failure }
        if let stopping { throw stopping.reason }
        if let reason = reasonToStop(clock.now().nanoseconds) { throw reason }
        if isInTransaction { isOpen = true }
        do {
            let value = try body()
            // What came too late for a transaction is undone with it; alone, it is done.
            if let stopping, isInTransaction { throw stopping.reason }
            return value
        } catch {
            guard isBroken, !isInTransaction, link.work == .statements, !isUncertain else { throw error }
            let found = StoreError(wrapping: error, "statement")
            if found.code == .tooLarge { throw found }
            isUncertain = true
            throw StoreError(.outcomeUnknown, "\(name): the connection was lost before the answer", cause: found)
        }
    }

    // MARK: Waiting

    /// Waits until the library can go on.
    ///
    /// - Throws: ``StoreError`` where the server does not answer, also not to the request to stop.
    func wait(_ asked: Int32) throws -> Int32 {
        while true {
            let now = clock.now().nanoseconds
            if stopping == nil, let reason = reasonToStop(now) {
                stopping = (reason, now + Self.graceNanoseconds)
                stopper.stop(link, configuration)
            }
            if let stopping, now >= stopping.until {
                close()
                throw stopping.reason
            }
            let until = min(now + Self.lookNanoseconds, stopping?.until ?? deadline)
            if MySQLLink.isReady(link.handle, asked, by: until) { return asked }
        }
    }

    private func reasonToStop(_ now: Int64) -> StoreError? {
        if item?.isCancelled == true { return StoreError(.cancelled, "the caller went away") }
        if now >= deadline { return StoreError(.deadlineExceeded, "stopped at its deadline") }
        return nil
    }

    /// What an error of the server means for what is at hand.
    func failed(_ error: MySQLError) -> StoreError {
        let found = error.storeError(name, isReader: link.work.isReading)
        if error.endsConnection {
            close()
            return found.code == .tooLarge ? found : stopping?.reason ?? link.lost()
        }
        if error.isCancel, let stopping { return stopping.reason }
        if error.isCollision || error.isStale || error.isCancel { mustRunAgain = true }
        if error.isNotLooked, isInTransaction, let whenRefused {
            mustRunAgain = true
            whenRefused()
        }
        if isInTransaction, error.endsTransaction || mustRunAgain { failure = found }
        return found
    }
}
#endif
