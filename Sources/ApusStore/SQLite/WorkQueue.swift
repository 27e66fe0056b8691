import ApusCore
import CLinux

/// Requests that wait for a shard's threads: bounded, each with its deadline, each resumed exactly once.
final class WorkQueue: Sendable {
    private struct State {
        var waiting: [WorkItem] = []
        var head = 0
        /// Those of ``waiting`` that were answered where they stood: past their deadline, or cancelled.
        var ended = 0
        var running: [WorkItem] = []
        var isClosed = false

        var count: Int { waiting.count - head - ended }
    }

    let waitingMax: Int
    /// What is full, for the error: "writes of shard 3".
    let name: String
    private let clock: any Clock
    private let monitor = Monitor(State())
    /// How many requests were ever queued: changed under the lock, looked at without it.
    private let arrivals = Cell()
    /// Told about the first request after a rest, so that it looks after deadlines.
    private let watcher: DeadlineWatcher

    init(name: String, waitingMax: Int, clock: any Clock, watcher: DeadlineWatcher) {
        self.name = name
        self.waitingMax = waitingMax
        self.clock = clock
        self.watcher = watcher
        watcher.add(self)
    }

    /// How many requests wait.
    var count: Int { monitor.withLock { $0.count } }

    /// Queues a request and waits until it is done.
    ///
    /// - Parameters:
    ///   - deadline: How long it may wait and work.
    ///   - isStatement: Whether `body` runs one statement and does nothing else.
    ///   - isAlone: Whether it shares its transaction with no other request.
    ///   - body: The work.
    /// - Throws: What `body` throws; ``StoreError``.
    func perform(
        deadline: Duration,
        isStatement: Bool = false,
        isAlone: Bool = false,
        _ body: @escaping @Sendable (any SQLSession) throws -> Void
    ) async throws {
        let now = clock.now()
        let item = WorkItem(
            deadline: (now + deadline).nanoseconds,
            isStatement: isStatement,
            isAlone: isAlone,
            body: body
        )
        item.queuedAt = now.nanoseconds
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                item.continuation = continuation
                if let refusal = submit(item) {
                    item.fail(refusal)
                    item.resume()
                }
            }
        } onCancel: {
            cancel(item)
        }
    }

    private func submit(_ item: WorkItem) -> StoreError? {
        let refusal = monitor.withLock { state -> StoreError? in
            if item.isCancelled { return StoreError(.cancelled, "cancelled before it was queued") }
            if state.isClosed { return StoreError(.closed, "the store is closed") }
            if state.count >= waitingMax { return StoreError(.overloaded, "\(name): \(waitingMax) wait already") }
            // Behind one that waits long, many may have been answered: they do not pile up.
            if state.ended > waitingMax { Self.removeEnded(&state) }
            item.state = .queued
            state.waiting.append(item)
            apus_relaxed_add(arrivals.pointer, 1)
            return nil
        }
        if refusal == nil {
            monitor.signal()
            watcher.wake()
        }
        return refusal
    }

    private func cancel(_ item: WorkItem) {
        item.cancel()
        let wasQueued = monitor.withLock { state in
            guard item.state == .queued else { return false }
            item.state = .ended
            state.ended += 1
            return true
        }
        guard wasQueued else { return }
        item.fail(StoreError(.cancelled, "cancelled while it waited"))
        item.resume()
    }

    // MARK: For the threads

    /// Waits for a request; false once the queue is closed and empty.
    func awaitWork() -> Bool {
        monitor.wait { state in
            Self.dropEnded(&state)
            if state.count > 0 { return true }
            return state.isClosed ? false : nil
        }
    }

    /// How many requests were ever queued.
    var arrived: UInt64 { apus_relaxed_load(arrivals.pointer) }

    /// Looks for more requests than `arrived` without going to sleep, for so many nanoseconds of the machine's time.
    func spin(until arrived: UInt64, nanoseconds: Int64) {
        let clock = SystemClock()
        let end = clock.now() + .nanoseconds(nanoseconds)
        repeat {
            for _ in 0..<32 {
                if apus_relaxed_load(arrivals.pointer) >= arrived { return }
                apus_spin_pause()
            }
        } while clock.now() < end
    }

    /// Waits for a request for a bounded time; `nil` where none came.
    func awaitWork(nanoseconds: Int) -> Bool? {
        monitor.wait(nanoseconds: nanoseconds) { state -> Bool? in
            Self.dropEnded(&state)
            if state.count > 0 { return true }
            return state.isClosed ? false : nil
        }
    }

    /// Takes requests that wait, at most `max`, and has them run.
    ///
    /// One that is to be alone comes alone; whoever has others at hand leaves it with `shares`.
    func take(max: Int, shares: Bool = false) -> [WorkItem] {
        monitor.withLock { state in
            var taken: [WorkItem] = []
            while taken.count < max, state.head < state.waiting.count {
                let item = state.waiting[state.head]
                if item.state == .queued, item.isAlone, shares || !taken.isEmpty { break }
                state.head += 1
                guard item.state == .queued else {
                    state.ended -= 1
                    continue
                }
                item.state = .running
                taken.append(item)
                if item.isAlone { break }
            }
            if state.head == state.waiting.count {
                state.waiting.removeAll(keepingCapacity: true)
                state.head = 0
            } else if state.head > 1024 {
                state.waiting.removeFirst(state.head)
                state.head = 0
            }
            state.running.append(contentsOf: taken)
            return taken
        }
    }

    /// True where the next request shares its transaction with no other one.
    var isNextAlone: Bool {
        monitor.withLock { state in
            Self.dropEnded(&state)
            return state.count > 0 && state.waiting[state.head].isAlone
        }
    }

    /// Hands out the results of requests that ran; those whose callers were already answered are left out.
    func finish(_ items: [WorkItem]) {
        let ended = monitor.withLock { state -> [WorkItem] in
            let ended = items.filter { $0.state == .running }
            for item in ended { item.state = .ended }
            if items.count == state.running.count {
                state.running.removeAll(keepingCapacity: true)
            } else {
                let finished = Set(items.map(ObjectIdentifier.init))
                state.running.removeAll { finished.contains(ObjectIdentifier($0)) }
            }
            return ended
        }
        for item in ended { item.resume() }
    }

    /// Fails everything that waits.
    func failWaiting(_ error: StoreError) {
        while true {
            let items = take(max: .max)
            if items.isEmpty { return }
            for item in items { item.fail(error) }
            finish(items)
        }
    }

    /// Ends what is past its deadline; true while there is anything to look after.
    ///
    /// Waiting requests end with nothing done. Running ones are stopped by their own statement watch; one that hangs
    /// in the disk itself is given `grace` nanoseconds and then answered with `outcomeUnknown`.
    func expire(grace: Int64) -> Bool {
        let now = clock.now().nanoseconds
        let (expired, hung, isBusy) = monitor.withLock { state -> ([WorkItem], [WorkItem], Bool) in
            Self.dropEnded(&state)
            let expired = state.waiting[state.head...].filter { $0.state == .queued && $0.deadline <= now }
            for item in expired { item.state = .ended }
            state.ended += expired.count
            let hung = state.running.filter { $0.state == .running && $0.deadline < now - grace }
            for item in hung { item.state = .ended }
            return (expired, hung, state.count > 0 || !state.running.isEmpty)
        }
        for item in expired {
            item.fail(StoreError(.deadlineExceeded, "\(name): waited until its deadline"))
            item.resume()
        }
        for item in hung { item.resumeUnknown(StoreError(.outcomeUnknown, "\(name): the disk did not answer")) }
        return isBusy
    }

    /// Takes no more; what is queued is still done.
    func close() {
        monitor.withLock { $0.isClosed = true }
        monitor.broadcast()
    }

    private static func removeEnded(_ state: inout State) {
        state.waiting = state.waiting[state.head...].filter { $0.state == .queued }
        state.head = 0
        state.ended = 0
    }

    private static func dropEnded(_ state: inout State) {
        while state.head < state.waiting.count, state.waiting[state.head].state != .queued {
            state.head += 1
            state.ended -= 1
        }
        if state.head == state.waiting.count {
            state.waiting.removeAll(keepingCapacity: true)
            state.head = 0
        }
    }
}
