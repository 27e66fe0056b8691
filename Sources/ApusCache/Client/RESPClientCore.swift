import ApusCore
import ApusRuntime

/// What all loops of a client share.
final class RESPClientCore: Sendable {
    let address: RESPAddress
    let configuration: RESPClientConfiguration
    let commandNanoseconds: Int64
    let dialer: RESPDialer
    let lanes = RESPLanes()
    let cluster: RESPCluster?
    let sentinels: RESPSentinels?
    private let resolver = BlockingPool(threadsMax: 2, waitersMax: 64, name: "cache-names")
    private struct State {
        var group: LoopGroup?
        var feeds: [RESPFeed] = []
        var isClosed = false
    }
    private let state = Lock(State())

    /// - Throws: `ConfigurationError`; `TLSError` where the authorities' file cannot be used.
    init(_ address: RESPAddress, _ configuration: RESPClientConfiguration) throws {
        self.address = address
        self.configuration = try configuration.checked()
        commandNanoseconds = configuration.commandLimit.nanoseconds
        dialer = try RESPDialer(address, configuration, resolver: resolver)
        cluster = address.kind == .cluster ? RESPCluster(seeds: address.nodes) : nil
        if case .sentinel(let master) = address.kind {
            sentinels = RESPSentinels(address.nodes, master: master, dialer: dialer)
        } else {
            sentinels = nil
        }
    }

    // MARK: Loops

    /// The caller's loop, else one of the client's own.
    ///
    /// - Throws: ``RESPClientError`` after ``close()``; `SystemError` where the kernel gives no more threads.
    func loop() throws -> EventLoop {
        if let loop = EventLoop.current { return loop }
        return try state.withLock { state in
            if state.isClosed { throw RESPClientError(.closed, "the client was closed") }
            let group = try state.group ?? LoopGroup(count: 1, name: "cache-loop")
            state.group = group
            return group.loops[0]
        }
    }

    /// The lane of the caller's loop, or of the client's own.
    func lane() throws -> RESPLane {
        if let lane = lanes.current { return lane }
        let loop = try loop()
        let lane = try lanes.lane(of: loop) { RESPLane($0, self) }
        sentinels?.follow(with: self, on: lane.loop)
        return lane
    }

    // MARK: Connections

    /// How connections to a node, or to the only server, are made.
    func dial(_ node: RESPNode?) -> RESPDial {
        let dialer = dialer
        if let node { return { loop, deadline in try await dialer.dial(node, on: loop, by: deadline) } }
        if let sentinels { return { loop, deadline in try await sentinels.dialMaster(on: loop, by: deadline) } }
        let first = address.nodes[0]
        return { loop, deadline in try await dialer.dial(first, on: loop, by: deadline) }
    }

    func name(_ node: RESPNode?) -> String { "\(node ?? address.nodes[0])" }

    func connection(to node: RESPNode?, on loop: EventLoop) -> RESPConnection {
        RESPConnection(name: name(node), loop: loop, configuration: configuration, dial: dial(node))
    }

    func pool(of node: RESPNode?, on loop: EventLoop) -> RESPExclusivePool {
        RESPExclusivePool(name: name(node), loop: loop, configuration: configuration, dial: dial(node))
    }

    /// A connection that is listened on, to a node or to the only server; it has not been started.
    ///
    /// - Throws: ``RESPClientError`` after ``close()``.
    func feed(to node: RESPNode?, on loop: EventLoop, _ interest: RESPFeed.Interest) throws -> RESPFeed {
        try keep(
            RESPFeed(name: name(node), loop: loop, configuration: configuration, interest, dial: dial(node))
        )
    }

    /// Sees to it that a feed ends with the client.
    func keep(_ feed: RESPFeed) throws -> RESPFeed {
        try state.withLock { state in
            if state.isClosed { throw RESPClientError(.closed, "the client was closed") }
            state.feeds.append(feed)
        }
        return feed
    }

    /// Ends a feed.
    func end(_ feed: RESPFeed) {
        state.withLock { state in state.feeds.removeAll { $0 === feed } }
        feed.close()
    }

    /// Closes everything; what is awaited fails.
    ///
    /// - Returns: The client's own loops, which are left to end.
    func close() -> LoopGroup? {
        let (group, feeds) = state.withLock { state in
            state.isClosed = true
            defer {
                state.group = nil
                state.feeds = []
            }
            return (state.group, state.feeds)
        }
        for feed in feeds { feed.close() }
        for lane in lanes.close() { lane.loop.execute { lane.close() } }
        return group
    }
}
