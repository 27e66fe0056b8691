#if PostgreSQL
import ApusCore
import ApusRuntime
import CLinux
import CPostgres
import Glibc

/// A pool's connection on its loop: sends statements as they come, ends a batch with the loop's turn, hands answers out.
//
// `@unchecked Sendable` is sound because only the loop's own thread uses it, from ``open`` on.
final class PostgresWire: @unchecked Sendable {
    let link: PostgresLink
    private unowned let pool: PostgresPool
    private let channel: Channel
    private(set) var pipeline = PostgresPipeline()
    private var orders: [PostgresPipeline.Order] = []
    /// Memory for the orders that come while others are carried out.
    private var spare: [PostgresPipeline.Order] = []
    private var isEndScheduled = false
    private var isFlushing = false
    private var isShared = false
    private var isGated = false
    /// Bytes read since the last answer.
    private var received = 0
    private(set) var isOpen = true
    /// Monotonic nanoseconds: when it last had something to do.
    private(set) var usedAt: Int64
    /// Until when the server may take to stop a statement.
    private var stopsBy = Int64.max

    /// Takes a connection onto the loop; only on the loop's own thread.
    ///
    /// - Throws: `SystemError` where the kernel gives no more descriptors.
    init(_ link: PostgresLink, pool: PostgresPool) throws {
        self.link = link
        self.pool = pool
        usedAt = pool.loop.now.nanoseconds
        // libpq closes its socket itself, so the loop gets a descriptor of its own for it.
        let descriptor = apus_fcntl_int(PQsocket(link.handle), F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else { throw SystemError("dup") }
        channel = try Channel(adopting: descriptor, on: pool.loop)
        channel.setCallback(
            { context, _ in Unmanaged<PostgresWire>.fromOpaque(context).takeUnretainedValue().ready() },
            context: Unmanaged.passUnretained(self).toOpaque()
        )
    }

    /// Statements on their way.
    @inline(__always)
    var depth: Int { pipeline.calls }

    // MARK: Sending

    /// True while shared writes can join the batch of this turn.
    var gathers: Bool { isShared && pipeline.isOpen }

    /// Sends a statement with this turn's others; one that cannot be sent fails at once.
    func send(_ call: PostgresCall) {
        // A gate lets everything of its transaction through.
        if !call.isRead, pipeline.isOpen, !(call.shares && isShared && call.isGated == isGated) { endBatch() }
        guard isOpen else { return pool.again(call) }
        if case .lease(let lease, let token) = call.before, !lease.stands(token, at: lease.now()) {
            return call.fail(PostgresError(state: PostgresShard.leaseOver).storeError(link.name, isReader: false))
        }
        (isShared, isGated) = (call.shares, call.isGated)
        // First what may be wrong with the statement: a gate that was sent is followed by it.
        guard let statement = ready(call.sql, for: call) else { return }
        if case .gate(let gate) = call.before {
            guard let before = ready(gate, for: call) else { return }
            guard link.run(before) else { return lose(with: call) }
            pipeline.gateSent(before, call)
            do { try link.parameters.set(call.sql) } catch { return lose(with: call) }
        }
        run(statement, call)
    }

    /// A statement that the server knows, or is about to, with its values set; `nil` where the call has ended instead.
    private func ready(_ sql: SQL, for call: PostgresCall) -> PostgresStatement? {
        let text: String
        do {
            try link.parameters.set(sql)
            if let statement = link.statements.find(sql) { return statement }
            text = try PostgresStatements.text(sql)
        } catch {
            call.fail(StoreError(wrapping: error, "statement"))
            return nil
        }
        if link.statements.isFull {
            // In a batch of its own, so that no failure of a statement undoes it.
            endBatch()
            guard PQsendQueryParams(link.handle, "DEALLOCATE ALL", 0, nil, nil, nil, nil, 1) == 1 else {
                lose(with: call)
                return nil
            }
            link.statements.removeAll()
            pipeline.controlSent()
            endBatch()
        }
        let statement = link.statements.insert(sql)
        guard link.prepare(statement, text) else {
            lose(with: call)
            return nil
        }
        pipeline.prepareSent(statement, for: call)
        return statement
    }

    private func run(_ statement: PostgresStatement, _ call: PostgresCall) {
        guard link.run(statement) else { return lose(with: call) }
        call.attempts += 1
        pipeline.callSent(statement, call)
        if call.isRead || call.shares { return scheduleEnd() }
        endBatch()
    }

    private func scheduleEnd() {
        if isEndScheduled { return }
        isEndScheduled = true
        pool.loop.atTurnEnd { [self] in
            isEndScheduled = false
            if isOpen { endBatch() }
        }
    }

    private func endBatch() {
        guard pipeline.isOpen else { return }
        guard PQpipelineSync(link.handle) == 1 else { return lose() }
        pipeline.syncSent()
        flush()
    }

    private func flush() {
        let flushed = PQflush(link.handle)
        if flushed < 0 { return lose() }
        isFlushing = flushed == 1
    }

    // MARK: Receiving

    /// Something changed: reads what there is and hands answers out.
    private func ready() {
        guard isOpen else { return }
        guard link.isCurrent else { return lose() }
        // Callers that are resumed here may do anything, closing this included.
        withExtendedLifetime(self) {
            if isFlushing { flush() }
            usedAt = pool.loop.now.nanoseconds
            var extra = PQsslInUse(link.handle) == 1 ? 2 : 0
            while isOpen {
                guard PQconsumeInput(link.handle) == 1 else { return lose() }
                drain()
                guard isOpen else { return }
                if pipeline.isEmpty, !channel.isPeerClosed { break }
                let waiting = link.bytesWaiting
                received += waiting
                guard received <= pool.configuration.answerBytesMax else { return lose(.tooLarge) }
                if waiting > 0 { continue }
                if channel.isPeerClosed, extra <= 0 { return lose() }
                // What TLS has unpacked already does not wait in the socket.
                if extra == 0 { break }
                extra -= 1
            }
            carryOut()
            pool.pump()
        }
    }

    /// Takes all whole answers.
    private func drain() {
        while !pipeline.isEmpty, PQisBusy(link.handle) == 0 {
            guard let result = PQgetResult(link.handle) else {
                pipeline.received(.end, &orders)
                continue
            }
            received = 0
            pipeline.received(event(of: result), &orders)
            if PQstatus(link.handle) == CONNECTION_BAD { return lose() }
        }
    }

    private func event(of result: OpaquePointer) -> PostgresPipeline.Event {
        let status = PQresultStatus(result)
        switch status {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK: return .answer(PostgresAnswer(result))
        case PGRES_PIPELINE_SYNC:
            PQclear(result)
            return link.takeUnconfirmed() ? .unconfirmed : .sync
        case PGRES_PIPELINE_ABORTED:
            PQclear(result)
            return .skipped
        default:
            defer { PQclear(result) }
            return .failure(status == PGRES_EMPTY_QUERY ? PostgresError(state: "42601") : PostgresError(result))
        }
    }

    private func carryOut() {
        while !orders.isEmpty {
            var due = orders
            orders = spare
            spare = []
            for order in due {
                switch order {
                case .answer(let call, let answer): pool.answer(call, answer)
                case .fail(let call, let error): pool.fail(call, error, on: self)
                case .unconfirmed(let call): pool.unconfirmed(call)
                case .again(let call): pool.again(call)
                case .forget(let statement): link.statements.forget(statement)
                }
            }
            due.removeAll(keepingCapacity: true)
            spare = due
        }
        if pipeline.isEmpty { stopsBy = .max }
    }

    // MARK: Ending

    /// Looks after deadlines.
    ///
    /// A read ends at its own: it has come to nothing. A write ends when the server says what became of it, or a little
    /// after its deadline with the connection. The server is asked to stop what it works on.
    func expire(at now: Int64) {
        let grace = PostgresSession.graceNanoseconds
        var isOver = now >= stopsBy
        pipeline.forEachCall { call in
            guard !call.isDone, call.deadline <= now else { return }
            if call.isRead { return call.fail(StoreError.expired(link.name)) }
            if call.deadline <= now - grace { isOver = true }
        }
        if isOver { return lose() }
        guard let working = pipeline.working, working.deadline <= now, !working.isStopped else { return }
        working.isStopped = true
        stopsBy = now + grace
        pool.stop(link)
    }

    private func lose(with call: PostgresCall) {
        pool.again(call)
        lose()
    }

    /// Gives the connection up; whoever waits for it is asked again or told.
    func lose(_ code: StoreError.Code = .unreachable) {
        guard isOpen else { return }
        close()
        carryOut()
        pool.lost(self, pipeline.removeAll(), code)
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        channel.close()
        link.close()
    }
}
#endif
