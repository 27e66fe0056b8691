import ApusCore
import CLinux

/// A thread that ends requests at their deadlines, also while a shard's own thread hangs in the disk.
///
/// It rests while nothing waits and looks every 10 ms while something does.
final class DeadlineWatcher: Sendable {
    private struct State {
        var queues: [WorkQueue] = []
        var isAwake = false
        var isStarted = false
        var isClosed = false
    }

    static let lookNanoseconds = 10_000_000
    /// How much longer than its deadline a commit may hang before its caller hears that the outcome is unknown.
    static let graceNanoseconds: Int64 = 2_000_000_000
    private let monitor = Monitor(State())
    private let awake = Cell()

    func add(_ queue: WorkQueue) { monitor.withLock { $0.queues.append(queue) } }

    /// Has the thread look after deadlines from now on.
    func wake() {
        if apus_acquire_load(awake.pointer) != 0 { return }
        let mustStart = monitor.withLock { state in
            apus_release_store(awake.pointer, 1)
            state.isAwake = true
            defer { state.isStarted = true }
            return !state.isStarted
        }
        monitor.signal()
        if mustStart {
            let started: Void? = try? StoreThread.start("store-watch") { [self] in run() }
            if started == nil { monitor.withLock { $0.isStarted = false } }
        }
    }

    func close() {
        monitor.withLock { state in
            state.isClosed = true
            state.queues = []
        }
        monitor.broadcast()
    }

    private func run() {
        while monitor.wait({ $0.isClosed ? false : ($0.isAwake ? true : nil) }) {
            let closed: Bool? = monitor.wait(nanoseconds: Self.lookNanoseconds) { $0.isClosed ? true : nil }
            if closed == true { return }
            let queues = monitor.withLock { $0.queues }
            if look(queues) { continue }
            // Said before the second look, so that a request that comes between them wakes us again.
            monitor.withLock { state in
                state.isAwake = false
                apus_release_store(awake.pointer, 0)
            }
            if look(queues) { wake() }
        }
    }

    /// True while there is anything to look after.
    private func look(_ queues: [WorkQueue]) -> Bool {
        var isBusy = false
        for queue in queues where queue.expire(grace: Self.graceNanoseconds) { isBusy = true }
        return isBusy
    }
}
