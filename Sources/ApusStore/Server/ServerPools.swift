import ApusCore
import ApusRuntime
import CLinux

/// One loop's connections to one shard, for statements that stand alone.
protocol ServerPool: AnyObject, Sendable {
    var loop: EventLoop { get }
    /// How many statements wait; written by the loop alone.
    var waitingCount: UnsafeMutablePointer<UInt64> { get }
    /// Takes no more, and closes the connections once all answers are there; then calls `done`. From any thread.
    func close(_ done: @escaping @Sendable () -> Void)
}

/// A shard's pools, one a loop that asked.
final class ServerPools<Pool: ServerPool>: Sendable {
    private struct State {
        var pools: [Pool] = []
        var isClosed = false
    }
    private let state = Lock(State())
    private let closing = Monitor(0)
    private let make: @Sendable (EventLoop) -> Pool

    init(make: @escaping @Sendable (EventLoop) -> Pool) { self.make = make }

    deinit {
        // A store that was dropped and not closed: its connections end on their loops, which know them until then.
        let pools = state.withLock { $0.isClosed ? [] : $0.pools }
        for pool in pools { pool.close {} }
    }

    /// The loop's own pool.
    func pool(of loop: EventLoop) throws -> Pool {
        try state.withLock { state in
            for pool in state.pools where pool.loop === loop { return pool }
            if state.isClosed { throw StoreError(.closed, "the store was closed") }
            let pool = make(loop)
            state.pools.append(pool)
            return pool
        }
    }

    /// Statements that wait, on all loops.
    var waiting: Int {
        state.withLock { $0.pools.reduce(0) { $0 + Int(apus_relaxed_load($1.waitingCount)) } }
    }

    /// Closes every loop's connections on its loop, and waits for a bounded time until that is done.
    ///
    /// A loop that does not get to it in time closes its connections later; one that has ended never does.
    func close(nanoseconds: Int) -> Bool {
        let pools = state.withLock { state in
            state.isClosed = true
            return state.pools
        }
        closing.withLock { $0 = pools.count }
        for pool in pools {
            pool.close { [closing] in
                closing.withLock { $0 -= 1 }
                closing.broadcast()
            }
        }
        return closing.wait(nanoseconds: nanoseconds) { $0 > 0 ? nil : true } ?? false
    }
}
