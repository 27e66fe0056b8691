import ApusObserve

/// A metric in the list of all.
public struct MetricFact: Codable, Sendable, Hashable {
    /// Its name.
    public var name: String
    /// `counter`, `gauge` or `histogram`.
    public var kind: String
    /// One line for the reader.
    public var help: String
    /// `seconds`, `bytes` or nothing.
    public var unit: String
    /// Its labels, each with the values there are.
    public var labels: [String: [String]]
    /// The parts that have it.
    public var parts: [String]
}

/// A metric over time.
public struct MetricChart: Codable, Sendable, Hashable {
    /// A line of the chart.
    public struct Line: Codable, Sendable, Hashable {
        /// What the line is of: the value of the label that was asked for, or nothing.
        public var name: String
        /// One value a step; `nil` where nothing was measured.
        public var values: [Double?]
    }

    /// A trace that explains a point.
    public struct Exemplar: Codable, Sendable, Hashable {
        /// When it began, in nanoseconds since 1970.
        public var time: Int64
        /// How long it took, in seconds.
        public var value: Double
        /// The trace.
        public var trace: String
        /// What it did.
        public var name: String
        /// Whether it failed.
        public var failed: Bool
    }

    /// The metric's name.
    public var name: String
    /// What is shown: `rate`, `level`, `mean`, `p50`, `p90`, `p99` or `p999`.
    public var show: String
    /// `seconds`, `bytes`, `1/s` or nothing.
    public var unit: String
    /// The ends of the steps, in nanoseconds since 1970.
    public var times: [Int64]
    /// The lines, those with the largest values first.
    public var lines: [Line]
    /// Lines beyond the bound.
    public var linesLeftOut: Int
    /// Traces, where the metric is of times.
    public var exemplars: [Exemplar]
}

/// What a chart is asked for.
struct ChartQuestion: Sendable {
    var metric: String
    var show: String?
    /// The label, or `part` or `process`, that lines differ in.
    var by: String?
    /// Only of these parts; `nil` of all.
    var parts: [String]?
    /// Only series with these values.
    var filters: [(label: String, value: String)] = []
    var from: Int64
    var to: Int64
    var steps = 120

    static let linesMax = 24
    static let shows = ["rate", "level", "mean", "p50", "p90", "p99", "p999"]
}

extension Dashboard {
    /// All metrics there are, by name.
    var metrics: [MetricFact] {
        var facts: [String: MetricFact] = [:]
        var values: [String: [String: Set<String>]] = [:]
        var parts: [String: Set<String>] = [:]
        for info in timeline.series {
            facts[info.metric] = MetricFact(
                name: info.metric,
                kind: info.kind.rawValue,
                help: info.help,
                unit: Self.unit(info.metric),
                labels: [:],
                parts: []
            )
            parts[info.metric, default: []].insert(info.process.part)
            for label in info.key.labels {
                values[info.metric, default: [:]][label.name, default: []].insert(label.value)
            }
        }
        return facts.values.map { fact in
            var fact = fact
            fact.labels = (values[fact.name] ?? [:]).mapValues { Array($0.sorted().prefix(100)) }
            fact.parts = (parts[fact.name] ?? []).sorted()
            return fact
        }.sorted { $0.name < $1.name }
    }

    static func unit(_ metric: String) -> String {
        if metric.contains("_seconds") { return "seconds" }
        if metric.contains("_bytes") { return "bytes" }
        return ""
    }

    /// A metric over time; `nil` where there is none of that name.
    func chart(_ question: ChartQuestion) async -> MetricChart? {
        let wanted = timeline.series.filter { info in
            info.metric == question.metric && (question.parts?.contains(info.process.part) ?? true)
                && question.filters.allSatisfy { info.label($0.label) == $0.value }
        }
        guard let kind = timeline.series.first(where: { $0.metric == question.metric })?.kind else { return nil }
        let show = question.show ?? (kind == .counter ? "rate" : kind == .gauge ? "level" : "p99")
        let frames = await timeline.frames(after: question.from, to: question.to, of: question.metric)
        let step = max(1_000_000_000, (question.to - question.from) / Int64(max(1, min(1000, question.steps))))
        let groups = Dictionary(grouping: wanted) { Self.line($0, question.by) }
        var steps: [(end: Int64, frame: Frame?)] = []
        var rest = frames[...]
        var end = question.from + step
        while end <= question.to + step / 2, steps.count < 1000 {
            let count = rest.prefix { $0.time <= end }.count
            steps.append((end, Frame.merged(Array(rest.prefix(count)))))
            rest = rest.dropFirst(count)
            end += step
        }
        var lines = groups.map { name, series in
            MetricChart.Line(name: name, values: steps.map { Self.value(series, $0.frame, show) })
        }
        lines.sort { (Self.weight($0), $1.name) > (Self.weight($1), $0.name) }
        let isTime = kind == .histogram && Self.unit(question.metric) == "seconds"
        return MetricChart(
            name: question.metric,
            show: show,
            unit: show == "rate" && !isTime ? "1/s" : Self.unit(question.metric),
            times: steps.map(\.end),
            lines: Array(lines.prefix(ChartQuestion.linesMax)),
            linesLeftOut: max(0, lines.count - ChartQuestion.linesMax),
            exemplars: isTime ? exemplars(question, step) : []
        )
    }

    private static func line(_ info: SeriesInfo, _ by: String?) -> String {
        switch by {
        case nil: ""
        case "part": info.process.part
        case "process": info.process.description
        case let label?: info.label(label) ?? ""
        }
    }

    private static func weight(_ line: MetricChart.Line) -> Double { line.values.compactMap(\.self).reduce(0, +) }

    private static func value(_ series: [SeriesInfo], _ frame: Frame?, _ show: String) -> Double? {
        guard let frame else { return nil }
        let seconds = max(1e-9, Double(frame.span) / 1e9)
        var growth = 0.0
        var level: Double?
        var spread = Spread()
        for info in series {
            switch frame.samples[info.id] {
            case .growth(let value): growth += value
            case .level(let value): level = (level ?? 0) + value
            case .spread(let sum, let buckets): spread.add(sum, buckets, bounds: info.bounds, unit: info.unit)
            case nil: continue
            }
        }
        switch show {
        case "level": return level
        case "mean": return spread.mean
        case "p50": return spread.quantile(0.5)
        case "p90": return spread.quantile(0.9)
        case "p99": return spread.quantile(0.99)
        case "p999": return spread.quantile(0.999)
        default: return series.first?.kind == .histogram ? Double(spread.count) / seconds : growth / seconds
        }
    }

    /// The slowest trace of each step, and those that failed: one click from a point to what was behind it.
    private func exemplars(_ question: ChartQuestion, _ step: Int64) -> [MetricChart.Exemplar] {
        var traces = TraceBook.Question()
        traces.parts = question.parts
        traces.from = question.from
        traces.to = question.to
        traces.most = 2000
        let route = question.filters.first { $0.label == "route" }?.value
        var slowest: [Int64: TraceSummary] = [:]
        for trace in self.traces.list(traces) where route.map({ trace.name.hasPrefix($0) }) ?? true {
            let place = (trace.began - question.from) / step
            if let known = slowest[place], known.nanoseconds >= trace.nanoseconds { continue }
            slowest[place] = trace
        }
        return slowest.values.sorted { $0.began < $1.began }.map {
            MetricChart.Exemplar(
                time: $0.began,
                value: Double($0.nanoseconds) / 1e9,
                trace: $0.trace,
                name: $0.name,
                failed: $0.failed
            )
        }
    }
}
