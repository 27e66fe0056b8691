import Foundation

/// Two origins on two ports in one small process, the same for every proxy that is measured.
///
/// An nginx with one worker: `/small` has 100 bytes, `/large` 16 KiB, both from memory; `/status` counts connections.
public struct Backends {
    /// Ports of the two origins.
    public let ports: [Int]
    /// The process.
    public let child: Child

    /// Starts them.
    ///
    /// - Throws: ``BenchError`` if they do not start.
    public init(scratch: Scratch) throws {
        ports = [try freePort(), try freePort()]
        let kibibyte = String(repeating: "0123456789abcdef", count: 64)
        let servers = ports.map { port in
            """
                server {
                    listen 127.0.0.1:\(port) backlog=4096;
                    set $k "\(kibibyte)";
                    default_type text/plain;
                    location = /small { return 200 "\(kibibyte.prefix(100))"; }
                    location = /large { return 200 "\(String(repeating: "$k", count: 16))"; }
                    location = /health { return 200 "ok"; }
                    location = /status { stub_status; }
                }
            """
        }
        child = try Nginx.start(
            "backends",
            http: (["    access_log off;"] + servers).joined(separator: "\n"),
            port: ports[0],
            on: .others,
            scratch: scratch
        )
    }

    /// Connections the two have accepted and requests they have answered since they started.
    ///
    /// - Throws: ``BenchError`` if they do not say.
    public func counts() throws -> (connections: Double, requests: Double) {
        // Both servers live in one worker: one status speaks for both.
        let page = Child.output(of: ["curl", "-fsS", "http://127.0.0.1:\(ports[0])/status"])
        let numbers =
            page.split(separator: "\n").dropFirst(2).first?.split(separator: " ").compactMap { Double($0) } ?? []
        guard numbers.count == 3 else { throw BenchError("the backends do not say how often they were asked: \(page)") }
        return (numbers[0], numbers[2])
    }
}
