import ApusCore
import ApusDashboard
import ApusHTTP
import ApusLoad
import ApusRuntime

/// `metrics`: all metrics there are, or one of them over time.
enum MetricsCommand {
    static func answer(_ arguments: Arguments, _ remote: RemoteSystem) async throws -> String {
        let isJSON = arguments.has("json")
        guard let name = arguments.operands.first else {
            let document = try await remote.get("/api/metrics")
            return isJSON ? document : try list(document, of: arguments.value("part"))
        }
        let document = try await remote.get("/api/metrics/\(PercentCoding.encode(name))?\(try query(arguments))")
        return isJSON ? document : text(try RunningCommand.decode(MetricChart.self, document))
    }

    private static func query(_ arguments: Arguments) throws(UsageError) -> String {
        let now = SystemClock().wallNanoseconds() / 1_000_000
        let text = arguments.value("last") ?? "15m"
        guard let last = Duration(text: text), last >= .seconds(1) else {
            throw UsageError("--last takes a time such as 5m or 1h, not \"\(text)\"")
        }
        var query = ["to=\(now)", "from=\(now - last.nanoseconds / 1_000_000)"]
        query.append("steps=\(PercentCoding.encode(arguments.value("steps") ?? "12"))")
        for option in ["show", "by", "part"] {
            if let value = arguments.value(option) { query.append("\(option)=\(PercentCoding.encode(value))") }
        }
        for filter in arguments.options["where"] ?? [] {
            guard let equals = filter.firstIndex(of: "=") else {
                throw UsageError("--where takes LABEL=VALUE, not \"\(filter)\"")
            }
            let pair = "\(filter[..<equals]):\(filter[filter.index(after: equals)...])"
            query.append("where=\(PercentCoding.encode(pair))")
        }
        return query.joined(separator: "&")
    }

    private static func list(_ document: String, of part: String?) throws -> String {
        let metrics = try RunningCommand.decode([String: [MetricFact]].self, document)["metrics"] ?? []
        let wanted = metrics.filter { metric in part.map(metric.parts.contains) ?? true }
        return TextTable(
            ["METRIC", "KIND", "LABELS", "WHAT"],
            wanted.map { [$0.name, $0.kind, $0.labels.keys.sorted().joined(separator: " "), $0.help] }
        ).text
    }

    /// A line of the chart is a column, the latest step last.
    static func text(_ chart: MetricChart) -> String {
        let rows = chart.times.indices.map { step in
            let second = chart.times[step] / 1_000_000_000 % 86_400
            let clock = [second / 3600, second / 60 % 60, second % 60].map { "\($0 < 10 ? "0" : "")\($0)" }
            return [clock.joined(separator: ":")] + chart.lines.map { shown($0.values[step], chart.unit) }
        }
        let head =
            "\(chart.show)\(chart.unit == "seconds" && chart.show == "rate" ? " 1/s" : "") of \(chart.name), UTC\n"
        return head + TextTable(["TIME"] + chart.lines.map { $0.name.isEmpty ? "ALL" : $0.name }, rows).text
    }

    private static func shown(_ value: Double?, _ unit: String) -> String {
        guard let value else { return "-" }
        switch unit {
        case "seconds": return Shown.duration(value)
        case "bytes": return "\(Int(value) >> 10) KiB"
        default: return Shown.rate(value)
        }
    }
}
