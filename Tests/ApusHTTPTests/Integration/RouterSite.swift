import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime

/// Runs a server with `router` on a loop of its own and lets `body` use it through a client.
func withRouter(
    _ router: RouterBuilder,
    configuration: ServerConfiguration = ServerConfiguration(),
    _ body: @escaping @Sendable (Client, SocketAddress) async throws -> Void
) async throws {
    let handler = try router.build()
    try await onLoop { loop in
        let server = try Server(
            configuration: configuration,
            observation: ServerObservation(metrics: Metrics()),
            handler: handler
        )
        let bound = AsyncStream<SocketAddress>.makeStream()
        let serving = Task(executorPreference: loop) {
            try await server.run(at: .loopback(port: 0), on: [loop]) { bound.continuation.yield($0) }
        }
        var addresses = bound.stream.makeAsyncIterator()
        guard let address = await addresses.next() else { return }
        let client = Client(address, on: loop, host: "shop.example")
        do {
            try await body(client, address)
        } catch {
            client.close()
            serving.cancel()
            throw error
        }
        client.close()
        server.drain()
        try await serving.value
    }
}

extension Client {
    /// A request with fields, in one line.
    func ask(
        _ method: Method,
        _ target: String,
        _ fields: [(name: String, value: String)] = [],
        body: String = ""
    ) async throws -> ClientResponse {
        try await send(ClientRequest(method, target, fields: fields, body: Array(body.utf8)))
    }
}

extension ClientResponse {
    /// Whether the answer is a problem document with that code.
    func isProblem(_ code: String) -> Bool {
        field("content-type") == "application/problem+json" && text.contains("\"code\":\"\(code)\"")
    }
}
