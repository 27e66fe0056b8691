import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime

/// Serves a dashboard on loopback.
public struct DashboardServer: Sendable {
    /// Where it is, without the token.
    public let url: String
    private let server: Server<Router>
    private let serving: Task<Void, Never>
    private let gathering: Task<Void, Never>
    private let dashboard: Dashboard

    /// Listens and serves on the dashboard's loop; `port` 0 takes any free one.
    ///
    /// - Parameters:
    ///   - dashboard: What is served.
    ///   - token: What a change has to know.
    ///   - port: Where, on loopback.
    ///   - loads: The folder of results of load runs.
    /// - Returns: What serves, until ``end()``.
    /// - Throws: `SystemError` such as for a port in use.
    public static func start(
        _ dashboard: Dashboard,
        token: String,
        port: UInt16,
        loads: String?
    ) async throws -> DashboardServer {
        let loop = dashboard.loop
        // The port is part of what requests are checked against, so it is fixed before there is a server.
        let opened = try Listener.open(1, at: .loopback(port: port))
        Listener.inherit(opened.descriptors, at: opened.address)
        let guarding = AccessGuard(token: Secret(token), port: opened.address.port ?? port)
        let results = LoadResults(folder: loads, pool: dashboard.pool)
        let routes = DashboardRoutes(dashboard: dashboard, guarding: guarding, results: results)
        let server = try Server(
            observation: ServerObservation(metrics: Metrics()),
            handler: try routes.router()
        )
        let bound = Lock<UnsafeContinuation<Result<SocketAddress, any Error>, Never>?>(nil)
        let tell: @Sendable (Result<SocketAddress, any Error>) -> Void = { result in
            let waiter = bound.withLock { bound in
                defer { bound = nil }
                return bound
            }
            waiter?.resume(returning: result)
        }
        let (address, serving) = try await Self.begin(server, at: opened.address, on: loop, bound, tell)
        let gathering = Task(executorPreference: loop) { await dashboard.run() }
        return DashboardServer(
            url: "http://\(address)",
            server: server,
            serving: serving,
            gathering: gathering,
            dashboard: dashboard
        )
    }

    private static func begin(
        _ server: Server<Router>,
        at address: SocketAddress,
        on loop: EventLoop,
        _ bound: Lock<UnsafeContinuation<Result<SocketAddress, any Error>, Never>?>,
        _ tell: @escaping @Sendable (Result<SocketAddress, any Error>) -> Void
    ) async throws -> (SocketAddress, Task<Void, Never>) {
        let serving = Lock<Task<Void, Never>?>(nil)
        let result = await withUnsafeContinuation { continuation in
            bound.withLock { $0 = continuation }
            let task = Task(executorPreference: loop) {
                do {
                    try await server.run(at: address, on: [loop]) { tell(.success($0)) }
                } catch {
                    tell(.failure(error))
                }
            }
            serving.withLock { $0 = task }
        }
        let actual = try result.get()
        guard let task = serving.withLock({ $0 }) else { preconditionFailure("a server that serves has a task") }
        return (actual, task)
    }

    /// Answers what is under way, writes down what was gathered, and ends.
    public func end() async {
        dashboard.end()
        server.drain()
        await serving.value
        await gathering.value
    }
}
