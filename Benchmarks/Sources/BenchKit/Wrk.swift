import Foundation

/// One run of wrk, the closed-loop load generator: one thread, no pipelining, headers like a browser's.
public struct Wrk: Codable, Sendable {
    /// Answers that arrived.
    public var requests: Double
    /// How long it took, in microseconds.
    public var duration: Double
    /// The median latency, in microseconds.
    public var p50: Double
    /// The 99th percentile, in microseconds.
    ///
    /// A closed loop hides what a stall would have cost others.
    public var p99: Double
    /// Failed connects, reads, writes and time-outs, and answers outside 2xx and 3xx.
    public var errors: Double

    /// Answers a second.
    public var rate: Double { requests / duration * 1e6 }

    /// Six headers as a browser sends them.
    public static let headers = [
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36",
        "Accept: text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8",
        "Accept-Language: en-GB,en;q=0.8,de;q=0.5",
        "Accept-Encoding: gzip, deflate, br",
        "Referer: http://shop.example/products",
        "Cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark",
    ]

    private static let script = """
        function done(summary, latency, requests)
          local e = summary.errors
          io.write(string.format('WRK{"requests":%d,"duration":%d,"p50":%d,"p99":%d,"errors":%d}\\n', summary.requests,
            summary.duration, latency:percentile(50), latency:percentile(99),
            e.connect + e.read + e.write + e.status + e.timeout))
        end
        """

    /// Loads a URL and waits for the end.
    ///
    /// - Parameters:
    ///   - url: What to ask for.
    ///   - connections: Clients that wait for an answer each.
    ///   - seconds: How long.
    ///   - scratch: Where the script is written.
    ///   - reconnects: Whether each request has a connection of its own.
    /// - Returns: What wrk counted.
    /// - Throws: ``BenchError`` if wrk fails or no answer arrives.
    public static func run(
        _ url: String,
        connections: Int,
        seconds: Double,
        scratch: Scratch,
        reconnects: Bool = false
    ) throws -> Wrk {
        let file = try scratch.write("done.lua", script)
        // wrk takes whole seconds only.
        var command = ["wrk", "-t1", "-c\(connections)", "-d\(max(1, Int(seconds.rounded())))s", "-s", file]
        for header in headers + (reconnects ? ["Connection: close"] : []) { command += ["-H", header] }
        let output = Child.output(of: command + [url], on: .others)
        guard let line = output.split(separator: "\n").first(where: { $0.hasPrefix("WRK") }),
            let result = try? JSONDecoder().decode(Wrk.self, from: Data(line.dropFirst(3).utf8)), result.requests > 0
        else { throw BenchError("wrk on \(url) failed: \(output)") }
        return result
    }
}
