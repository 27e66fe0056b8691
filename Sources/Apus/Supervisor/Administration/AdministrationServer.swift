import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime

/// Serves the administration on loopback.
struct AdministrationServer: Sendable {
    let url: String
    private let server: Server<Router>
    private let task: Task<Void, Never>

    /// Listens and serves; `port` 0 takes any free one.
    ///
    /// - Throws: ``StartFailure`` such as for a port in use.
    static func start(
        _ source: any AdministrationSource,
        token: String,
        port: UInt16,
        on loop: EventLoop
    ) async throws(StartFailure) -> AdministrationServer {
        do {
            // The port is part of what requests are checked against, so it is fixed before there is a server.
            let opened = try Listener.open(1, at: .loopback(port: port))
            Listener.inherit(opened.descriptors, at: opened.address)
            let guarding = AdministrationGuard(token: Secret(token), port: opened.address.port ?? port)
            let server = try Server(
                observation: ServerObservation(metrics: Metrics()),
                handler: try AdministrationRoutes(source: source, guarding: guarding, loop: loop).router()
            )
            let bound = Promise<Result<SocketAddress, any Error>>()
            let task = Task(executorPreference: loop) {
                do {
                    try await server.run(at: opened.address, on: [loop]) { bound.set(.success($0)) }
                } catch {
                    bound.set(.failure(error))
                }
            }
            return AdministrationServer(url: "http://\(try await bound.wait().get())", server: server, task: task)
        } catch {
            throw StartFailure(wrapping: error, doing: "the administration, with --dashboard-port")
        }
    }

    /// Answers what is under way and ends.
    func end() async {
        server.drain()
        await task.value
    }
}
