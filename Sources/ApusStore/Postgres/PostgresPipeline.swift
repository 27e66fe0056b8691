#if PostgreSQL
/// What was sent on a connection and not yet answered, and what each answer means: a state machine without I/O.
///
/// Statements go out in batches that end with a sync. A batch is one transaction: the server commits it at the sync, and
/// the first failure undoes it and keeps what follows in it from being run. So reads, which lose nothing, are answered
/// as their rows come, and writes when the sync does. Who did not fail is run again.
///
/// - SeeAlso: postgresql.org/docs/15/libpq-pipeline-mode.html, and /protocol-flow.html, 55.2.4.
struct PostgresPipeline {
    /// What came from the server.
    enum Event {
        /// The answer of the command at the head.
        case answer(PostgresAnswer)
        /// The command at the head, or the commit, failed.
        case failure(PostgresError)
        /// The command at the head was not run because one before it had failed.
        case skipped
        /// Nothing more comes of the command at the head.
        case end
        /// The batch is over, and committed unless something failed.
        case sync
        /// The same, but a replica that should have confirmed the commit has not.
        case unconfirmed
    }

    /// What has to be done now.
    enum Order {
        case answer(PostgresCall, PostgresAnswer)
        case fail(PostgresCall, PostgresError)
        /// It was committed, and may be lost with the server.
        case unconfirmed(PostgresCall)
        /// Ask again: nothing of it was kept.
        case again(PostgresCall)
        /// The server does not have this statement, or not as it is needed.
        case forget(PostgresStatement)
    }

    private enum Sent {
        case prepare(PostgresStatement, PostgresCall)
        case call(PostgresStatement, PostgresCall)
        /// What goes before a call, and keeps it from being run where it fails.
        case gate(PostgresStatement, PostgresCall)
        /// Its answer matters to nobody.
        case control
        case sync
    }

    private var sent: [Sent] = []
    private var head = 0
    /// Statements on their way whose callers wait for them.
    private(set) var calls = 0
    /// Whether there is a batch without an end.
    private(set) var isOpen = false

    /// Of the batch at the head: writes that were run, statements that were not, and who failed.
    private var held: [(PostgresCall, PostgresAnswer)] = []
    private var skipped: [PostgresCall] = []
    private var failed: PostgresCall?
    private var failure: PostgresError?
    private var isUnconfirmed = false

    var isEmpty: Bool { head == sent.count }

    /// The statement that the server works on, as far as one can tell from here.
    var working: PostgresCall? {
        for entry in sent[head...] { if case .call(_, let call) = entry { return call } }
        return held.first?.0
    }

    func forEachCall(_ body: (PostgresCall) -> Void) {
        for (call, _) in held { body(call) }
        for entry in sent[head...] { if case .call(_, let call) = entry { body(call) } }
    }

    // MARK: Sending

    mutating func prepareSent(_ statement: PostgresStatement, for call: PostgresCall) {
        isOpen = true
        sent.append(.prepare(statement, call))
    }

    mutating func callSent(_ statement: PostgresStatement, _ call: PostgresCall) {
        isOpen = true
        calls += 1
        sent.append(.call(statement, call))
    }

    mutating func gateSent(_ statement: PostgresStatement, _ call: PostgresCall) {
        isOpen = true
        sent.append(.gate(statement, call))
    }

    mutating func controlSent() {
        isOpen = true
        sent.append(.control)
    }

    mutating func syncSent() {
        isOpen = false
        sent.append(.sync)
    }

    // MARK: Receiving

    mutating func received(_ event: Event, _ orders: inout [Order]) {
        guard head < sent.count else { return }
        switch (event, sent[head]) {
        case (.answer(let answer), .call(_, let call)):
            if call.isRead {
                calls -= 1
                orders.append(.answer(call, answer))
            } else {
                held.append((call, answer))
            }
        case (.answer, _): break
        case (.failure(let error), .prepare(let statement, let call)):
            orders.append(.forget(statement))
            blame(call, error)
        case (.failure(let error), .call(let statement, let call)),
            (.failure(let error), .gate(let statement, let call)):
            if error.isStale { orders.append(.forget(statement)) }
            blame(call, error)
        case (.failure(let error), _):
            if failure == nil { failure = error }
        case (.skipped, .prepare(let statement, _)): orders.append(.forget(statement))
        case (.skipped, .call(_, let call)): if call !== failed { skipped.append(call) }
        case (.skipped, _): break
        case (.end, .sync): break
        case (.end, _): pop()
        case (.sync, _), (.unconfirmed, _):
            if case .unconfirmed = event { isUnconfirmed = true }
            settle(&orders)
            pop()
        }
    }

    private mutating func blame(_ call: PostgresCall, _ error: PostgresError) {
        guard failure == nil else { return }
        failure = error
        failed = call
    }

    private mutating func pop() {
        head += 1
        if head == sent.count {
            sent.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 256 {
            sent.removeFirst(head)
            head = 0
        }
    }

    private mutating func settle(_ orders: inout [Order]) {
        defer { isUnconfirmed = false }
        guard let failure else {
            for (call, answer) in held { orders.append(isUnconfirmed ? .unconfirmed(call) : .answer(call, answer)) }
            calls -= held.count
            held.removeAll(keepingCapacity: true)
            return
        }
        var others = held.map(\.0)
        // A commit that fails is nobody's in particular; each for itself will show whose.
        if failed == nil, others.count == 1 { failed = others.removeFirst() }
        if failed == nil { for call in others { call.isAlone = true } }
        calls -= others.count + skipped.count
        for call in others + skipped { orders.append(.again(call)) }
        if let failed {
            calls -= 1
            // What a neighbour did may be why it failed, and the neighbour may yet fail itself.
            let wasShared = failed.shares && others.count + skipped.count > 0
            if wasShared || Self.mayRunAgain(failed, failure) {
                failed.isAlone = true
                orders.append(.again(failed))
            } else {
                orders.append(.fail(failed, failure))
            }
        }
        held.removeAll()
        skipped.removeAll()
        self.failed = nil
        self.failure = nil
    }

    private static func mayRunAgain(_ call: PostgresCall, _ error: PostgresError) -> Bool {
        if error.isCancel { return !call.isStopped && call.attempts < 4 }
        if error.isStale { return call.attempts < 2 }
        return error.isCollision && call.attempts < 10
    }

    /// Everything whose callers still wait, in order; the connection is gone.
    mutating func removeAll() -> [PostgresCall] {
        var left = held.map(\.0) + skipped
        if let failed { left.append(failed) }
        for entry in sent[head...] {
            if case .call(_, let call) = entry, !left.contains(where: { $0 === call }) { left.append(call) }
        }
        self = PostgresPipeline()
        return left.filter { !$0.isDone }
    }
}
#endif
