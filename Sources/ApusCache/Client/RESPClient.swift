import ApusCore
import ApusRuntime

/// A client of Redis, a Redis Cluster, a master behind sentinels, or whatever else speaks RESP.
///
/// Each event loop that uses it gets a connection of its own, made when it is first needed; callers without a loop share one of the
/// client's. Commands of one turn of a loop go out in one write, and each reply finds whoever waits for it. Everything has a
/// bound: commands that are awaited, bytes that wait to be sent, the length of a reply, and the time that each may take.
///
/// A lost connection is made again, with pauses that grow while that fails; commands in the meantime fail at once. A command that
/// was on its way fails with an error that says whether the server may have got it: nothing is ever sent twice.
///
/// In a cluster a command goes to the node that has its keys, which must all live in one slot. `MOVED` and `ASK` are followed,
/// and `TRYAGAIN`, `CLUSTERDOWN` and `LOADING` waited for, within the command's time. Commands without keys go to one node.
public final class RESPClient: Sendable {
    /// Where it connects to.
    public let address: RESPAddress
    /// How it is bounded.
    public let configuration: RESPClientConfiguration
    let core: RESPClientCore
    /// Whether a loop's own connection is all that there is.
    private let isOne: Bool

    /// A client that is not connected yet.
    ///
    /// - Throws: `ConfigurationError` for bounds that make no sense; `TLSError` where the authorities' file cannot be used.
    public init(_ address: RESPAddress, _ configuration: RESPClientConfiguration = RESPClientConfiguration()) throws {
        core = try RESPClientCore(address, configuration)
        self.address = address
        self.configuration = configuration
        isOne = core.address.kind == .server
    }

    deinit {
        // Sockets are closed on their loops; the client's own loop, if it has one, ends after that.
        if let group = core.close() { Self.end(group) }
    }

    private static func end(_ group: LoopGroup) {
        let pool = BlockingPool(threadsMax: 1, name: "cache-end")
        Task {
            _ = try? await pool.run { group.shutdown() }
            pool.shutdown()
        }
    }

    // MARK: Commands

    /// Sends a command and waits for its reply.
    ///
    /// - Parameters:
    ///   - command: What to send.
    ///   - limit: How long it may take, from now to the reply; the configuration's unless given.
    /// - Returns: The reply; never ``RESPValue/error(_:)``.
    /// - Throws: ``RESPFailure`` for an error reply, ``RESPClientError`` without one, `CancellationError`.
    public func send(_ command: RESPCommand, within limit: Duration? = nil) async throws -> RESPValue {
        guard command.place == .anywhere else { throw RESPClientError.misplaced(command) }
        if isOne, let lane = core.lanes.current {
            let length = limit?.nanoseconds ?? core.commandNanoseconds
            let deadline = lane.loop.now.nanoseconds &+ length
            return try await lane.main.ask(command, deadline: deadline)
        }
        return try await sendElsewhere(command, limit)
    }

    /// The ways that are not straight through the loop's own connection.
    @inline(never)
    private func sendElsewhere(_ command: RESPCommand, _ limit: Duration?) async throws -> RESPValue {
        let (core, lane) = (core, try core.lane())
        let length = limit?.nanoseconds ?? core.commandNanoseconds
        return try await onLoop(lane.loop) {
            let deadline = lane.loop.preciseNow().nanoseconds &+ length
            if let cluster = core.cluster { return try await cluster.send(command, lane, deadline: deadline) }
            do {
                return try await lane.main.ask(command, deadline: deadline)
            } catch let failure as RESPFailure where core.sentinels != nil && failure.code == "READONLY" {
                // It is the master no longer: the sentinels are asked anew.
                lane.main.lose(
                    RESPClientError(.connectionLost, "\(lane.main.name) takes no writes any more", wasSent: true)
                )
                throw failure
            }
        }
    }

    /// Sends commands in one write and waits for all replies.
    ///
    /// On one server no other command of this client comes between them. In a cluster they go to their nodes at the same time, and
    /// come in order for each node alone.
    ///
    /// - Returns: A reply a command, in their order; refusals are among them as ``RESPValue/error(_:)``.
    /// - Throws: ``RESPClientError`` where not all replies came, `CancellationError`.
    public func send(_ commands: [RESPCommand], within limit: Duration? = nil) async throws -> [RESPValue] {
        for command in commands where command.place != .anywhere { throw RESPClientError.misplaced(command) }
        let length = limit?.nanoseconds ?? core.commandNanoseconds
        if isOne, let lane = core.lanes.current {
            return try await lane.main.ask(commands, deadline: lane.loop.now.nanoseconds &+ length)
        }
        let (core, lane) = (core, try core.lane())
        return try await onLoop(lane.loop) {
            let deadline = lane.loop.preciseNow().nanoseconds &+ length
            if let cluster = core.cluster { return try await cluster.send(commands, lane, deadline: deadline) }
            return try await lane.main.ask(commands, deadline: deadline)
        }
    }

    // MARK: Connections of one's own

    /// Lends a connection that nobody else uses while `body` runs: for `WATCH`, `MULTI` and `EXEC`, and for commands that wait.
    ///
    /// - Parameters:
    ///   - key: In a cluster, a key of the slot that is meant; elsewhere it says nothing.
    ///   - limit: How long to wait for a connection; the configuration's `commandLimit` unless given.
    ///   - body: What to do with it; it must not be used after that.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws; ``RESPClientError`` where there was no connection to be had.
    public func exclusively<Value>(
        for key: String? = nil,
        within limit: Duration? = nil,
        _ body: (RESPExclusive) async throws -> Value
    ) async throws -> Value {
        let (core, lane) = (core, try core.lane())
        let length = limit?.nanoseconds ?? core.commandNanoseconds
        let (pool, connection) = try await onLoop(lane.loop) {
            let deadline = lane.loop.preciseNow().nanoseconds &+ length
            var node: RESPNode?
            if let cluster = core.cluster {
                guard let key else {
                    throw RESPClientError(.keysApart, "say for which key the connection to a cluster is")
                }
                node = try await cluster.node(ofSlot: ClusterSlot.of(key.utf8), lane, deadline: deadline)
            }
            let pool = try lane.pool(of: node)
            return (pool, try await pool.take(by: Instant(nanoseconds: deadline)))
        }
        let exclusive = RESPExclusive(connection)
        do {
            let value = try await body(exclusive)
            let isClean = await exclusive.clean()
            lane.loop.execute { pool.give(connection, isClean: isClean) }
            return value
        } catch {
            lane.loop.execute { pool.give(connection, isClean: false) }
            throw error
        }
    }

    // MARK: Ending

    /// Closes all connections; what is awaited fails, and nothing can be sent any more.
    ///
    /// Calling it twice does nothing more.
    public func close() async {
        guard let group = core.close() else { return }
        let pool = BlockingPool(threadsMax: 1, name: "cache-end")
        _ = try? await pool.run { group.shutdown() }
        pool.shutdown()
    }
}
