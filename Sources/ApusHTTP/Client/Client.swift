import ApusCore
public import ApusRuntime

// `@unchecked Sendable` is sound because it is used on its loop's thread only, which `send` checks.
/// An HTTP/1.1 client of one loop for one server: kept-alive connections, a deadline for everything.
///
/// A request that meets a connection which the server had already closed is sent again on a fresh one, but only when
/// sending twice does no harm. Answers are read whole, up to a bound.
public final class Client: @unchecked Sendable {
    private let address: SocketAddress
    private let loop: EventLoop
    private let host: String
    private let connectionsMax: Int
    private let idleLimit: Duration
    private var idle: [ClientConnection] = []
    private var open = 0
    private var waiters: [UnsafeContinuation<Void, Never>] = []

    /// A client; it connects when it first sends.
    ///
    /// - Parameters:
    ///   - address: The server.
    ///   - loop: The loop that the client belongs to.
    ///   - host: The `Host` field; the address unless given, `localhost` for a Unix socket.
    ///   - connectionsMax: Most connections at a time; further requests wait for one.
    ///   - idleLimit: How long an unused connection is kept; 30 s, less than servers usually do.
    public init(
        _ address: SocketAddress,
        on loop: EventLoop,
        host: String? = nil,
        connectionsMax: Int = 64,
        idleLimit: Duration = .seconds(30)
    ) {
        self.address = address
        self.loop = loop
        if case .unix = address { self.host = host ?? "localhost" } else { self.host = host ?? "\(address)" }
        self.connectionsMax = connectionsMax
        self.idleLimit = idleLimit
    }

    deinit { precondition(open == 0, "a client is closed before it is let go") }

    /// Sends a request and waits for its answer.
    ///
    /// - Parameters:
    ///   - request: What to send.
    ///   - limit: The deadline for all of it; 10 s.
    ///   - bytesMax: Largest body believed; 16 MiB.
    /// - Returns: The answer, whole.
    /// - Throws: ``ClientError``.
    public func send(
        _ request: ClientRequest,
        within limit: Duration = .seconds(10),
        bytesMax: Int = 16 << 20
    ) async throws(ClientError) -> ClientResponse {
        precondition(loop.isCurrent, "a client belongs to its loop's own thread")
        let deadline = loop.clock.now() + limit
        var mayRepeat = true
        while true {
            let connection = try await take(deadline: deadline)
            let wasUsed = connection.requestCount > 0
            do throws(ClientError) {
                let response = try await connection.exchange(
                    request,
                    host: host,
                    bytesMax: bytesMax,
                    deadline: deadline
                )
                give(connection)
                return response
            } catch {
                discard(connection)
                guard error.code == .connectionLost, wasUsed, mayRepeat, request.isRepeatable || !error.wasSent else {
                    throw error
                }
                mayRepeat = false
            }
        }
    }

    /// Closes the connections that nobody uses; those at work close when they are done.
    public func close() {
        for connection in idle { discard(connection) }
        idle = []
    }

    private func take(deadline: Instant) async throws(ClientError) -> ClientConnection {
        while true {
            let now = loop.now
            while let connection = idle.popLast() {
                if !connection.channel.isPeerClosed && now - connection.idleSince < idleLimit { return connection }
                discard(connection)
            }
            if open < connectionsMax { break }
            if loop.clock.now() >= deadline { throw ClientError(.timedOut, detail: "no free connection") }
            let timer = loop.schedule(at: deadline) { [self] in wakeWaiters() }
            await withUnsafeContinuation { waiters.append($0) }
            loop.cancel(timer)
        }
        open += 1
        do {
            return ClientConnection(channel: try await Channel.connect(to: address, on: loop, by: deadline))
        } catch {
            open -= 1
            wakeWaiters()
            if let error = error as? SystemError, error.errno == 110 { throw ClientError(.timedOut, cause: error) }
            throw ClientError(.unreachable, detail: "\(address)", cause: error)
        }
    }

    private func give(_ connection: ClientConnection) {
        guard connection.isReusable else { return discard(connection) }
        connection.idleSince = loop.now
        idle.append(connection)
        wakeWaiters()
    }

    private func discard(_ connection: ClientConnection) {
        connection.close()
        open -= 1
        wakeWaiters()
    }

    private func wakeWaiters() {
        let woken = waiters
        waiters = []
        for waiter in woken { waiter.resume() }
    }
}
