import ApusHTTP
import Glibc

/// A report as one page that needs nothing else: no script, no picture, no font from elsewhere.
public enum HTMLReport {
    /// The page.
    public static func page(_ report: LoadReport, comparison: Comparison? = nil, old: LoadReport? = nil) -> String {
        var html = ByteWriter(capacity: 64 << 10)
        html.append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
        html.append("<meta name=\"viewport\" content=\"width=device-width\"><title>")
        html.append(htmlEscaping: "\(report.scenario) on \(report.target)")
        html.append("</title><style>")
        html.append(string: style)
        html.append("</style></head><body><main>\n<h1>")
        html.append(htmlEscaping: report.scenario)
        html.append("</h1><p>")
        html.append(htmlEscaping: "\(report.target): \(report.driver)")
        html.append("</p>\n")
        verdict(report, &html)
        if let limit = report.limit { write(limit, &html) }
        figures(report, &html)
        plots(report, old, &html)
        kinds(report, &html)
        if let comparison { write(comparison, &html) }
        details(report, &html)
        html.append("</main></body></html>\n")
        return html.string
    }

    // MARK: Parts

    private static func verdict(_ report: LoadReport, _ html: inout ByteWriter) {
        for problem in report.invalid { note("bad", "Invalid: \(problem).", &html) }
        for outcome in report.thresholds {
            note(
                outcome.holds ? "good" : "bad",
                "\(outcome.holds ? "Kept" : "Broken"): \(outcome.threshold), measured \(outcome.measured).",
                &html
            )
        }
        for finding in report.findings {
            note(
                finding.holds ? "good" : "bad",
                "\(finding.holds ? "Right" : "Wrong"): \(finding.what): \(finding.detail).",
                &html
            )
        }
        if report.loop == "closed" {
            note("warn", "A closed loop: it asks less of a server that stalls, so it hides what a stall costs.", &html)
        }
    }

    private static func note(_ style: StaticString, _ text: String, _ html: inout ByteWriter) {
        html.append("<p class=\"note ")
        html.append(style)
        html.append("\">")
        html.append(htmlEscaping: text)
        html.append("</p>\n")
    }

    private static func figures(_ report: LoadReport, _ html: inout ByteWriter) {
        let all = report.all
        let pairs = [
            ("requests", Figures.grouped(Double(all.requests))), ("a second", Figures.short(all.rate)),
            (
                "failed",
                all.failed == 0 ? "none" : "\(Figures.grouped(Double(all.failed))) (\(Figures.percent(all.errors)))"
            ),
            ("p50", time(all.latency.p50)), ("p99", time(all.latency.p99)), ("p99.9", time(all.latency.p999)),
            ("max", time(all.latency.max)), ("generator late, p99", time(report.generator.lag.p99)),
        ]
        html.append("<dl class=\"figures\">")
        for (name, value) in pairs {
            html.append("<div><dt>")
            html.append(htmlEscaping: name)
            html.append("</dt><dd>")
            html.append(htmlEscaping: value)
            html.append("</dd></div>")
        }
        html.append("</dl>\n")
    }

    private static func plots(_ report: LoadReport, _ old: LoadReport?, _ html: inout ByteWriter) {
        let answered = report.samples.filter { $0.latency.count > 0 }
        Plot(
            title: "Latency, second by second",
            words: "Latency over \(Figures.short(report.elapsed)) s: p50 \(time(report.all.latency.p50)) and p99 "
                + "\(time(report.all.latency.p99)) over all of it.",
            xName: "s",
            yName: "latency",
            yScale: .logarithmic,
            series: [
                Plot.Series(name: "p50", style: "a", points: answered.map { ($0.at, $0.latency.p50) }),
                Plot.Series(name: "p99", style: "b", points: answered.map { ($0.at, $0.latency.p99) }),
                Plot.Series(
                    name: "max",
                    style: "c",
                    points: answered.map { ($0.at, $0.latency.max) },
                    isDashed: true
                ),
            ],
            yText: time
        ).write(to: &html)
        Plot(
            title: "Rates, second by second",
            words:
                "Arrivals wanted and begun, requests answered and failed: \(Figures.short(report.all.rate)) requests "
                + "a second over all of it.",
            xName: "s",
            yName: "a second",
            series: [
                Plot.Series(
                    name: "arrivals wanted",
                    style: "c",
                    points: report.samples.compactMap { sample in sample.wanted.map { (sample.at, $0) } },
                    isDashed: true
                ),
                Plot.Series(
                    name: "requests",
                    style: "a",
                    points: report.samples.map { ($0.at, Double($0.requests) / $0.seconds) }
                ),
                Plot.Series(
                    name: "failed",
                    style: "bad",
                    points: report.samples.map { ($0.at, Double($0.failed) / $0.seconds) }
                ),
            ]
        ).write(to: &html)
        Plot(
            title: "Latency by share of requests",
            words: "What share of requests took how long: half \(time(report.all.latency.p50)) or less, "
                + "99.9% \(time(report.all.latency.p999)) or less.",
            xName: "share of requests that are as quick or quicker",
            yName: "latency",
            yScale: .logarithmic,
            series: [Plot.Series(name: old == nil ? "this run" : "new", style: "a", points: nines(report.histogram))]
                + (old.map { [Plot.Series(name: "old", style: "c", points: nines($0.histogram), isDashed: true)] } ?? []),
            xTicks: [(0, "0"), (1, "90%"), (2, "99%"), (3, "99.9%"), (4, "99.99%"), (5, "99.999%")],
            yText: time
        ).write(to: &html)
    }

    /// A histogram by the number of nines: 1 for 90%, 2 for 99%.
    static func nines(_ buckets: [LoadReport.Bucket]) -> [(x: Double, y: Double)] {
        let total = buckets.reduce(0) { $0 + $1.count }
        var seen = 0
        return buckets.map { bucket in
            // In the middle of the bucket, so that the last one is not at infinity.
            let share = (Double(seen) + Double(bucket.count) / 2) / Double(max(1, total))
            seen += bucket.count
            return (-log10(1 - share), bucket.to)
        }
    }

    private static func kinds(_ report: LoadReport, _ html: inout ByteWriter) {
        table(
            "Requests by kind",
            ["", "requests", "a second", "failed", "p50", "p90", "p99", "p99.9", "max"],
            ([report.all] + report.kinds).map { kind in
                [
                    kind.name, Figures.grouped(Double(kind.requests)), Figures.short(kind.rate),
                    "\(kind.failed)", time(kind.latency.p50), time(kind.latency.p90), time(kind.latency.p99),
                    time(kind.latency.p999), time(kind.latency.max),
                ]
            },
            &html
        )
        if !report.all.failures.isEmpty {
            table(
                "Failures",
                ["", "requests"],
                report.all.failures.sorted { $0.key < $1.key }.map { [$0.key, "\($0.value)"] },
                &html
            )
        }
        if !report.checks.isEmpty {
            table(
                "Checks",
                ["", "held", "failed"],
                report.checks.map { [$0.what, "\($0.passed)", "\($0.failed)"] },
                &html
            )
        }
    }

    private static func write(_ limit: LimitFinding, _ html: inout ByteWriter) {
        html.append("<section><h2>The limit</h2>")
        let lines = TextReport.limitLines(limit)
        for line in lines.prefix(3) { note("plain", line, &html) }
        Plot(
            title: "Latency at each rate",
            words: lines.first ?? "",
            xName: "arrivals a second",
            yName: "p99",
            xScale: .logarithmic,
            yScale: .logarithmic,
            series: [
                Plot.Series(
                    name: "kept the promise",
                    style: "a",
                    points: limit.steps.filter(\.holds).map { ($0.rate, $0.p99) },
                    mark: "o"
                ),
                Plot.Series(
                    name: "broke it",
                    style: "bad",
                    points: limit.steps.filter { !$0.holds }.map { ($0.rate, $0.p99) },
                    mark: "x"
                ),
            ],
            level: latencyLevel(limit),
            yText: time
        ).write(to: &html)
        table(
            "Everything that was tried, in order",
            ["arrivals a second", "requests a second", "p50", "p99", "errors", "", "busiest"],
            limit.steps.map { step in
                [
                    Figures.short(step.rate), Figures.short(step.answered), time(step.p50), time(step.p99),
                    Figures.percent(step.errors), step.holds ? "held" : step.why ?? "failed",
                    step.bottleneck?.description ?? "",
                ]
            },
            &html
        )
        if let uses = limit.bottleneck?.processes, !uses.isEmpty {
            table(
                "Processes where it broke",
                ["", "cores", "waited for a core", "busiest thread"],
                uses.map {
                    [
                        $0.process, Figures.fixed($0.cores, 2), Figures.fixed($0.waited, 2),
                        Figures.percent($0.thread),
                    ]
                },
                &html
            )
        }
        html.append("</section>\n")
    }

    private static func latencyLevel(_ limit: LimitFinding) -> Plot.Level? {
        for text in limit.requirements {
            guard let threshold = try? Threshold(text: text), threshold.measure == .p99, threshold.kind == nil else {
                continue
            }
            return Plot.Level(name: text, y: threshold.bound)
        }
        return nil
    }

    private static func write(_ comparison: Comparison, _ html: inout ByteWriter) {
        for caution in comparison.cautions { note("warn", "Careful: \(caution).", &html) }
        table(
            "Compared with the older run",
            ["", "", "old", "new", "change", ""],
            comparison.rows.map { row in
                let threshold = Threshold(row.measure, 0)
                return [
                    row.kind, row.measure.rawValue, threshold.shown(row.old), threshold.shown(row.new),
                    row.change.map { "\($0 < 0 ? "" : "+")\(Figures.percent($0))" } ?? "-",
                    row.verdict?.rawValue ?? "",
                ]
            },
            &html
        )
    }

    private static func details(_ report: LoadReport, _ html: inout ByteWriter) {
        let generator = report.generator
        table(
            "The run",
            ["", ""],
            [
                ["loop", report.loop], ["seed", "\(report.seed)"],
                ["arrivals", Figures.grouped(Double(report.arrivals))],
                ["visitors who came to the end", "\(report.finished)"],
                ["visitors who gave up", "\(report.abandoned)"],
                ["generator's loops", "\(generator.loops)"],
                ["generator's busiest loop", "\(Figures.percent(generator.busiest)) of a core"],
                ["generator's processor time", "\(Figures.short(generator.cpuSeconds)) s"],
                ["connections made", "\(generator.connects)"],
                ["sent again after an idle close", "\(generator.resent)"],
                ["began", "\(Int(report.began)) s after 1970"],
            ],
            &html
        )
    }

    private static func table(_ title: String, _ head: [String], _ rows: [[String]], _ html: inout ByteWriter) {
        html.append("<div class=\"wide\"><table><caption>")
        html.append(htmlEscaping: title)
        html.append("</caption><thead><tr>")
        for cell in head {
            html.append("<th scope=\"col\">")
            html.append(htmlEscaping: cell)
            html.append("</th>")
        }
        html.append("</tr></thead><tbody>")
        for row in rows {
            html.append("<tr>")
            for (index, cell) in row.enumerated() {
                html.append(string: index == 0 ? "<th scope=\"row\">" : "<td>")
                html.append(htmlEscaping: cell)
                html.append(string: index == 0 ? "</th>" : "</td>")
            }
            html.append("</tr>")
        }
        html.append("</tbody></table></div>\n")
    }

    private static func time(_ seconds: Double) -> String { TextReport.time(seconds) }

    private static let style = """
        :root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#57606a;--grid:#d8dee4;--a:#0a58ca;--b:#9a4a00;\
        --c:#57606a;--bad:#b3261e;--good:#1a7f37}
        @media(prefers-color-scheme:dark){:root{--paper:#12161c;--ink:#e6edf3;--soft:#9aa5b1;--grid:#30363d;--a:#79b8ff;\
        --b:#ffb366;--c:#9aa5b1;--bad:#ff8a80;--good:#7ee787}}
        *{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
        main{max-width:860px;margin:0 auto;padding:24px 16px 64px}h1{font-size:28px;margin:0}h2{font-size:21px;margin:32px 0 0}
        .note{margin:6px 0;padding:8px 12px;border-left:4px solid var(--grid)}.note.bad{border-color:var(--bad)}
        .note.good{border-color:var(--good)}.note.warn{border-color:var(--b)}.note.plain{border-color:var(--a)}
        .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:8px;margin:20px 0}
        .figures div{border:1px solid var(--grid);border-radius:6px;padding:8px 12px}dt{color:var(--soft);font-size:13px}
        dd{margin:0;font-size:20px;font-variant-numeric:tabular-nums}
        figure{margin:28px 0}figcaption,caption{font-weight:600;text-align:left;padding:0 0 6px}
        svg{width:100%;height:auto;display:block}svg text{fill:var(--soft);font-size:12px}
        .grid{stroke:var(--grid)}.level{stroke:var(--bad);stroke-dasharray:2 3}.line{fill:none;stroke-width:2}
        .dashed{stroke-dasharray:5 4}.line.a{stroke:var(--a)}.line.b{stroke:var(--b)}.line.c{stroke:var(--c)}
        .line.bad{stroke:var(--bad)}circle.a{fill:var(--a)}svg text.mark.bad{fill:var(--bad);text-anchor:middle;\
        dominant-baseline:central;font-size:15px}
        .legend{display:flex;flex-wrap:wrap;gap:4px 20px;list-style:none;padding:0;margin:4px 0 0;font-size:14px}
        .legend .a{color:var(--a)}.legend .b{color:var(--b)}.legend .c{color:var(--c)}.legend .bad{color:var(--bad)}
        .wide{overflow-x:auto;margin:28px 0}table{border-collapse:collapse;width:100%;font-size:14px;\
        font-variant-numeric:tabular-nums}th,td{padding:5px 10px;border-bottom:1px solid var(--grid);text-align:right}
        th[scope=row],th:first-child{text-align:left;font-weight:500}thead th{color:var(--soft)}
        """
}
