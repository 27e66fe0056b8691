import Foundation

/// How long a server took for its requests, from their first byte to their answers' last: its own histograms by route.
struct ServerTimes {
    /// By route, how many took at most so many seconds.
    private var counts: [String: [Double: Double]] = [:]

    /// Reads the metrics of a system; several replicas of the web part are added up.
    ///
    /// - SeeAlso: Prometheus, "Exposition formats".
    init(_ metrics: String) {
        for line in metrics.split(separator: "\n") where line.hasPrefix("http_server_request_duration_seconds_bucket{")
        {
            guard let route = Self.label("route", line), let bound = Self.label("le", line),
                let count = line.split(separator: " ").last.flatMap({ Double($0) })
            else { continue }
            counts[route, default: [:]][bound == "+Inf" ? .infinity : Double(bound) ?? .infinity, default: 0] += count
        }
    }

    private static func label(_ name: String, _ line: Substring) -> String? {
        guard let begin = line.range(of: "\(name)=\"")?.upperBound,
            let end = line[begin...].firstIndex(of: "\"")
        else { return nil }
        return String(line[begin..<end])
    }

    /// What came since `before`.
    func since(_ before: ServerTimes) -> ServerTimes {
        var fresh = self
        for (route, buckets) in before.counts {
            for (bound, count) in buckets { fresh.counts[route]?[bound, default: 0] -= count }
        }
        return fresh
    }

    /// The routes that at least `least` requests asked for; what fits none, such as a health check, is left out.
    func routes(askedFor least: Double) -> [String] {
        counts.filter { $0.key.contains("/") && ($0.value[.infinity] ?? 0) >= least }.map(\.key).sorted()
    }

    /// The bound, in seconds, that 99 of 100 requests did not exceed; it is an eighth too high at most.
    func p99(_ route: String) -> Double {
        let buckets = (counts[route] ?? [:]).sorted { $0.key < $1.key }
        let wanted = 0.99 * (buckets.last?.value ?? 0)
        return buckets.first { $0.value >= wanted }?.key ?? 0
    }
}
