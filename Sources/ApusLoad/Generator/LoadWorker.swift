import ApusCore
import ApusHTTP
import ApusRuntime
import CLinux

// `@unchecked Sendable` is sound because only its loop's thread touches it; a run reaches it through the loop.
/// A run's part on one loop: its share of the arrivals, connections and counts of its own.
///
/// A ready-made request is a state machine from arrival to answer and starts no task; a visitor is a task on the loop.
final class LoadWorker: @unchecked Sendable {
    let loop: EventLoop
    let plan: LoadPlan
    let target: LoadTarget
    private let mix: Mix
    private let index: Int
    private let loops: Int

    /// What a read fills; nothing in it outlives the event.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    let table = HeaderTable.allocate()
    /// The ready-made request.
    let fixedBytes: UnsafeRawBufferPointer
    private let fixedMethod: Method

    private var connections: [LoadConnection?] = []
    private var freeSlots: [Int] = []
    private var idle: [LoadConnection] = []

    private var tally = Tally()
    private var kinds: [String: Int] = [:]
    private var sequence: ArrivalSequence?
    /// When the next arrival is due; `.max` after the last.
    private var next = Int64.max
    private var begun: Int64 = 0
    /// From when on requests count, and when a closed loop ends.
    private var counted: Int64 = 0
    private var ending: Int64 = 0
    private var hasTimer = false
    /// Until when arrivals were held since too many were under way: the target's doing, not lag of ours.
    private var heldUntil: Int64 = 0
    private var isHolding = false
    private let underWayMax: Int
    private(set) var underWay = 0
    private(set) var isOver = false
    private var visitors: [Int: Task<Void, Never>] = [:]
    private var visitorCount = 0
    private var done: UnsafeContinuation<Void, Never>?
    private var cpuBefore: Int64 = 0

    init(
        _ plan: LoadPlan,
        _ mix: Mix,
        target: LoadTarget,
        on loop: EventLoop,
        index: Int,
        of loops: Int
    ) throws(ClientError) {
        self.plan = plan
        self.mix = mix
        self.target = target
        self.loop = loop
        self.index = index
        self.loops = loops
        underWayMax = max(1, (plan.underWayMax + loops - 1 - index) / loops)
        var writer = ByteWriter(capacity: 512)
        if case .fixed(let request, _) = mix.content {
            try request.write(to: &writer, host: target.host)
            fixedMethod = request.method
        } else {
            fixedMethod = .get
        }
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: writer.count, alignment: 16)
        bytes.copyMemory(from: writer.bytes)
        fixedBytes = UnsafeRawBufferPointer(bytes)
        if case .fixed(_, let name) = mix.content { _ = kind(name) }
    }

    deinit {
        buffer.deallocate()
        table.deallocate()
        fixedBytes.deallocate()
    }

    // MARK: Beginning and ending

    /// Runs this loop's share, from `beginning` on; returns when the last answer is there or the run was given up.
    func run(from beginning: Instant) async {
        begun = beginning.nanoseconds
        counted = begun + plan.warmUp.nanoseconds
        cpuBefore = Self.threadNanoseconds
        await withUnsafeContinuation { continuation in
            done = continuation
            switch plan.driver {
            case .open(let arrivals):
                var sequence = ArrivalSequence(
                    arrivals.warmed(for: plan.warmUp),
                    loop: index,
                    of: loops,
                    seed: plan.seed
                )
                next = sequence.next().map { begun + $0 } ?? .max
                self.sequence = sequence
                pump(loop.preciseNow().nanoseconds)
            case .closed(let clients, let duration):
                ending = counted + duration.nanoseconds
                underWay += 1
                _ = loop.schedule(at: beginning) { [self] in
                    underWay -= 1
                    for number in 0..<clients where number % loops == index { startClosed() }
                }
            }
            endIfDone()
        }
        for connection in connections.compactMap({ $0 }) { drop(connection) }
    }

    /// Ends the run now: what is under way has timed out, what was not sent is counted.
    func giveUp() {
        isOver = true
        let now = loop.preciseNow().nanoseconds
        while next != .max {
            let due = next
            advance()
            guard due <= now, due >= counted else { continue }
            tally.arrivals += 1
            // Not one of the kinds that a journey knows: nobody got to ask.
            tally.kinds[kind(mix.unsentName)].failed(.unsent, after: now - due)
        }
        for task in visitors.values { task.cancel() }
        for connection in connections.compactMap({ $0 }) where connection.state != .idle {
            lost(connection, .timedOut, mayResend: false)
        }
        endIfDone()
    }

    private func endIfDone() {
        guard underWay == 0, next == .max, isOver || plan.isOpen || loop.preciseNow().nanoseconds >= ending,
            let waiting = done
        else { return }
        done = nil
        waiting.resume()
    }

    /// What was counted since the last time.
    func take() -> Tally {
        var taken = tally
        tally.kinds = tally.kinds.map { _ in KindTally() }
        tally.checks = [:]
        tally.arrivals = 0
        tally.finished = 0
        tally.abandoned = 0
        tally.resent = 0
        tally.connects = 0
        tally.lag = LatencyCounts()
        taken.underWay = underWay
        let now = Self.threadNanoseconds
        taken.cpu = now - cpuBefore
        cpuBefore = now
        return taken
    }

    private static var threadNanoseconds: Int64 { apus_thread_cpu() }

    // MARK: Arrivals

    /// Starts whoever is due.
    @inline(__always)
    private func pumpIfDue(_ now: Int64) {
        if now >= next { pump(now) }
    }

    private func pump(_ begin: Int64) {
        var now = begin
        while next <= now, !isOver {
            if underWay >= underWayMax {
                isHolding = true
                return
            }
            if isHolding {
                isHolding = false
                heldUntil = now
            }
            let due = next
            advance()
            if due >= counted {
                tally.arrivals &+= 1
                tally.lag.record(now &- max(due, heldUntil))
            }
            start(due: due)
            now = loop.preciseNow().nanoseconds
        }
        if next == .max { return endIfDone() }
        guard !hasTimer else { return }
        hasTimer = true
        _ = loop.schedule(at: Instant(nanoseconds: next)) { [self] in
            hasTimer = false
            pump(loop.preciseNow().nanoseconds)
        }
    }

    private func advance() { next = sequence?.next().map { begun &+ $0 } ?? .max }

    private func start(due: Int64) {
        underWay &+= 1
        if case .fixed = mix.content {
            startFixed(due: due)
        } else {
            startVisitor(due: due)
        }
    }

    // MARK: Ready-made requests

    private func startFixed(due: Int64) {
        if let connection = idle.popLast() {
            begin(connection, due)
        } else if let connection = connect() {
            begin(connection, due)
        } else {
            failedFixed(.unreachable, due: due)
        }
    }

    @inline(__always)
    private func begin(_ connection: LoadConnection, _ due: Int64) {
        connection.method = fixedMethod
        connection.begin(due: due, kind: 0, count: fixedBytes.count, deadline: loop.now + plan.timeLimit)
    }

    /// A ready-made request was answered.
    @inline(__always)
    func answered(_ connection: LoadConnection, _ status: Status, bytes: Int, keeps: Bool) {
        let now = loop.preciseNow().nanoseconds
        if connection.due >= counted {
            let failure: Failure? = status.isClientError || status.isServerError ? .status : nil
            tally.kinds[connection.kind].answered(status, failure, bytes: bytes, after: now &- connection.due)
        }
        if plan.isOpen {
            underWay &-= 1
            if keeps { park(connection) } else { drop(connection) }
            pumpIfDue(now)
            if next == .max { endIfDone() }
        } else if now < ending, !isOver {
            if keeps { return begin(connection, now) }
            drop(connection)
            startFixed(due: now)
        } else {
            underWay &-= 1
            if keeps { park(connection) } else { drop(connection) }
            endIfDone()
        }
    }

    private func failedFixed(_ failure: Failure, due: Int64) {
        let now = loop.preciseNow().nanoseconds
        if due >= counted { tally.kinds[0].failed(failure, after: now &- due) }
        underWay &-= 1
        if plan.isOpen {
            // A moment later, so that a target that refuses does not have us call ourselves without end.
            if isHolding { schedulePump() }
            if next == .max { endIfDone() }
        } else {
            restartClosed(now)
        }
    }

    private func schedulePump() {
        guard !hasTimer, next != .max else { return }
        hasTimer = true
        _ = loop.schedule(at: loop.preciseNow()) { [self] in
            hasTimer = false
            pump(loop.preciseNow().nanoseconds)
        }
    }

    // MARK: The closed loop

    private func startClosed() { start(due: loop.preciseNow().nanoseconds) }

    /// A client goes on; after a failure only a while later, so that a target that refuses is not stormed.
    private func restartClosed(_ now: Int64) {
        guard now < ending, !isOver else { return endIfDone() }
        underWay += 1
        _ = loop.schedule(at: loop.preciseNow() + .milliseconds(10)) { [self] in
            underWay -= 1
            let now = loop.preciseNow().nanoseconds
            if now < ending, !isOver { startClosed() } else { endIfDone() }
        }
    }

    // MARK: Visitors

    private func startVisitor(due: Int64) {
        let number = visitorCount * loops + index
        visitorCount += 1
        let visitor = Visitor(number: number, due: due, worker: self)
        guard let journey = mix.journey(at: Double.random(in: 0..<1, using: &visitor.random)) else { return }
        visitors[number] = Task(executorPreference: loop) { [self] in
            do {
                try await journey.body(visitor)
                left(number, due: due, hasFinished: true)
            } catch {
                left(number, due: due, hasFinished: false)
            }
        }
    }

    private func left(_ number: Int, due: Int64, hasFinished: Bool) {
        visitors[number] = nil
        underWay -= 1
        if due >= counted {
            if hasFinished { tally.finished += 1 } else { tally.abandoned += 1 }
        }
        let now = loop.preciseNow().nanoseconds
        if plan.isOpen {
            pumpIfDue(now)
            if next == .max { endIfDone() }
        } else if now < ending, !isOver {
            if hasFinished { startClosed() } else { restartClosed(now) }
        } else {
            endIfDone()
        }
    }

    /// The index of a kind of request, by what reports call it.
    func kind(_ name: String) -> Int {
        if let index = kinds[name] { return index }
        // A bound, so that a journey that names requests by their content does not grow without end.
        if kinds.count >= Self.kindsMax { return kind(Self.otherKinds) }
        let index = tally.kinds.count
        kinds[name] = index
        tally.kinds.append(KindTally())
        tally.names.append(name)
        return index
    }

    static let kindsMax = 200
    private static let otherKinds = "others"

    func check(_ what: String, _ holds: Bool) {
        if holds {
            tally.checks[what, default: CheckTally()].passed += 1
        } else {
            tally.checks[what, default: CheckTally()].failed += 1
        }
    }

    /// Sends a visitor's request and waits for its answer.
    ///
    /// - Throws: ``RequestFailed``, `ClientError` for what cannot be sent, `CancellationError` when the run is over.
    func send(_ request: ClientRequest, kind: Int, due: Int64, expecting: Expectation) async throws -> LoadResponse {
        guard !isOver else { throw CancellationError() }
        var output = ByteWriter(capacity: 512 + request.body.count)
        try request.write(to: &output, host: target.host)
        guard let connection = idle.popLast() ?? connect() else {
            count(.unreachable, kind: kind, due: due)
            throw RequestFailed(failure: .unreachable, response: nil)
        }
        connection.output.removeAll()
        connection.output.append(output.bytes)
        let result = await withUnsafeContinuation { continuation in
            connection.pending = LoadConnection.Pending(
                expecting: expecting,
                isRepeatable: request.isRepeatable,
                continuation: continuation
            )
            connection.isResent = false
            connection.method = request.method
            connection.begin(
                due: due,
                kind: kind,
                count: connection.output.count,
                deadline: loop.now + plan.timeLimit
            )
        }
        if isOver { throw CancellationError() }
        return try result.get()
    }

    /// A visitor's request was answered.
    func answered(
        _ connection: LoadConnection,
        _ pending: LoadConnection.Pending,
        _ response: LoadResponse,
        keeps: Bool
    ) {
        let now = loop.preciseNow().nanoseconds
        if connection.due >= counted {
            tally.kinds[connection.kind].answered(
                response.status,
                response.failure,
                bytes: response.body.count,
                after: now &- connection.due
            )
        }
        if keeps { park(connection) } else { drop(connection) }
        pending.continuation.resume(returning: .success(response))
        pumpIfDue(now)
    }

    private func count(_ failure: Failure, kind: Int, due: Int64) {
        if due >= counted { tally.kinds[kind].failed(failure, after: loop.preciseNow().nanoseconds &- due) }
    }

    // MARK: Connections

    private func connect() -> LoadConnection? {
        guard let channel = try? Channel.startConnecting(to: target.address, on: loop) else { return nil }
        let slot = freeSlots.popLast() ?? connections.count
        if slot == connections.count { connections.append(nil) }
        let connection = LoadConnection(channel, slot: slot, worker: self)
        connections[slot] = connection
        tally.connects += 1
        if channel.connectResult == .bytes(0) { connection.state = .busy }
        return connection
    }

    /// Whether the connection is still one of ours.
    @inline(__always)
    func holds(_ connection: LoadConnection) -> Bool { connections[connection.slot] === connection }

    @inline(__always)
    private func park(_ connection: LoadConnection) {
        connection.channel.setDeadline(.distantFuture)
        idle.append(connection)
    }

    private func drop(_ connection: LoadConnection) {
        guard holds(connection) else { return }
        connections[connection.slot] = nil
        freeSlots.append(connection.slot)
        if connection.state == .idle { idle.removeAll { $0 === connection } }
        connection.channel.close()
    }

    /// A connection has broken, or its answer did not come.
    ///
    /// One that had been idle, and that the target closed before it could see the request, is not the target's failure
    /// (RFC 9112, section 9.3.1): with `mayResend`, what may be sent twice is sent on another.
    func lost(_ connection: LoadConnection, _ failure: Failure, mayResend: Bool) {
        guard holds(connection) else { return }
        let (due, kind, wasIdle) = (connection.due, connection.kind, connection.state == .idle)
        let pending = connection.pending
        connection.pending = nil
        drop(connection)
        if wasIdle { return }
        let isRepeatable = pending?.isRepeatable ?? fixedMethod.isIdempotent
        if mayResend, isRepeatable, !connection.isResent, !isOver, let other = connect() {
            tally.resent += 1
            other.isResent = true
            other.pending = pending
            other.method = connection.method
            if pending != nil {
                other.output.append(connection.output.bytes)
            }
            other.begin(
                due: due,
                kind: kind,
                count: pending == nil ? fixedBytes.count : other.output.count,
                deadline: loop.now + plan.timeLimit
            )
            return
        }
        guard let pending else { return failedFixed(failure, due: due) }
        count(failure, kind: kind, due: due)
        pending.continuation.resume(returning: .failure(RequestFailed(failure: failure, response: nil)))
    }
}

extension LoadPlan {
    var isOpen: Bool { if case .open = driver { true } else { false } }
}

extension Mix {
    /// What a report calls arrivals for which there was no room.
    var unsentName: String { if case .fixed(_, let name) = content { name } else { "arrivals" } }
}
