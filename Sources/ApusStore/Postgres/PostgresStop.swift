#if PostgreSQL
import ApusCore
import CPostgres

/// What it takes to have the server stop whatever a connection runs.
//
// `@unchecked Sendable` is sound because libpq's structure is never written after it was made, and PQcancel may be
// called by any thread (postgresql.org/docs/15/libpq-cancel.html).
final class PostgresStop: @unchecked Sendable {
    private let handle: OpaquePointer
    init(_ handle: OpaquePointer) { self.handle = handle }
    deinit { PQfreeCancel(handle) }

    /// Asks the server; blocks until it has taken the request.
    func ask() {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
            _ = PQcancel(handle, text.baseAddress, Int32(text.count))
        }
    }
}

/// A thread that asks servers to stop statements, because asking blocks.
///
/// Bounded: a server that takes no request holds up the ones behind it, and beyond ``waitingMax`` they are dropped. A
/// statement that nobody stopped ends with its connection, which its owner closes a little after its deadline.
final class PostgresStopper: Sendable {
    static let waitingMax = 64

    private struct State {
        var waiting: [PostgresStop] = []
        var isRunning = false
    }
    private let state = Lock(State())

    /// Has the server asked soon.
    func stop(_ link: PostgresLink) {
        let mustStart = state.withLock { state in
            guard state.waiting.count < Self.waitingMax else { return false }
            state.waiting.append(link.stop)
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
            let next: PostgresStop? = state.withLock { state in
                guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
                state.isRunning = false
                return nil
            }
            guard let next else { return }
            next.ask()
        }
    }
}
#endif
