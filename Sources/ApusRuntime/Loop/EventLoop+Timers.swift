public import ApusCore

extension EventLoop {
    /// A timer that was set, for taking it back.
    public struct Timer: Sendable, Hashable {
        let id: TimerID
    }

    /// Calls `body` on the loop at `deadline` or soon after.
    ///
    /// Only on the loop's own thread.
    public func schedule(at deadline: Instant, _ body: @escaping @Sendable () -> Void) -> Timer {
        precondition(isCurrent, "a loop's timers belong to its own thread")
        return Timer(id: own.pointee.timers.insert({ if $0 { body() } }, at: deadline))
    }

    /// Takes a timer back; harmless after it has fired.
    ///
    /// Only on the loop's own thread.
    public func cancel(_ timer: Timer) {
        precondition(isCurrent, "a loop's timers belong to its own thread")
        _ = own.pointee.timers.remove(timer.id)
    }

    /// Waits until `deadline`.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public func sleep(until deadline: Instant) async throws {
        let wait = SleepState()
        await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let start: @Sendable () -> Void = {
                    let id = self.own.pointee.timers.insert({ _ in continuation.resume() }, at: deadline)
                    let cancelled = wait.state.withLock { state in
                        state.id = id
                        return state.isCancelled
                    }
                    if cancelled, let body = self.own.pointee.timers.remove(id) { body(false) }
                }
                if isCurrent { start() } else { execute(start) }
            }
        } onCancel: {
            let id = wait.state.withLock { state in
                state.isCancelled = true
                return state.id
            }
            guard let id else { return }
            execute { if let body = self.own.pointee.timers.remove(id) { body(false) } }
        }
        try Task.checkCancellation()
    }

    /// Waits for `duration`.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public func sleep(for duration: Duration) async throws { try await sleep(until: now + duration) }

    private final class SleepState: Sendable {
        struct State {
            var id: TimerID?
            var isCancelled = false
        }
        let state = Lock(State())
    }
}
