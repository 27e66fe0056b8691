import ApusCore

/// A thread that asks servers to stop statements, because asking blocks.
///
/// Bounded: a server that takes no request holds up the ones behind it, and beyond ``waitingMax`` they are dropped. A
/// statement that nobody stopped ends with its connection, which its owner closes a little after its deadline.
final class ServerStopper: Sendable {
    static let waitingMax = 64

    private struct State {
        var waiting: [@Sendable () -> Void] = []
        var isRunning = false
    }
    private let state = Lock(State())

    /// Has a server asked soon, by `request`, which blocks for a bounded time.
    func ask(_ request: @escaping @Sendable () -> Void) {
        let mustStart = state.withLock { state in
            guard state.waiting.count < Self.waitingMax else { return false }
            state.waiting.append(request)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard mustStart else { return }
        do {
            try StoreThread.start("store-stop") { [self] in run() }
        } catch {
            state.withLock { $0 = State() }
        }
    }

    /// Works until nothing waits.
    private func run() {
        while true {
            let next: (@Sendable () -> Void)? = state.withLock { state in
                guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
                state.isRunning = false
                return nil
            }
            guard let next else { return }
            next()
        }
    }
}
