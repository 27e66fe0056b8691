#if MySQL
import ApusCore
import ApusObserve
import ApusRuntime
import CLinux

/// One loop's connections to one shard for statements that stand alone: reads, or writes.
///
/// What finds no connection free waits, in order, each with its deadline. A connection that is lost is made again at the next
/// statement; while that does not succeed, statements fail at once, and trying again waits longer and longer.
//
// `@unchecked Sendable` is sound because everything mutable is touched by the loop's own thread alone; `submit`, `cancel` and
// `close` go there.
final class MySQLPool: ServerPool, @unchecked Sendable {
    private static let lookNanoseconds: Int64 = 50_000_000
    /// A connection that nobody needed for so long is closed, unless it is the only one.
    private static let idleNanoseconds: Int64 = 30_000_000_000
    private static let sendsMax = 4

    let loop: EventLoop
    let bounds: MySQLExchange.Bounds
    private let configuration: StoreConfiguration
    private let address: MySQLAddress
    private let whenLost: @Sendable () -> Void
    private let work: ServerWork
    private let stopper: ServerStopper
    private let statistics: ShardStatistics
    private let share: MySQLShare
    private let waitingMax: Int

    private var wires: [MySQLWire] = []
    private var waiting: [MySQLCall] = []
    private var head = 0
    /// Callers that go on at the end of the turn: what they do next is not to keep connections waiting that could have a statement.
    private var answered: [(MySQLCall.Continuation, MySQLAnswer)] = []
    private var connecting = 0
    /// Connections, made or on their way, that are of the share.
    private var shared = 0
    private var isClosed = false
    private var isLooking = false
    private var pause = ServerPause()
    private var whenClosed: (@Sendable () -> Void)?
    let waitingCount: UnsafeMutablePointer<UInt64>

    init(
        address: MySQLAddress,
        whenLost: @escaping @Sendable () -> Void,
        work: ServerWork,
        loop: EventLoop,
        configuration: StoreConfiguration,
        stopper: ServerStopper,
        share: MySQLShare,
        statistics: ShardStatistics
    ) {
        self.address = address
        self.whenLost = whenLost
        self.work = work
        self.loop = loop
        self.configuration = configuration
        self.stopper = stopper
        self.share = share
        self.statistics = statistics
        bounds = MySQLExchange.Bounds(configuration)
        waitingCount = .allocate(capacity: 1)
        waitingCount.initialize(to: 0)
        waitingMax = work.isReading ? configuration.readsWaitingMax : configuration.writesWaitingMax
    }

    deinit { waitingCount.deallocate() }

    // MARK: Asking

    /// Runs a statement, from any thread; it is stopped where its caller is cancelled.
    ///
    /// - Parameters:
    ///   - sql: The statement.
    ///   - kind: What may become of it.
    ///   - condition: What has to stand when it is sent.
    ///   - deadline: How long it may wait and work.
    /// - Returns: The answer.
    /// - Throws: ``StoreError``; ``MySQLCall/NotSent``.
    func perform(
        _ sql: SQL,
        _ kind: MySQLCall.Kind,
        while condition: MySQLCall.Condition? = nil,
        deadline: Duration
    ) async throws -> MySQLAnswer {
        let now = loop.preciseNow()
        let call = MySQLCall(
            sql,
            kind,
            condition,
            deadline: (now + deadline).nanoseconds,
            queuedAt: now.nanoseconds
        )
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                if loop.isCurrent {
                    submit(call, continuation)
                } else {
                    loop.execute { [self] in submit(call, continuation) }
                }
            }
        } onCancel: {
            loop.execute { [self] in cancel(call) }
        }
    }

    private func submit(_ call: MySQLCall, _ continuation: MySQLCall.Continuation) {
        call.continuation = continuation
        if let reason = call.stopping { return call.fail(reason) }
        if isClosed { return call.fail(StoreError(.closed, "the store is closed")) }
        if head == waiting.count, let wire = wires.first(where: \.isFree) {
            send(call, on: wire)
        } else {
            if wires.isEmpty, connecting == 0, let error = pause.error(at: loop.preciseNow()) {
                return call.fail(error)
            }
            guard waiting.count - head < waitingMax else {
                statistics.add(.refused)
                return call.fail(StoreError(.overloaded, "\(address.name): \(waitingMax) statements wait already"))
            }
            waiting.append(call)
            grow()
        }
        count()
        look()
    }

    private func send(_ call: MySQLCall, on wire: MySQLWire) {
        if let condition = call.condition, !condition.lease.stands(condition.token, at: condition.lease.now()) {
            return call.fail(MySQLCall.NotSent())
        }
        wire.send(call)
    }

    /// Nobody waits for a statement any more.
    private func cancel(_ call: MySQLCall) {
        let reason = StoreError(.cancelled, "the caller went away")
        if let wire = wires.first(where: { $0.call === call }) { return wire.stop(reason) }
        call.stopping = reason
        call.fail(reason)
        dropEnded()
    }

    /// Sends what waits, as far as connections are free.
    func pump() {
        while head < waiting.count {
            let call = waiting[head]
            guard let wire = wires.first(where: \.isFree) else {
                grow()
                break
            }
            head += 1
            send(call, on: wire)
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

    /// Takes out those that were answered where they stood, so that they take nobody's place.
    private func dropEnded() {
        waiting = waiting[head...].filter { !$0.isDone }
        head = 0
        count()
    }

    private func count() { apus_relaxed_store(waitingCount, UInt64(waiting.count - head)) }

    // MARK: What became of statements

    func answer(_ call: MySQLCall, _ answer: MySQLAnswer) {
        if call.isDone { return }
        switch call.kind {
        case .read: statistics.add(.pointReads)
        case .look: break
        case .write: note(call, isDone: true)
        }
        guard let continuation = call.take() else { return }
        if answered.isEmpty { loop.atTurnEnd { [self] in resume() } }
        answered.append((continuation, answer))
    }

    /// Has callers go on that have their answers.
    private func resume() {
        let due = answered
        answered.removeAll(keepingCapacity: true)
        for (continuation, answer) in due { continuation.resume(returning: answer) }
    }

    /// The server has refused a statement, or there is something wrong with it or its answer.
    func fail(_ call: MySQLCall, _ error: any Error) {
        if call.isDone { return }
        var found = StoreError(wrapping: error, "statement")
        if let error = error as? MySQLError {
            if mayRunAgain(call, error), loop.preciseNow().nanoseconds < call.deadline { return again(call) }
            found = error.storeError(address.name, isReader: work.isReading)
            if error.isCancel, let reason = call.stopping { found = reason }
        }
        if !call.isRead { note(call, isDone: false) }
        call.fail(found)
    }

    private func mayRunAgain(_ call: MySQLCall, _ error: MySQLError) -> Bool {
        if call.stopping != nil { return false }
        return error.isCollision || (error.isStale || error.isCancel) && call.attempts < Self.sendsMax
    }

    /// Has a statement asked again, before those that wait.
    private func again(_ call: MySQLCall) { waiting.insert(call, at: head) }

    /// A connection is gone: a read is asked again, and of a write nobody knows.
    func lost(_ wire: MySQLWire, _ call: MySQLCall?, _ error: MySQLError?) {
        remove(wire)
        whenLost()
        if let call, !call.isDone { lost(call, wire, error) }
        pump()
    }

    private func lost(_ call: MySQLCall, _ wire: MySQLWire, _ error: MySQLError?) {
        let found = error?.storeError(address.name, isReader: work.isReading)
        if let found, found.code == .tooLarge { return fail(call, found) }
        if call.isRead {
            if call.attempts < Self.sendsMax { return again(call) }
            return call.fail(wire.link.lost())
        }
        note(call, isDone: false)
        call.fail(
            StoreError(.outcomeUnknown, "\(address.name): the connection was lost before the answer", cause: found)
        )
    }

    func stop(_ link: MySQLLink) { stopper.stop(link, configuration) }

    private func note(_ call: MySQLCall, isDone: Bool) {
        let now = loop.preciseNow().nanoseconds
        statistics.add(isDone ? .requests : .failures)
        if isDone { statistics.add(.commits) }
        statistics.add(.queueNanoseconds, Int(call.sentAt - call.queuedAt))
        statistics.add(.commitNanoseconds, Int(now - call.sentAt))
        statistics.writeTimes?.record(now - call.queuedAt)
        if now - call.queuedAt > configuration.slowAfter.nanoseconds { statistics.add(.slow) }
        statistics.slow?.ended(call.sql, since: call.sentAt)
    }

    // MARK: Deadlines

    /// Looks after deadlines from now on, while there is anything to look after.
    private func look() {
        if isLooking { return }
        isLooking = true
        _ = loop.schedule(at: loop.now + .nanoseconds(Self.lookNanoseconds)) { [self] in
            isLooking = false
            expire()
            if head < waiting.count || wires.count > 1 || wires.contains(where: { !$0.isFree }) { look() }
        }
    }

    private func expire() {
        let now = loop.preciseNow().nanoseconds
        if waiting[head...].contains(where: { $0.deadline <= now }) {
            for call in waiting[head...] where call.deadline <= now { call.fail(StoreError.expired(address.name)) }
            dropEnded()
        }
        for wire in wires { wire.expire(at: now) }
        if wires.count > 1, let idle = wires.first(where: { $0.isFree && $0.usedAt < now - Self.idleNanoseconds }) {
            remove(idle)
            idle.close()
        }
        pump()
    }

    // MARK: Connections

    /// Makes another connection where more wait than are on their way.
    private func grow() {
        let all = wires.count + connecting
        guard all < configuration.pipelines, waiting.count - head > connecting,
            pause.error(at: loop.preciseNow()) == nil
        else { return }
        if all > 0 {
            guard share.take() else { return }
            shared += 1
        }
        connecting += 1
        let deadline = loop.preciseNow() + configuration.connectDeadline
        do {
            try StoreThread.start("store-connect") { [self, address, work, configuration] in
                let result = Result {
                    try MySQLLink.connect(
                        to: address.place,
                        work: work,
                        bytesMax: configuration.answerBytesMax,
                        by: deadline.nanoseconds
                    )
                }
                loop.execute { [self] in connected(result) }
            }
        } catch {
            connected(.failure(error))
        }
    }

    private func connected(_ result: Result<MySQLLink, any Error>) {
        connecting -= 1
        do {
            wires.append(try MySQLWire(try result.get(), pool: self))
            pause.succeeded()
            address.health.succeeded()
        } catch {
            let error = StoreError(wrapping: error, "connect")
            giveBack()
            pause.failed(error, at: loop.preciseNow(), chance: loop.random())
            address.health.failed(error)
            if wires.isEmpty, connecting == 0 {
                for call in waiting[head...] { call.fail(error) }
                dropEnded()
            }
        }
        pump()
    }

    /// Forgets a connection that is closed.
    func remove(_ wire: MySQLWire) {
        wires.removeAll { $0 === wire }
        giveBack()
    }

    private func giveBack() {
        while shared > max(0, wires.count + connecting - 1) {
            shared -= 1
            share.give()
        }
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
        guard head == waiting.count, connecting == 0, wires.allSatisfy(\.isFree), let done = whenClosed else { return }
        whenClosed = nil
        for wire in wires { wire.close() }
        wires = []
        giveBack()
        done()
    }
}
#endif
