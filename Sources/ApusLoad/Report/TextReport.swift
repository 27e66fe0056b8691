/// A report as text for a terminal.
package enum TextReport {
    /// The whole report.
    package static func text(_ report: LoadReport, comparison: Comparison? = nil) -> String {
        var lines = ["\(report.scenario): \(report.driver)", "\(report.target)", ""]
        if !report.isValid {
            lines += report.invalid.map { "INVALID  \($0)" } + [""]
        }
        lines += table(
            ["", "REQUESTS", "RATE", "FAILED", "P50", "P90", "P99", "P99.9", "MAX"],
            ([report.all] + (report.kinds.count > 1 ? report.kinds : [])).map(row)
        )
        lines.append("")
        for (failure, count) in report.all.failures.sorted(by: { $0.key < $1.key }) {
            lines.append("failed: \(count) \(failure)")
        }
        if report.finished + report.abandoned > 0 {
            lines.append("visitors: \(report.finished) came to the end, \(report.abandoned) gave up")
        }
        for check in report.checks {
            lines.append("check: \(check.what): held \(check.passed) times, failed \(check.failed) times")
        }
        lines.append(
            "generator: late by \(time(report.generator.lag.p99)) at p99, busiest loop "
                + "\(Figures.percent(report.generator.busiest)) of a core, \(report.generator.connects) connections"
                + (report.loop == "closed" ? "; a closed loop hides what a stall costs" : "")
        )
        for finding in report.findings {
            lines.append("\(finding.holds ? "ok    " : "WRONG ") \(finding.what): \(finding.detail)")
        }
        for outcome in report.thresholds {
            lines.append("\(outcome.holds ? "kept  " : "BROKEN") \(outcome.threshold): \(outcome.measured)")
        }
        if let limit = report.limit { lines += [""] + limitLines(limit) }
        if let comparison { lines += [""] + compared(comparison) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What a search for the limit found, the sentence to remember first.
    package static func limitLines(_ limit: LimitFinding) -> [String] {
        let promise = limit.requirements.joined(separator: ", ")
        guard limit.knee > 0 else { return ["no rate that was tried keeps \(promise): \(limit.steps.last?.why ?? "")"] }
        var lines = [
            "safe \(Figures.short(limit.safe)) arrivals/s; the knee is at \(Figures.short(limit.knee))/s for \(promise)"
        ]
        if let bottleneck = limit.bottleneck { lines.append("first limit: \(bottleneck)") }
        lines.append("how sure: \(limit.confidence): \(limit.reason)")
        if let uses = limit.bottleneck?.processes, !uses.isEmpty {
            lines += [""]
            lines += table(
                ["PROCESS", "CORES", "WAITED", "BUSIEST THREAD"],
                uses.prefix(12).map {
                    [
                        $0.process, Figures.fixed($0.cores, 2), Figures.fixed($0.waited, 2),
                        Figures.percent($0.thread),
                    ]
                }
            )
        }
        return lines
    }

    /// One line for one measurement of a search.
    package static func line(_ step: LimitFinding.Step) -> String {
        "\(pad(Figures.short(step.rate), 8, left: true))/s  p50 \(pad(time(step.p50), 9))  p99 \(pad(time(step.p99), 9))  "
            + "errors \(pad(Figures.percent(step.errors), 6))  \(step.holds ? "holds" : "fails: \(step.why ?? "")")"
    }

    /// One line for one second of a run.
    package static func line(_ sample: LoadReport.Sample) -> String {
        let wanted = sample.wanted.map { " of \(Figures.short($0))" } ?? ""
        let rate = Double(sample.wanted == nil ? sample.requests : sample.arrivals) / sample.seconds
        return "\(pad(Figures.fixed(sample.at, 0), 5, left: true)) s  \(Figures.short(rate))\(wanted)/s  "
            + "\(sample.requests) requests, \(sample.failed) failed, \(sample.underWay) under way  "
            + "p50 \(time(sample.latency.p50))  p99 \(time(sample.latency.p99))  max \(time(sample.latency.max))"
            + (sample.lag > 0.001 ? "  generator late by \(time(sample.lag))" : "")
    }

    private static func row(_ kind: LoadReport.Kind) -> [String] {
        let latency = kind.latency
        return [
            kind.name, "\(kind.requests)", "\(Figures.short(kind.rate))/s",
            kind.failed == 0 ? "0" : "\(kind.failed) (\(Figures.percent(kind.errors)))", time(latency.p50),
            time(latency.p90), time(latency.p99), time(latency.p999), time(latency.max),
        ]
    }

    private static func compared(_ comparison: Comparison) -> [String] {
        comparison.cautions.map { "careful: \($0)" }
            + table(
                ["COMPARED", "", "OLD", "NEW", "CHANGE", ""],
                comparison.rows.map { row in
                    let threshold = Threshold(row.measure, 0)
                    return [
                        row.kind, row.measure.rawValue, threshold.shown(row.old), threshold.shown(row.new),
                        row.change.map { "\($0 < 0 ? "" : "+")\(Figures.percent($0))" } ?? "-",
                        row.verdict?.rawValue ?? "",
                    ]
                }
            )
    }

    static func time(_ seconds: Double) -> String { Duration.nanoseconds(Int64(seconds * 1e9)).shown }

    static func pad(_ text: String, _ width: Int, left: Bool = false) -> String {
        let blank = String(repeating: " ", count: max(0, width - text.count))
        return left ? blank + text : text + blank
    }

    /// Columns: the first to the left, those of figures to the right.
    static func table(_ head: [String], _ rows: [[String]]) -> [String] {
        let all = [head] + rows
        let widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            var line = zip(row, widths).enumerated().map { index, cell in
                pad(cell.0, cell.1, left: index > 0)
            }.joined(separator: "  ")
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }
}
