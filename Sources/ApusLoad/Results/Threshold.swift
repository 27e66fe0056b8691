public import ApusCore

/// What a run must keep to, such as `p99=50ms` or `errors=0.1%`.
public struct Threshold: Sendable, Hashable, CustomStringConvertible {
    /// What is measured.
    public enum Measure: String, Sendable, Hashable, CaseIterable, Codable {
        /// Latencies: the measured value may not be above.
        case p50, p90, p95, p99, p999, max, mean
        /// The share of requests that fail: may not be above.
        case errors
        /// Answers a second: may not be below.
        case rate
    }

    /// What is measured.
    public let measure: Measure
    /// Seconds, a share, or answers a second.
    public let bound: Double
    /// The kind of request it is about, such as `GET /`; nil for all.
    public let kind: String?

    /// A threshold.
    public init(_ measure: Measure, _ bound: Double, kind: String? = nil) {
        self.measure = measure
        self.bound = bound
        self.kind = kind
    }

    /// Reads `p99=50ms`, `errors=0.1%`, `rate=100`, or `p99{GET /products/{product}}=20ms` for one kind of request.
    ///
    /// - Throws: `ConfigurationError` for anything else.
    public init(text: String) throws(ConfigurationError) {
        let refusal = ConfigurationError(
            field: "require",
            value: text,
            accepted: "p50, p90, p95, p99, p999, max or mean with a time, errors with a share, rate with a number"
        )
        guard let equals = text.lastIndex(of: "=") else { throw refusal }
        var name = text[..<equals]
        let value = text[text.index(after: equals)...]
        var kind: String?
        if let brace = name.firstIndex(of: "{") {
            guard name.last == "}" else { throw refusal }
            kind = String(name[name.index(after: brace)...].dropLast())
            name = name[..<brace]
        }
        guard let measure = Measure(rawValue: String(name)) else { throw refusal }
        let bound: Double?
        switch measure {
        case .errors:
            bound =
                value.hasSuffix("%")
                ? Double(value.dropLast()).map { $0 / 100 } : Double(value).flatMap { $0 <= 1 ? $0 : nil }
        case .rate: bound = Double(value)
        default: bound = Duration(text: value).map(\.seconds)
        }
        guard let bound, bound >= 0, bound.isFinite else { throw refusal }
        self.init(measure, bound, kind: kind)
    }

    /// The form that ``init(text:)`` reads.
    public var description: String {
        "\(measure.rawValue)\(kind.map { "{\($0)}" } ?? "")=\(shown(bound))"
    }

    /// A value of this measure, as people read it.
    func shown(_ value: Double) -> String {
        switch measure {
        case .errors: Figures.percent(value)
        case .rate: Figures.short(value)
        default: Duration.nanoseconds(Int64(value * 1e9)).shown.replacing(" ", with: "")
        }
    }

    /// Whether a run kept to it.
    public struct Outcome: Codable, Sendable, Hashable {
        /// The threshold as text.
        public var threshold: String
        /// What was measured, as text; "nothing" where there was no such request.
        public var measured: String
        /// Whether it was kept.
        public var holds: Bool
    }

    /// What was measured; nil where there was no such request.
    func value(in report: LoadReport) -> Double? {
        guard let found = kind.map({ name in report.kinds.first { $0.name == name } }) ?? report.all else { return nil }
        guard found.requests > 0 else { return nil }
        let latency = found.latency
        switch measure {
        case .errors: return found.errors
        case .rate: return found.rate
        case .p50: return latency.count > 0 ? latency.p50 : nil
        case .p90: return latency.count > 0 ? latency.p90 : nil
        case .p95: return latency.count > 0 ? latency.p95 : nil
        case .p99: return latency.count > 0 ? latency.p99 : nil
        case .p999: return latency.count > 0 ? latency.p999 : nil
        case .max: return latency.count > 0 ? latency.max : nil
        case .mean: return latency.count > 0 ? latency.mean : nil
        }
    }

    /// Whether `report` keeps to it; what was not measured does not.
    public func outcome(for report: LoadReport) -> Outcome {
        guard let value = value(in: report) else {
            return Outcome(threshold: description, measured: "nothing", holds: false)
        }
        let holds = measure == .rate ? value >= bound : value <= bound
        return Outcome(threshold: description, measured: shown(value), holds: holds)
    }
}
