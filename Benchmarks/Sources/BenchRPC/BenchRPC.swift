import Apus
import ApusCore
import ApusRuntime
import BenchKit

/// Calls between services: in one process against a plain actor, between two against HTTP and JSON.
@main struct BenchRPC {
    static func main() {
        let options = Options()
        if options.rest.first == "callee" { Callee.run(Array(options.rest.dropFirst())) }
        measured { scratch in
            var report = Report(
                "rpc",
                question: "What does a call to a service cost, in the same process and in another?",
                options: options
            )
            if options.wants("codec") { report.rows += try CodecCase.rows(options) }
            if options.wants("local") { report.rows += try LocalCase.rows(options) }
            if options.wants("order-1") || options.wants("order-64") || options.wants("order-64-handwritten") {
                report.rows += try RemoteCase.rows(options, scratch)
            }
            try report.finish(options)
        }
    }
}

/// The process that is called.
enum Callee {
    static func run(_ arguments: [String]) -> Never {
        Program.run(loopCount: 1) { group in
            do {
                let system = try ApusActorSystem(loop: group.loops[0])
                system.offer(orders) { OrdersService(actorSystem: $0) }
                try system.start()
                try system.listen(at: .unix(path: arguments[0]))
                // Until the benchmark ends it.
                try await HTTPPeer.serve(
                    try system.service(orders),
                    at: .unix(path: arguments[1]),
                    on: group.loops[0]
                )
                return 0
            } catch {
                StandardStreams.writeError("bench: \(error)\n")
                return 1
            }
        }
    }
}
