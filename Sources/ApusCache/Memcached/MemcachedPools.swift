import ApusCore
import ApusRuntime

/// What all pools of a client are made with.
struct MemcachedPoolMaker: Sendable {
    let configuration: MemcachedClientConfiguration
    let circle: Ketama
    let gutterCircle: Ketama
    let security: TLSContext?
    /// Where names are looked up, which blocks.
    let resolver = BlockingPool(threadsMax: 2, waitersMax: 64, name: "cache-names")

    /// - Throws: `ConfigurationError` for a configuration that makes no sense; `TLSError` for files that cannot be used.
    init(_ configuration: MemcachedClientConfiguration) throws {
        self.configuration = try configuration.checked()
        circle = Ketama(configuration.servers.map(\.place))
        gutterCircle = Ketama(configuration.gutter.map(\.place))
        security = try configuration.tls.map { try TLSContext(client: $0) }
    }
}

/// A client's pools: those of the loops that it was given, or one for each loop that uses it.
final class MemcachedPools: Sendable {
    /// Loops that have connections of their own; those of more use the first loop's.
    private static let most = 64

    private struct State {
        var pools: [MemcachedPool] = []
        var group: LoopGroup?
        var isClosed = false
    }
    private let maker: MemcachedPoolMaker
    /// Pools that were made at the beginning; empty where each loop gets its own.
    private let given: [MemcachedPool]
    private let state = Lock(State())

    init(_ maker: MemcachedPoolMaker, loops: [EventLoop] = []) {
        self.maker = maker
        given = loops.map { MemcachedPool($0, maker) }
    }

    /// The pool of the caller's loop, else another.
    ///
    /// - Throws: ``MemcachedError`` after ``close()``; `SystemError` where the kernel gives no more threads.
    func pool() throws -> MemcachedPool {
        let current = EventLoop.current
        if !given.isEmpty { return given.first { $0.loop === current } ?? given[0] }
        return try state.withLock { state in
            if let current, let pool = state.pools.first(where: { $0.loop === current }) { return pool }
            if state.isClosed { throw MemcachedError(.closed, "the client is closed") }
            if state.pools.count == Self.most { return state.pools[0] }
            let loop = try current ?? ownLoop(&state)
            if let pool = state.pools.first(where: { $0.loop === loop }) { return pool }
            let pool = MemcachedPool(loop, maker)
            state.pools.append(pool)
            return pool
        }
    }

    private func ownLoop(_ state: inout State) throws -> EventLoop {
        let group = try state.group ?? LoopGroup(count: 1, name: "cache-loop")
        state.group = group
        return group.loops[0]
    }

    /// Closes all connections; idempotent.
    func close() {
        let pools = state.withLock { state in
            defer { state.isClosed = true }
            return state.isClosed ? [] : given + state.pools
        }
        for pool in pools { pool.loop.execute { pool.close() } }
    }

    /// Ends the loop that was made for callers that have none.
    func endOwnLoop() async {
        let group = state.withLock { state in
            defer { state.group = nil }
            return state.group
        }
        guard let group else { return }
        let pool = BlockingPool(threadsMax: 1, name: "cache-end")
        _ = try? await pool.run { group.shutdown() }
        pool.shutdown()
    }
}
