import ApusCore
import ApusEdge
import ApusObserve
import ApusRuntime
import BenchKit
import Foundation

/// The edge that is measured: one loop, access log, metrics, time-outs and health checks on.
///
/// It runs in a process of its own: this executable, started again with the role `proxy`.
enum ApusProxy {
    /// Proxies from a port of loopback to backends until the process is told to end.
    ///
    /// - Parameters:
    ///   - port: Where to listen.
    ///   - log: The file of the access log.
    ///   - backends: Ports of the backends.
    static func run(port: UInt16, log: String, backends: [UInt16]) -> Never {
        Program.run(loopCount: 1) { loops in
            do {
                var configuration = EdgeConfiguration()
                configuration.healthPath = "/health"
                let observation = EdgeObservation(accessLog: AccessLog(to: try LineSink(path: log)))
                let proxy = try EdgeProxy(configuration: configuration, observation: observation)
                proxy.setReplicas(
                    backends.enumerated().map { .init(id: "backend/\($0)", address: .loopback(port: $1)) }
                )
                try await proxy.run(at: .loopback(port: port), on: loops.loops)
                return 0
            } catch {
                StandardStreams.writeError("bench: \(error)\n")
                return 1
            }
        }
    }

    /// Reads the role's arguments, if this process was started with it: port, log, backends.
    static func runIfAsked(_ words: [String]) {
        guard words.first == "proxy", words.count > 3, let port = UInt16(words[1]) else { return }
        run(port: port, log: words[2], backends: words.dropFirst(3).compactMap { UInt16($0) })
    }
}

extension Proxy {
    static func apus(backends: [Int], scratch: Scratch) throws -> Proxy {
        let port = try freePort()
        let log = scratch.url.appending(path: "apus-access.log")
        let child = try Child(
            ["/proc/\(getpid())/exe", "proxy", String(port), log.path] + backends.map(String.init),
            on: .server,
            output: scratch.url.appending(path: "apus.log")
        )
        try waitForPort(port, of: child, named: "apus")
        return Proxy(name: "apus", port: port, child: child, log: log)
    }
}
