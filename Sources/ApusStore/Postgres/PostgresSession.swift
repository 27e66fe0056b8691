#if PostgreSQL
import ApusCore
import CPostgres

/// A connection that runs statements for one thread, which waits for each answer.
///
/// The deadline and the caller's cancellation stop a statement on the server. A server that does not even take that
/// request loses the connection a little later.
final class PostgresSession: ServerSession {
    /// How much longer than its deadline a statement may take to be stopped.
    static let graceNanoseconds: Int64 = 1_000_000_000
    /// How often a waiting thread looks whether its caller is still there.
    static let lookNanoseconds: Int64 = 50_000_000

    enum Mode {
        /// For several reads that belong together.
        case reads
        /// For everything else; it is as if such transactions ran one after the other.
        case writes
        /// For a step of the schema, which locks what it changes.
        case schema

        // A server that is fenced off says by default that nothing is to be changed: that is not overruled here.
        fileprivate var text: String {
            switch self {
            case .reads: "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
            case .writes: "BEGIN ISOLATION LEVEL SERIALIZABLE"
            case .schema: "BEGIN ISOLATION LEVEL READ COMMITTED"
            }
        }
    }

    let link: PostgresLink
    let configuration: StoreConfiguration
    let stopper: ServerStopper
    let clock: any Clock

    /// Monotonic nanoseconds.
    var deadline = Int64.max
    /// Asked whether the caller still wants the answer.
    var item: WorkItem?
    /// Where slow statements are noted.
    var slow: SlowStatements?

    /// A BEGIN that goes out with the transaction's first command, whatever that is.
    var beginText: String?
    private(set) var isInTransaction = false
    private(set) var mode = Mode.writes
    /// Whether each statement of the transaction is undone alone when it fails.
    private var undoesStatements = false
    /// What made the server give up the open transaction.
    private(set) var failure: StoreError?
    /// The transaction ended through no fault of its own, and nothing of it was kept: the same again may succeed.
    var mustRunAgain = false
    /// A statement came after one that had failed: the same again must undo statements alone.
    private(set) var mustUndoStatements = false
    /// Where Citus spreads the rows: looks at statements of one key.
    var guardian: CitusGuard?
    /// Whether the transaction is of one key.
    private var isOfOneKey = false
    /// Told when the shard refuses a write that has not looked whether its key is still there.
    var whenRefused: (() -> Void)?
    /// Nothing more can be asked.
    private(set) var isBroken = false
    /// A transaction is uncertain only during its commit, which says so itself.
    var isUncertain: Bool { false }
    /// Why the statement at hand is being stopped, and until when an answer is waited for.
    var stopping: (reason: StoreError, until: Int64)?
    /// Bytes of the answer at hand that have come.
    var received = 0

    init(_ link: PostgresLink, configuration: StoreConfiguration, stopper: ServerStopper, clock: any Clock) {
        self.link = link
        self.configuration = configuration
        self.stopper = stopper
        self.clock = clock
    }

    var dialect: Dialect { .postgres }
    var name: String { link.name }

    /// True where the deadline or the caller ended the transaction.
    var wasStopped: Bool { stopping != nil }

    /// False where the server has ended the connection while nothing was asked, or is the primary no more.
    var isAlive: Bool {
        if !isBroken, !link.isCurrent || !link.isQuiet() { isBroken = true }
        return !isBroken
    }

    func close() {
        isBroken = true
        link.close()
    }

    // MARK: Transactions

    func begin(_ work: ServerWork, undoesStatements: Bool) {
        begin(work.isReading ? .reads : .writes, undoesStatements: undoesStatements)
    }

    func begin(_ mode: Mode, undoesStatements: Bool = false) {
        self.mode = mode
        beginText = mode.text
        isInTransaction = true
        self.undoesStatements = undoesStatements
        failure = nil
        mustRunAgain = false
        mustUndoStatements = false
        isOfOneKey = false
        stopping = nil
        _ = link.takeUnconfirmed()
    }

    /// Has what is at hand run again from its beginning.
    ///
    /// - Throws: ``StoreError`` with code `busy`, which nobody sees who has the time to run again.
    func runAgain() throws -> Never {
        mustRunAgain = true
        throw StoreError(.busy, "\(name): keys leave the shard; the transaction runs again")
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
        guard link.isCurrent else {
            mustRunAgain = true
            throw broken()
        }
        if guardian != nil { _ = link.takeWarning() }
        do {
            _ = try exchange(["COMMIT"])
        } catch let error as StoreError where isBroken {
            throw StoreError(.outcomeUnknown, "\(name): the connection was lost during the commit", cause: error)
        } catch let error as StoreError where guardian != nil {
            // A node that says that it lost against others has kept nothing, and no other node was asked to commit.
            if (error.cause as? PostgresError)?.state == "XX000", link.takeWarning()?.hasPrefix("40") == true {
                mustRunAgain = true
                throw StoreError(.busy, error.detail, cause: error)
            }
            throw Citus.outcome(of: error)
        }
        let isConfirmed = !link.takeUnconfirmed()
        if mode == .reads { return }
        guard isConfirmed else { throw StoreError.unconfirmed(name) }
        guard link.isCurrent else {
            throw StoreError(.outcomeUnknown, "\(name): another server became the primary during the commit")
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

    func enter(_ place: KeyPlace) { isOfOneKey = place.isKnown }

    /// - Throws: ``StoreError`` with code `statementInvalid`, before anything is sent.
    private func check(_ sql: SQL) throws { if isOfOneKey { try guardian?.check(sql) } }

    func execute(all statements: [SQL]) throws -> [Int] {
        if statements.isEmpty { return [] }
        for sql in statements { try check(sql) }
        let began = slow?.now() ?? 0
        defer { slow?.ended(statements[0], since: began) }
        return try asStatement { before, after in try exchange(before, all: statements, after).map(\.changed) }
    }

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
        try check(sql)
        let began = slow?.now() ?? 0
        defer { slow?.ended(sql, since: began) }
        return try run(sql)
    }

    private func run(_ sql: SQL) throws -> PostgresAnswer? {
        try asStatement { before, after in try exchange(before, sql, after) }
    }

    /// Runs something as one statement of the open transaction: what of it fails is undone alone, in this run of the
    /// transaction or in the next.
    ///
    /// - Parameter body: Gets the commands that go before the statement and behind it.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws; ``StoreError`` where the transaction has come to nothing already.
    func asStatement<Value>(_ body: (_ before: [String], _ after: [String]) throws -> Value) throws -> Value {
        if failure != nil {
            mustUndoStatements = true
            throw StoreError(.busy, "\(name): the transaction runs again")
        }
        if let stopping { throw stopping.reason }
        let isGuarded = undoesStatements && isInTransaction
        do {
            return try body(isGuarded ? ["SAVEPOINT statement"] : [], isGuarded ? ["RELEASE statement"] : [])
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
}
#endif
