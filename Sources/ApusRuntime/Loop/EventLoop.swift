public import ApusCore
public import CLinux
import Glibc

// `@unchecked Sendable` is sound because everything mutable here is either touched by the loop's own thread alone
// (checked by `isCurrent` where a foreign caller could come in) or guarded by `foreign`'s lock.
/// One thread that waits for sockets and timers and runs the tasks that prefer it.
///
/// A loop is a `TaskExecutor`: a task started with `Task(executorPreference: loop)` runs on the loop's thread, and so
/// do its child tasks and the default actors it calls. Sockets (``Channel``) belong to one loop and never leave it,
/// so a handler pays no thread hop between a byte's arrival and the answer.
///
/// Made by a ``LoopGroup``, or stood on a ``Machine`` by a simulation.
public final class EventLoop: TaskExecutor, @unchecked Sendable {
    /// The loop's number within its group, from 0.
    public let index: Int
    /// Where the loop reads time.
    public let clock: any Clock
    let machine: (any Machine)?

    /// What the loop's thread alone touches; in raw memory, which Swift does not check for exclusive access on every use.
    let own: UnsafeMutablePointer<LoopState>
    /// Channels by their simulated socket; empty on a real machine.
    var simulated: [Int32: UnsafeMutablePointer<ChannelState>] = [:]
    private let epoll: Int32
    private let wakeUp: Int32
    private let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: EventLoop.eventsMax)
    private static let eventsMax = 256
    private static let jobsPerTurnMax = 4096
    private static let drainsPerTurnMax = 4

    struct Foreign {
        var jobs: [UnownedJob] = []
        var bodies: [@Sendable () -> Void] = []
        var isWoken = false
        var isStopping = false
    }
    let foreign = Lock(Foreign())

    init(index: Int, machine: (any Machine)? = nil) throws {
        self.index = index
        self.machine = machine
        clock = machine?.clock ?? SystemClock()
        own = .allocate(capacity: 1)
        own.initialize(to: LoopState(now: clock.now().nanoseconds))
        if machine == nil {
            epoll = apus_epoll_create()
            wakeUp = apus_eventfd()
            guard epoll >= 0, wakeUp >= 0, apus_epoll_add(epoll, wakeUp, APUS_EPOLLIN | APUS_EPOLLET, 0) == 0 else {
                throw SystemError("epoll")
            }
        } else {
            epoll = -1
            wakeUp = -1
        }
    }

    /// A loop without a thread that stands on a simulated machine.
    public convenience init(index: Int, on machine: any Machine) throws {
        try self.init(index: index, machine: machine)
    }

    deinit {
        events.deallocate()
        own.deinitialize(count: 1)
        own.deallocate()
        if epoll >= 0 { close(epoll) }
        if wakeUp >= 0 { close(wakeUp) }
    }

    /// The loop whose thread this is, or `nil` on any other thread.
    public static var current: EventLoop? {
        guard let pointer = apus_get_current_loop() else { return nil }
        return Unmanaged<EventLoop>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// The time at which the turn of this thread's loop began, in nanoseconds; on a thread without a loop the machine's.
    ///
    /// It costs a load or two, where ``current`` and ``now`` count references.
    @inlinable
    @inline(__always)
    public static var turnNanoseconds: Int64 {
        if let time = apus_get_turn_time() { return time.pointee }
        return SystemClock().now().nanoseconds
    }

    /// True on the loop's own thread.
    @inline(__always)
    public var isCurrent: Bool { apus_get_current_loop() == Unmanaged.passUnretained(self).toOpaque() }

    /// The time at which this turn began; on other threads, and for the exact time, ask ``clock``.
    public var now: Instant { isCurrent ? Instant(nanoseconds: own.pointee.current) : clock.now() }

    /// The time now, read afresh.
    public func preciseNow() -> Instant {
        // The machine's own clock is asked directly, not through the protocol.
        machine == nil ? Instant(nanoseconds: apus_monotonic()) : clock.now()
    }

    // MARK: Jobs

    /// Takes a job of the concurrency runtime, from any thread.
    public func enqueue(_ job: UnownedJob) {
        if isCurrent {
            own.pointee.jobs.append(job)
        } else {
            wake { $0.jobs.append(job) }
        }
    }

    /// Runs `body` on the loop's thread, soon; from any thread.
    public func execute(_ body: @escaping @Sendable () -> Void) {
        wake { $0.bodies.append(body) }
    }

    /// Runs `body` once this turn's jobs have run, before the loop waits again.
    ///
    /// For work that a turn shares: one send for all the frames of a turn, one read transaction for all its reads.
    /// Only on the loop's own thread.
    public func atTurnEnd(_ body: @escaping () -> Void) {
        precondition(isCurrent, "atTurnEnd belongs to the loop's own thread")
        own.pointee.turnEnds.append(body)
    }

    private func wake(_ change: (inout Foreign) -> Void) {
        let mustWake = foreign.withLock { foreign in
            change(&foreign)
            if foreign.isWoken { return false }
            foreign.isWoken = true
            return true
        }
        guard mustWake else { return }
        if let machine {
            machine.wake(self)
        } else {
            var one: UInt64 = 1
            _ = write(wakeUp, &one, 8)
        }
    }

    // MARK: Turns

    /// Runs the loop on this thread until ``stop()``.
    func run() {
        becomeCurrent()
        defer { apus_set_current_loop(nil, nil) }
        while true {
            runTurn()
            if own.pointee.isStopping && mayStop { return }
            poll()
        }
    }

    /// From here on the loop is this thread's.
    func becomeCurrent() { apus_set_current_loop(Unmanaged.passUnretained(self).toOpaque(), own.pointee.time) }

    func stop() { wake { $0.isStopping = true } }

    private var mayStop: Bool {
        own.pointee.jobs.isEmpty && foreign.withLock { $0.jobs.isEmpty && $0.bodies.isEmpty }
    }

    /// Runs what is ready and returns; only for loops on a simulated machine.
    ///
    /// - Returns: When the loop wants its next turn: now while jobs are left, `Instant.distantFuture` for never.
    public func turn() -> Instant {
        precondition(machine != nil, "a loop with a thread turns itself")
        let outer = (apus_get_current_loop(), apus_get_turn_time())
        becomeCurrent()
        defer { apus_set_current_loop(outer.0, outer.1) }
        own.pointee.current = clock.now().nanoseconds
        fireTimers()
        takeForeign()
        runTurn()
        own.pointee.channels.batchEnded()
        return own.pointee.jobs.isEmpty ? Instant(nanoseconds: nextDeadline()) : clock.now()
    }

    private func runTurn() {
        drain()
        // Jobs that each want something done at the turn's end, and one another, would keep the loop from its sockets.
        var drainsLeft = Self.drainsPerTurnMax
        while !own.pointee.turnEnds.isEmpty {
            let bodies = own.pointee.turnEnds
            own.pointee.turnEnds.removeAll(keepingCapacity: true)
            for body in bodies { body() }
            if drainsLeft > 0 { drain() }
            drainsLeft -= 1
        }
    }

    private func takeForeign() {
        let (foreignJobs, bodies) = foreign.withLock { foreign in
            foreign.isWoken = false
            own.pointee.isStopping = foreign.isStopping
            if foreign.jobs.isEmpty && foreign.bodies.isEmpty { return ([UnownedJob](), [@Sendable () -> Void]()) }
            defer {
                foreign.jobs = []
                foreign.bodies = []
            }
            return (foreign.jobs, foreign.bodies)
        }
        for job in foreignJobs { own.pointee.jobs.append(job) }
        for body in bodies { body() }
    }

    /// Runs ready jobs, a bounded number, so that sockets are looked at again also under a flood of jobs.
    @inline(__always)
    private func drain() {
        let executor = asUnownedTaskExecutor()
        var left = Self.jobsPerTurnMax
        while left > 0, let job = own.pointee.jobs.popFirst() {
            job.runSynchronously(on: executor)
            left -= 1
        }
    }

    private func nextDeadline() -> Int64 {
        min(own.pointee.wheel.nextLook(), own.pointee.timers.next?.nanoseconds ?? .max)
    }

    private func poll() {
        var timeout: Int64 = 0
        if own.pointee.jobs.isEmpty {
            let next = nextDeadline()
            // Sockets' deadlines are coarse, so that this turn's time will do for them.
            let now = own.pointee.timers.next == nil ? own.pointee.current : apus_monotonic()
            timeout = next == .max ? -1 : max(0, next - now)
        }
        let count = apus_epoll_wait(epoll, events, Int32(Self.eventsMax), timeout)
        own.pointee.current = apus_monotonic()
        var index = 0
        while index < Int(count) {
            let data = apus_epoll_data(events + index)
            if data == 0 {
                var drained: UInt64 = 0
                _ = read(wakeUp, &drained, 8)
                takeForeign()
            } else if let state = UnsafeMutablePointer<ChannelState>(bitPattern: UInt(data)) {
                report(apus_epoll_events(events + index), to: state)
            }
            drain()
            index += 1
        }
        fireTimers()
        own.pointee.channels.batchEnded()
    }

    private func fireTimers() {
        if own.pointee.wheel.isDue(at: own.pointee.current) {
            // Callbacks arm and close channels, so the wheel is let go of first.
            var due: [UnsafeMutablePointer<ChannelState>] = []
            own.pointee.wheel.advance(to: own.pointee.current, due: &due)
            for state in due where state.pointee.isOpen { timeOut(state) }
        }
        while let body = own.pointee.timers.popDue(at: Instant(nanoseconds: own.pointee.current)) { body(true) }
    }

    private func timeOut(_ state: UnsafeMutablePointer<ChannelState>) {
        // An earlier callback of this turn may have moved the deadline.
        guard state.pointee.deadline <= own.pointee.current else { return own.pointee.wheel.arm(state) }
        if let callback = state.pointee.callback, let context = state.pointee.context {
            state.pointee.readDeadline = .max
            state.pointee.writeDeadline = .max
            callback(context, Channel.timedOutEvent)
            return
        }
        if state.pointee.readDeadline <= own.pointee.current, let waiter = state.pointee.readWaiter {
            state.pointee.readWaiter = nil
            state.pointee.readDeadline = .max
            waiter.resume(returning: .timedOut)
        }
        if state.pointee.writeDeadline <= own.pointee.current, let waiter = state.pointee.writeWaiter {
            state.pointee.writeWaiter = nil
            state.pointee.writeDeadline = .max
            waiter.resume(returning: .timedOut)
        }
    }

    /// Tells a channel what epoll, or the simulated machine, says of it.
    @inline(__always)
    func report(_ events: UInt32, to state: UnsafeMutablePointer<ChannelState>) {
        guard state.pointee.isOpen else { return }
        var events = events
        if let tls = state.pointee.tls {
            state.pointee.isDrained = false
            events = tls.pointee.translate(events)
        }
        if events & (APUS_EPOLLRDHUP | APUS_EPOLLHUP | APUS_EPOLLERR) != 0 { state.pointee.peerClosed = true }
        let readable = events & (APUS_EPOLLIN | APUS_EPOLLRDHUP | APUS_EPOLLHUP | APUS_EPOLLERR) != 0
        let writable = events & (APUS_EPOLLOUT | APUS_EPOLLHUP | APUS_EPOLLERR) != 0
        if readable { state.pointee.readReady = true }
        if writable { state.pointee.writeReady = true }
        if let callback = state.pointee.callback, let context = state.pointee.context {
            callback(context, events)
            return
        }
        if readable, let waiter = state.pointee.readWaiter {
            state.pointee.readWaiter = nil
            state.pointee.readDeadline = .max
            waiter.resume(returning: .ready)
        }
        if writable, let waiter = state.pointee.writeWaiter {
            state.pointee.writeWaiter = nil
            state.pointee.writeDeadline = .max
            waiter.resume(returning: .ready)
        }
    }

    /// Takes a descriptor in: edge-triggered, registered once for everything.
    func register(_ descriptor: Int32) throws -> UnsafeMutablePointer<ChannelState> {
        precondition(isCurrent, "a channel belongs to the loop's own thread")
        let state = own.pointee.channels.take(descriptor: descriptor, loop: self)
        if machine != nil {
            state.pointee.isSimulated = true
            state.pointee.isDetoured = true
            return state
        }
        let interest = APUS_EPOLLIN | APUS_EPOLLOUT | APUS_EPOLLRDHUP | APUS_EPOLLET
        guard apus_epoll_add(epoll, descriptor, interest, UInt64(UInt(bitPattern: state))) == 0 else {
            own.pointee.channels.give(state)
            throw SystemError("epoll_ctl")
        }
        return state
    }
}
