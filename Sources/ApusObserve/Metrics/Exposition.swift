/// The formats in which `/metrics` shows itself.
public enum Exposition: Sendable, Hashable {
    /// Prometheus' text format 0.0.4.
    case prometheus
    /// OpenMetrics 1.0.
    case openMetrics

    /// The format a client asks for by its `Accept` header; Prometheus' own where it does not say OpenMetrics.
    ///
    /// A format with `q=0` counts as not asked for; beyond that, order and weight do not matter: a scraper that knows
    /// OpenMetrics takes it.
    public init(accept: String) {
        let asks = accept.split(separator: ",").contains { range in
            let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard parts.first == "application/openmetrics-text" else { return false }
            return !parts.contains { part in
                guard part.hasPrefix("q=") else { return false }
                return Double(part.dropFirst(2)) == 0
            }
        }
        self = asks ? .openMetrics : .prometheus
    }

    /// The `Content-Type` of the answer.
    public var contentType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// Writes metrics as text.
    public func text(_ metrics: [MetricSnapshot]) -> String {
        var text = ""
        for metric in metrics { write(metric, &text) }
        if self == .openMetrics { text += "# EOF\n" }
        return text
    }

    private func write(_ metric: MetricSnapshot, _ text: inout String) {
        var family = metric.name
        if self == .openMetrics, metric.kind == .counter, family.hasSuffix("_total") { family.removeLast(6) }
        text += "# HELP \(family) \(escape(metric.help, quotes: self == .openMetrics))\n"
        text += "# TYPE \(family) \(metric.kind.rawValue)\n"
        for series in metric.series {
            let labels = zip(metric.labels, series.labelValues).map { "\($0)=\"\(escape($1, quotes: true))\"" }
            switch series.value {
            case .integer(let value): sample(metric.name, labels, "\(value)", &text)
            case .real(let value): sample(metric.name, labels, number(value), &text)
            case .histogram(let histogram): write(metric, histogram.coarse(), labels, &text)
            }
        }
    }

    private func write(
        _ metric: MetricSnapshot,
        _ histogram: HistogramSnapshot,
        _ labels: [String],
        _ text: inout String
    ) {
        let divisor = metric.unit.divisor
        var running: UInt64 = 0
        for (bound, count) in zip(histogram.bounds, histogram.counts) {
            running += count
            let edge = "le=\"\(number(Double(bound) / divisor))\""
            sample("\(metric.name)_bucket", labels + [edge], "\(running)", &text)
        }
        running += histogram.counts.last ?? 0
        sample("\(metric.name)_bucket", labels + ["le=\"+Inf\""], "\(running)", &text)
        let sum = metric.unit == .one ? "\(histogram.sum)" : number(Double(histogram.sum) / divisor)
        sample("\(metric.name)_sum", labels, sum, &text)
        sample("\(metric.name)_count", labels, "\(running)", &text)
    }

    private func sample(_ name: String, _ labels: [String], _ value: String, _ text: inout String) {
        text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels.joined(separator: ","))} \(value)\n"
    }

    private func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return "\(value)"
    }

    private func escape(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
