/// Two runs side by side, with a word on whether a difference means something.
public struct Comparison: Sendable, Hashable {
    /// What a difference means.
    public enum Verdict: String, Sendable, Hashable {
        /// It is better, by more than the runs vary in themselves.
        case better
        /// It is worse, by more than the runs vary in themselves.
        case worse
        /// It is within what the runs vary in themselves.
        case same
    }

    /// One measure of both runs.
    public struct Row: Sendable, Hashable {
        /// The kind of request, or `all`.
        public var kind: String
        /// What was measured.
        public var measure: Threshold.Measure
        /// In the older run.
        public var old: Double
        /// In the newer run.
        public var new: Double
        /// What the difference means; nil where the runs do not say how much they vary.
        public var verdict: Verdict?

        /// The change, as a share of the old value; nil where that was 0.
        public var change: Double? { old > 0 ? new / old - 1 : nil }
    }

    /// The measures: those of all requests first.
    public var rows: [Row]
    /// What makes the runs hard to compare: another scenario, another rate, an invalid run.
    public var cautions: [String]

    /// Compares `new` with `old`.
    ///
    /// A latency or a rate differs when the 95% confidence intervals of its median over the seconds do not overlap and it
    /// moved by more than a twentieth; the share of errors when a test for two proportions says so at 95%.
    public init(_ old: LoadReport, _ new: LoadReport) {
        rows = []
        cautions = []
        if old.scenario != new.scenario { cautions.append("the scenarios differ: \(old.scenario), \(new.scenario)") }
        if old.driver != new.driver { cautions.append("they were driven differently: \(old.driver); \(new.driver)") }
        for (name, report) in [("older", old), ("newer", new)] where !report.isValid {
            cautions.append("the \(name) run is invalid: \(report.invalid.joined(separator: "; "))")
        }
        let latencies: [(Threshold.Measure, (LoadReport.Latency) -> Double)] = [
            (.p50, { $0.p50 }), (.p99, { $0.p99 }), (.p999, { $0.p999 }),
        ]
        for (measure, value) in latencies {
            rows.append(
                Row(
                    kind: "all",
                    measure: measure,
                    old: value(old.all.latency),
                    new: value(new.all.latency),
                    verdict: Self.verdict(Self.seconds(old, value), Self.seconds(new, value), isLowerBetter: true)
                )
            )
        }
        rows.append(
            Row(
                kind: "all",
                measure: .rate,
                old: old.all.rate,
                new: new.all.rate,
                verdict: Self.verdict(Self.rates(old), Self.rates(new), isLowerBetter: false)
            )
        )
        rows.append(
            Row(
                kind: "all",
                measure: .errors,
                old: old.all.errors,
                new: new.all.errors,
                verdict: Self.errors(old.all, new.all)
            )
        )
        for kind in new.kinds {
            guard let before = old.kinds.first(where: { $0.name == kind.name }) else { continue }
            for (measure, value) in latencies.prefix(2) {
                rows.append(
                    Row(kind: kind.name, measure: measure, old: value(before.latency), new: value(kind.latency))
                )
            }
        }
    }

    private static func seconds(_ report: LoadReport, _ value: (LoadReport.Latency) -> Double) -> [Double] {
        report.samples.filter { $0.latency.count > 0 && $0.seconds > 0.5 }.map { value($0.latency) }
    }

    private static func rates(_ report: LoadReport) -> [Double] {
        report.samples.filter { $0.seconds > 0.5 }.map { Double($0.requests) / $0.seconds }
    }

    /// The 95% confidence interval of the median, from the order of the values alone.
    ///
    /// - SeeAlso: Conover, "Practical nonparametric statistics", 3rd edition, section 3.2.
    static func interval(_ values: [Double]) -> ClosedRange<Double>? {
        // Below six values no interval has 95%.
        guard values.count >= 6 else { return nil }
        let sorted = values.sorted()
        let half = Double(sorted.count) / 2
        let reach = 1.96 * Double(sorted.count).squareRoot() / 2
        let low = max(0, Int((half - reach).rounded(.down)) - 1)
        let high = min(sorted.count - 1, Int((half + reach).rounded(.up)))
        return sorted[low]...sorted[high]
    }

    static func verdict(_ old: [Double], _ new: [Double], isLowerBetter: Bool) -> Verdict? {
        guard let before = interval(old), let after = interval(new) else { return nil }
        let (middle, moved) = (old.sorted()[old.count / 2], new.sorted()[new.count / 2])
        guard !before.overlaps(after), abs(moved - middle) > middle / 20 else { return .same }
        return (moved < middle) == isLowerBetter ? .better : .worse
    }

    private static func errors(_ old: LoadReport.Kind, _ new: LoadReport.Kind) -> Verdict? {
        let (n, m) = (Double(old.requests), Double(new.requests))
        guard n > 0, m > 0 else { return nil }
        let pooled = Double(old.failed + new.failed) / (n + m)
        let deviation = (pooled * (1 - pooled) * (1 / n + 1 / m)).squareRoot()
        guard deviation > 0, abs(new.errors - old.errors) > 1.96 * deviation else { return .same }
        return new.errors < old.errors ? .better : .worse
    }
}
