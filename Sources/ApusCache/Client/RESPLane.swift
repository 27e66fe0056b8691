import ApusCore
import ApusRuntime
import CLinux

/// One loop's connections.
//
// `@unchecked Sendable` is sound because only its loop's own thread uses what can change; `main` is made once.
final class RESPLane: @unchecked Sendable {
    let loop: EventLoop
    /// The connection to the only server, or to the master.
    let main: RESPConnection
    private let core: RESPClientCore
    private var nodes: [RESPNode: RESPConnection] = [:]
    private var pools: [RESPNode?: RESPExclusivePool] = [:]
    private var isClosed = false

    init(_ loop: EventLoop, _ core: RESPClientCore) {
        self.loop = loop
        self.core = core
        main = core.connection(to: nil, on: loop)
    }

    /// The connection to a node of a cluster.
    func connection(to node: RESPNode) throws(RESPClientError) -> RESPConnection {
        if let connection = nodes[node] { return connection }
        if isClosed { throw RESPClientError(.closed, "the client was closed") }
        let connection = core.connection(to: node, on: loop)
        nodes[node] = connection
        return connection
    }

    /// The connections for exclusive use to a node, or to the only server.
    func pool(of node: RESPNode?) throws(RESPClientError) -> RESPExclusivePool {
        if let pool = pools[node] { return pool }
        if isClosed { throw RESPClientError(.closed, "the client was closed") }
        let pool = core.pool(of: node, on: loop)
        pools[node] = pool
        return pool
    }

    /// Closes connections to nodes that are not of the cluster any more, once nothing is on its way there.
    func forget(allBut known: Set<RESPNode>) {
        for (node, connection) in nodes where !known.contains(node) && connection.isQuiet {
            connection.close()
            nodes[node] = nil
        }
        for (node, pool) in pools {
            guard let node, !known.contains(node) else { continue }
            pool.close()
            pools[node] = nil
        }
    }

    func close() {
        isClosed = true
        main.close()
        for connection in nodes.values { connection.close() }
        for pool in pools.values { pool.close() }
    }
}

/// A client's lanes, found by the loop that runs here without a lock.
//
// `@unchecked Sendable` is sound because a cell is written once, under the lock and with release order, and lanes live as
// long as this.
final class RESPLanes: @unchecked Sendable {
    /// Loops that have connections of their own; those of more use the first loop's.
    private static let most = 64
    // Pairs of a loop's address and its lane's.
    private let cells: UnsafeMutablePointer<UInt64>
    private struct State {
        var lanes: [RESPLane] = []
        var isClosed = false
    }
    private let state = Lock(State())

    init() {
        cells = .allocate(capacity: Self.most * 2)
        cells.initialize(repeating: 0, count: Self.most * 2)
    }

    deinit { cells.deallocate() }

    /// The lane of the loop whose thread this is, if it has one.
    @inline(__always)
    var current: RESPLane? {
        guard let loop = apus_get_current_loop() else { return nil }
        let wanted = UInt64(UInt(bitPattern: loop))
        var index = 0
        while index < Self.most &* 2 {
            let found = apus_acquire_load(cells + index)
            if found == wanted {
                guard let lane = UnsafeRawPointer(bitPattern: UInt(cells[index &+ 1])) else { return nil }
                return Unmanaged<RESPLane>.fromOpaque(lane).takeUnretainedValue()
            }
            if found == 0 { return nil }
            index &+= 2
        }
        return nil
    }

    /// The lane of a loop.
    ///
    /// - Throws: ``RESPClientError`` after ``close()``.
    func lane(of loop: EventLoop, _ make: (EventLoop) -> RESPLane) throws(RESPClientError) -> RESPLane {
        try state.withLock { state throws(RESPClientError) in
            if let lane = state.lanes.first(where: { $0.loop === loop }) { return lane }
            if state.isClosed { throw RESPClientError(.closed, "the client was closed") }
            if state.lanes.count == Self.most { return state.lanes[0] }
            let lane = make(loop)
            let index = state.lanes.count * 2
            state.lanes.append(lane)
            cells[index + 1] = UInt64(UInt(bitPattern: Unmanaged.passUnretained(lane).toOpaque()))
            apus_release_store(cells + index, UInt64(UInt(bitPattern: Unmanaged.passUnretained(loop).toOpaque())))
            return lane
        }
    }

    /// All lanes.
    var all: [RESPLane] { state.withLock { $0.lanes } }

    /// Makes no more.
    ///
    /// - Returns: Those that there are, the first time; they are kept, for whoever looks for one right now.
    func close() -> [RESPLane] {
        state.withLock { state in
            defer { state.isClosed = true }
            return state.isClosed ? [] : state.lanes
        }
    }
}
