import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime

/// The server that is measured: one loop, a routed async handler, access log, metrics and time-outs on.
///
/// It runs in a process of its own: this executable, started again with the role `server`.
enum ApusServer {
    /// Serves on a port of loopback until the process is told to end.
    ///
    /// - Parameters:
    ///   - port: Where to listen.
    ///   - log: The file of the access log.
    static func run(port: UInt16, log: String) -> Never {
        Program.run(loopCount: 1) { loops in
            do {
                let observation = ServerObservation(accessLog: AccessLog(to: try LineSink(path: log)))
                let server = try Server(observation: observation, handler: try router())
                try await server.run(at: .loopback(port: port), on: loops.loops)
                return 0
            } catch {
                StandardStreams.writeError("bench: \(error)\n")
                return 1
            }
        }
    }

    private static func router() throws -> Router {
        let product = Route(.get, "/api/products/{id}", String.self)
        var router = RouterBuilder()
        router.on(product, "One product") { exchange, id in
            exchange.answer(type: "application/json") { output in
                output.json { json in
                    json.beginObject()
                    json.field("id", id)
                    json.field("name", "WHITE HANGING HEART T-LIGHT HOLDER")
                    json.field("category", "lights")
                    json.field("price", 255)
                    json.field("stock", 412)
                    json.endObject()
                }
            }
        }
        return try router.build()
    }
}
