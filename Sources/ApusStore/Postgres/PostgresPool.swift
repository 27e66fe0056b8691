#if PostgreSQL
import ApusCore
import ApusObserve
import ApusRuntime
import CLinux

/// One loop's connections to one shard for statements that stand alone: reads, or writes.
///
/// What finds no room waits, in order, each with its deadline. A connection that is lost is made again at the next
/// statement; while that does not succeed, statements fail at once, and trying again waits longer and longer.
//
// `@unchecked Sendable` is sound because everything mutable is touched by the loop's own thread alone; `submit` and
// `close` go there.
final class PostgresPool: ServerPool, @unchecked Sendable {
    static let lookNanoseconds: Int64 = 50_000_000
    /// A connection that nobody needed for so long is closed, unless it is the only one.
    private static let idleNanoseconds: Int64 = 30_000_000_000
    private static let sendsMax = 4

    let loop: EventLoop
    let configuration: StoreConfiguration
    private let address: PostgresAddress
    private let whenLost: @Sendable () -> Void
    private let role: PostgresLink.Role
    private let stopper: ServerStopper
    private let statistics: ShardStatistics
    private let waitingMax: Int

    private var wires: [PostgresWire] = []
    private var waiting: [PostgresCall] = []
    private var head = 0
    private var connecting = 0
    private var isClosed = false
    private var isLooking = false
    private var pause = ServerPause()
    /// The how manyth primary the connections lead to.
    private var generation: UInt64 = 0
    /// Statements that must be asked again, before those that wait.
    private var returned: [PostgresCall] = []
    private var whenClosed: (@Sendable () -> Void)?
    /// How many statements wait; written by the loop alone.
    let waitingCount: UnsafeMutablePointer<UInt64>

    init(
        address: PostgresAddress,
        whenLost: @escaping @Sendable () -> Void,
        role: PostgresLink.Role,
        loop: EventLoop,
        configuration: StoreConfiguration,
        stopper: ServerStopper,
        statistics: ShardStatistics
    ) {
        self.address = address
        self.whenLost = whenLost
        self.role = role
        self.loop = loop
        self.configuration = configuration
        self.stopper = stopper
        self.statistics = statistics
        waitingCount = .allocate(capacity: 1)
        waitingCount.initialize(to: 0)
        waitingMax = role == .reader ? configuration.readsWaitingMax : configuration.writesWaitingMax
    }

    deinit { waitingCount.deallocate() }

    // MARK: Asking

    /// Runs a statement, from any thread.
    ///
    /// - Parameters:
    ///   - sql: The statement.
    ///   - kind: What may become of it.
    ///   - before: What lets it be sent.
    ///   - deadline: How long it may wait and work.
    /// - Returns: The answer.
    /// - Throws: ``StoreError``.
    func perform(
        _ sql: SQL,
        _ kind: PostgresCall.Kind,
        _ before: PostgresCall.Before = .nothing,
        deadline: Duration
    ) async throws -> PostgresAnswer {
        let now = loop.preciseNow()
        let call = PostgresCall(
            sql,
            kind,
            before,
            deadline: (now + deadline).nanoseconds,
            queuedAt: now.nanoseconds
        )
        return try await withUnsafeThrowingContinuation { continuation in
            call.continuation = continuation
            if loop.isCurrent {
                submit(call)
            } else {
                loop.execute { [self] in submit(call) }
            }
        }
    }

    private func submit(_ call: PostgresCall) {
        if isClosed { return call.fail(StoreError(.closed, "the store is closed")) }
        if address.generation != generation { followPrimary() }
        if head == waiting.count, let wire = wire(for: call) {
            wire.send(call)
            if returned.isEmpty { return look() }
        } else {
            if wires.isEmpty, connecting == 0, let error = pause.error(at: loop.preciseNow()) {
                return call.fail(error)
            }
            guard waiting.count - head < waitingMax else {
                statistics.add(.refused)
                return call.fail(StoreError(.overloaded, "\(address.name): \(waitingMax) statements wait already"))
            }
            waiting.append(call)
            if !call.shares || wires.isEmpty { grow() }
        }
        count()
        look()
    }

    /// The connection with the fewest statements on their way that takes one more.
    @inline(__always)
    private func wire(for call: PostgresCall) -> PostgresWire? {
        if wires.count == 1 { return takes(wires[0], call) ? wires[0] : nil }
        var best: PostgresWire?
        for wire in wires where takes(wire, call) {
            if wire.depth == 0 { return wire }
            if wire.depth < best?.depth ?? .max { best = wire }
        }
        return best
    }

    /// Shared writes gather while a connection commits: the next batch is what has come meanwhile.
    @inline(__always)
    private func takes(_ wire: PostgresWire, _ call: PostgresCall) -> Bool {
        guard call.shares else { return wire.depth < configuration.pipelineDepth }
        return wire.depth == 0 || wire.gathers && wire.depth < configuration.groupMax
    }

    /// Sends what waits, as far as there is room.
    func pump() {
        takeBack()
        while head < waiting.count {
            let call = waiting[head]
            guard call.isDone || wire(for: call).map({ $0.send(call) }) != nil else { break }
            head += 1
            takeBack()
        }
        if head == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 1024 {
            waiting.removeFirst(head)
            head = 0
        }
        count()
        if isClosed { finishClosing() }
    }

    private func count() { apus_relaxed_store(waitingCount, UInt64(waiting.count - head)) }

    // MARK: What became of statements

    func answer(_ call: PostgresCall, _ answer: PostgresAnswer) {
        if call.isDone { return }
        guard answer.rows <= configuration.rowsMax else {
            return call.fail(StoreError(.tooLarge, "more than \(configuration.rowsMax) rows; ask for pages"))
        }
        switch call.kind {
        case .read: statistics.add(.pointReads)
        case .look: break
        case .write, .sharedWrite: note(call, isDone: true)
        }
        call.succeed(answer)
    }

    func fail(_ call: PostgresCall, _ error: PostgresError, on wire: PostgresWire) {
        if call.isDone { return }
        if !call.isRead { note(call, isDone: false) }
        if error.state == "25006", role != .reader { address.members?.lookSoon() }
        let isExpired = error.isCancel && call.isStopped
        call.fail(isExpired ? .expired(address.name) : error.storeError(address.name, isReader: role == .reader))
    }

    /// The server has committed, and stopped waiting for a replica: should another one become the primary, it may be gone.
    func unconfirmed(_ call: PostgresCall) {
        if call.isDone { return }
        note(call, isDone: false)
        call.fail(.unconfirmed(address.name))
    }

    /// Has a statement asked again, before those that wait.
    func again(_ call: PostgresCall) {
        if call.isDone { return }
        guard call.deadline > loop.preciseNow().nanoseconds else { return call.fail(.expired(address.name)) }
        returned.append(call)
    }

    private func takeBack() {
        if returned.isEmpty { return }
        waiting.insert(contentsOf: returned, at: head)
        returned.removeAll()
    }

    /// A connection is gone: reads are asked again, and of writes nobody knows.
    func lost(_ wire: PostgresWire, _ calls: [PostgresCall], _ code: StoreError.Code) {
        wires.removeAll { $0 === wire }
        whenLost()
        for (index, call) in calls.enumerated() {
            if code == .tooLarge, index == 0 {
                call.fail(
                    StoreError(.tooLarge, "an answer of more than \(configuration.answerBytesMax) B; ask for pages")
                )
            } else if !call.isRead {
                note(call, isDone: false)
                call.fail(StoreError(.outcomeUnknown, "\(address.name): the connection was lost before the answer"))
            } else if call.attempts < Self.sendsMax {
                again(call)
            } else {
                call.fail(wire.link.lost())
            }
        }
        takeBack()
        if head < waiting.count { grow() }
        count()
    }

    func stop(_ link: PostgresLink) { stopper.stop(link) }

    private func note(_ call: PostgresCall, isDone: Bool) {
        let spent = loop.preciseNow().nanoseconds - call.queuedAt
        statistics.add(isDone ? .requests : .failures)
        if isDone { statistics.add(.commits) }
        statistics.writeTimes?.record(spent)
        if spent > configuration.slowAfter.nanoseconds { statistics.add(.slow) }
        statistics.slow?.ended(call.sql, since: call.queuedAt)
    }

    // MARK: Deadlines

    /// Looks after deadlines from now on, while there is anything to look after.
    private func look() {
        if isLooking { return }
        isLooking = true
        _ = loop.schedule(at: loop.now + .nanoseconds(Self.lookNanoseconds)) { [self] in
            isLooking = false
            expire()
            if head < waiting.count || wires.count > 1 || wires.contains(where: { $0.depth > 0 }) { look() }
        }
    }

    private func expire() {
        if address.generation != generation { followPrimary() }
        let now = loop.preciseNow().nanoseconds
        for call in waiting[head...] where !call.isDone && call.deadline <= now {
            call.fail(.expired(address.name))
        }
        for wire in wires { wire.expire(at: now) }
        if wires.count > 1, let idle = wires.first(where: { $0.depth == 0 && $0.usedAt < now - Self.idleNanoseconds }) {
            wires.removeAll { $0 === idle }
            idle.close()
        }
        pump()
    }

    // MARK: Connections

    /// Makes another connection where what waits is too much for those there are and on their way.
    private func grow() {
        let count = waiting.count - head
        guard wires.count + connecting < configuration.pipelines, count > connecting * configuration.pipelineDepth,
            pause.error(at: loop.preciseNow()) == nil
        else { return }
        connecting += 1
        let deadline = (loop.preciseNow() + configuration.connectDeadline).nanoseconds
        do {
            try StoreThread.start("store-connect") { [self, address, role] in
                let result = Result { try address.connect(role, by: deadline) }
                loop.execute { [self] in connected(result) }
            }
        } catch {
            connected(.failure(error))
        }
    }

    private func connected(_ result: Result<PostgresLink, any Error>) {
        connecting -= 1
        do {
            let link = try result.get()
            // One that leads to where the primary was is made again.
            if link.isCurrent {
                wires.append(try PostgresWire(link, pool: self))
                pause.succeeded()
                address.health.succeeded()
            }
        } catch {
            let error = StoreError(wrapping: error, "connect")
            pause.failed(error, at: loop.preciseNow(), chance: loop.random())
            address.health.failed(error)
            if wires.isEmpty, connecting == 0 {
                for call in waiting[head...] { call.fail(error) }
            }
        }
        pump()
        if head < waiting.count { grow() }
    }

    /// Gives up the connections to a server that is the primary no more.
    private func followPrimary() {
        generation = address.generation
        pause.succeeded()
        for wire in wires where !wire.link.isCurrent { wire.lose() }
    }

    // MARK: Closing

    /// Takes no more, and closes the connections once all answers are there; then calls `done`.
    ///
    /// From any thread.
    func close(_ done: @escaping @Sendable () -> Void) {
        loop.execute { [self] in
            isClosed = true
            whenClosed = done
            finishClosing()
        }
    }

    private func finishClosing() {
        guard head == waiting.count, connecting == 0, wires.allSatisfy({ $0.depth == 0 }), let done = whenClosed else {
            return
        }
        whenClosed = nil
        for wire in wires { wire.close() }
        wires = []
        done()
    }
}

/// A shard's pools, one a loop that asked.
typealias PostgresPools = ServerPools<PostgresPool>
#endif
