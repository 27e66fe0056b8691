import ApusCore

/// A part that serves HTTP to an edge, on a Unix socket.
///
/// ```swift
/// Web("storefront", replicas: 2) { host in
///     let catalogue = try host.service(catalogue)
///     return storefrontRoutes(catalogue)
/// }
/// ```
/// `/livez` and `/readyz` are answered for it.
public struct Web: SystemContent {
    /// The part.
    public let parts: SystemParts

    /// A web part.
    ///
    /// - Parameters:
    ///   - name: What it is called.
    ///   - replicas: How many processes run it, 1 to 64; 1 unless said.
    ///   - configuration: Time-outs and limits.
    ///   - make: Makes the handler of one loop, on that loop: a router.
    ///   - jobs: What it does without being asked, in each replica.
    public init<Handler: RequestHandler>(
        _ name: String,
        replicas: Int = 1,
        configuration: ServerConfiguration = ServerConfiguration(),
        _ make: @escaping @Sendable (Host) throws -> Handler,
        @JobBuilder jobs: () -> [Every] = { [] }
    ) {
        parts = SystemParts([
            Part(
                name: name,
                kind: .web,
                replicas: replicas,
                content: .web(
                    serve: { hosts, health in
                        var handlers: [Handler] = []
                        for host in hosts {
                            handlers.append(try await Task(executorPreference: host.loop) { try make(host) }.value)
                        }
                        return try Server(
                            configuration: configuration,
                            observation: health.serverObservation,
                            handler: RoleHandler(handlers: handlers, health: health)
                        )
                    },
                    jobs: jobs()
                )
            )
        ])
    }
}

/// Something that serves at an address until it is drained: a server, or the edge.
protocol Serving: Sendable {
    func run(
        at address: SocketAddress,
        on loops: [EventLoop],
        ready: @escaping @Sendable (SocketAddress) -> Void
    ) async throws
    func drain()
}

extension Server: Serving {}

/// The handlers of all loops behind one, and the answers every role gives.
struct RoleHandler<Handler: RequestHandler>: RequestHandler {
    let handlers: [Handler]
    let health: RoleHealth

    var routeNames: [String] { handlers.first?.routeNames ?? [] }

    nonisolated(nonsending) func handle(_ exchange: Exchange) async throws {
        if health.answers(exchange) { return }
        try await handlers[exchange.loop.index].handle(exchange)
    }

    func choose(_ exchange: Exchange) -> ChosenHandler? {
        health.answers(exchange) ? nil : handlers[exchange.loop.index].choose(exchange)
    }
}
