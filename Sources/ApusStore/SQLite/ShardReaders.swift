import ApusCore

/// A shard's reader threads: scans and everything that is not asked on a loop, one read transaction a request.
final class ShardReaders: Sendable {
    let queue: WorkQueue
    private let path: String
    private let configuration: StoreConfiguration
    private let clock: any Clock
    private let statistics: ShardStatistics
    private let running: Monitor<State>
    /// Which file the path names: another number, and it is opened anew.
    private let copy: @Sendable () -> UInt64

    private struct State {
        var isStarted = false
        var threads = 0
    }

    init(
        path: String,
        queue: WorkQueue,
        configuration: StoreConfiguration,
        clock: any Clock,
        statistics: ShardStatistics,
        copy: @escaping @Sendable () -> UInt64 = { 0 }
    ) {
        self.path = path
        self.queue = queue
        self.configuration = configuration
        self.clock = clock
        self.statistics = statistics
        self.copy = copy
        running = Monitor(State())
    }

    /// Starts the threads if they do not run yet.
    func start() throws {
        let mustStart = running.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard mustStart else { return }
        for _ in 0..<configuration.readerThreads {
            running.withLock { $0.threads += 1 }
            do {
                try StoreThread.start("store-read") { [self] in
                    run()
                    running.withLock { $0.threads -= 1 }
                    running.broadcast()
                }
            } catch {
                running.withLock { state in
                    state.threads -= 1
                    state.isStarted = state.threads > 0
                }
                throw error
            }
        }
    }

    /// Waits, for a bounded time, until the threads have done what was queued.
    ///
    /// Call after the queue was closed.
    func awaitEnd(nanoseconds: Int) -> Bool {
        running.wait(nanoseconds: nanoseconds) { $0.threads > 0 ? nil : true } ?? false
    }

    private func run() {
        var connection: SQLiteConnection?
        var opened = copy()
        while queue.awaitWork() {
            let now = copy()
            if now != opened { (connection, opened) = (nil, now) }
            let items = queue.take(max: 1)
            for item in items {
                do {
                    let session =
                        try connection ?? SQLiteConnection(path: path, configuration: configuration, isReader: true)
                    connection = session
                    session.slow = statistics.slow
                    session.watch.begin(deadline: item.deadline, item: item)
                    try session.beginRead()
                    _ = item.run(on: session)
                    session.watch.end()
                    try session.commit()
                    // It may have opened the file of before with the log of now.
                    if copy() != opened { item.fail(StoreError(.busy, "the file was exchanged meanwhile")) }
                } catch {
                    connection?.watch.end()
                    connection?.rollback()
                    connection = nil
                    item.fail(StoreError(wrapping: error, "read"))
                }
                statistics.add(.scans)
                if clock.now().nanoseconds - item.queuedAt > configuration.slowAfter.nanoseconds {
                    statistics.add(.slow)
                }
            }
            queue.finish(items)
        }
    }
}
