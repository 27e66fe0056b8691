import Testing

@testable import ApusLoad

struct HTMLReportTests {
    private let hostile = #"GET /<script>alert("&'")</script>"#

    @Test func `whatever names say, they are text`() {
        var report = sample(p99: 0.02, failed: 10, name: hostile)
        report.scenario = hostile
        report.target = hostile
        report.driver = hostile
        report.invalid = [hostile]
        report.checks = [.init(what: hostile, passed: 1, failed: 1)]
        report.findings = [.init(hostile, holds: false, hostile)]
        report.thresholds = [.init(threshold: hostile, measured: hostile, holds: false)]
        report.limit = finding(hostile)
        let page = HTMLReport.page(report, comparison: Comparison(report, report), old: report)
        #expect(!page.contains("<script") && !page.contains("alert(\""))
        #expect(page.contains("&lt;script&gt;alert(&quot;&amp;&#39;&quot;)&lt;/script&gt;"))
    }

    @Test func `the page needs nothing but itself, and says in words what plots show`() {
        let page = HTMLReport.page(sample(p99: 0.02))
        for foreign in ["http://www", "https://", "src=", "<link", "<script", "@import", "url("] {
            #expect(!page.contains(foreign), "\(foreign)")
        }
        #expect(page.contains("prefers-color-scheme:dark") && page.contains("lang=\"en\""))
        #expect(page.components("<svg").count == page.components("role=\"img\" aria-label=").count)
        #expect(page.components("<polyline").count > 5)
        #expect(!page.contains("nan,") && !page.contains(",nan") && !page.contains("\"nan") && !page.contains("inf"))
    }

    @Test func `every element that is opened is closed`() {
        var report = sample(p99: 0.02, failed: 1)
        report.limit = finding("waits")
        let page = HTMLReport.page(report, comparison: Comparison(report, report), old: report)
        for name in [
            "html", "body", "main", "section", "figure", "svg", "table", "tr", "td", "th", "div", "p", "ul", "li", "dl",
        ] {
            #expect(
                page.components("<\(name)>").count + page.components("<\(name) ").count - 1
                    == page.components("</\(name)>").count,
                "\(name)"
            )
        }
    }

    @Test func `a run without an answer still has a page`() {
        var report = sample(p99: 0, requests: 0)
        report.samples = []
        report.histogram = []
        #expect(HTMLReport.page(report).contains("</html>"))
    }

    @Test func `shares become nines`() {
        let points = HTMLReport.nines([.init(to: 1, count: 180), .init(to: 2, count: 20)])
        #expect(abs(points[0].x - 0.2596) < 0.001 && abs(points[1].x - 1.301) < 0.001)
        #expect(points.map(\.y) == [1, 2])
    }

    @Test func `axes have round ticks that cover the values`() throws {
        for values in [[0.0, 7.3], [12, 12], [0.001, 900], [0, 0], [1e-9, 2e-9]] {
            for scale in [Plot.Scale.linear, .logarithmic] {
                guard let axis = Plot.Axis(values, scale, startsAtZero: false) else {
                    #expect(scale == .logarithmic && values.allSatisfy { $0 <= 0 })
                    continue
                }
                #expect(axis.low < axis.high && !axis.ticks.isEmpty && axis.ticks.count < 15)
                for value in values where value > 0 || scale == .linear {
                    #expect(axis.share(value) >= -1e-9 && axis.share(value) <= 1 + 1e-9)
                }
            }
        }
    }

    @Test func `the text for a terminal names the knee first`() {
        var report = sample(p99: 0.02)
        report.limit = finding("waits")
        let text = TextReport.text(report)
        #expect(text.contains("safe 700 arrivals/s; the knee is at 1\u{2009}000/s for p99=50ms"))
        #expect(text.contains("first limit: waits"))
    }

    private func finding(_ what: String) -> LimitFinding {
        let bottleneck = Bottleneck(
            resource: .waiting,
            process: what,
            share: 0.4,
            description: what,
            processes: [.init(process: what, cores: 0.5, waited: 0.1, thread: 0.4)]
        )
        let step = LimitFinding.Step(
            rate: 1_100,
            answered: 1_000,
            p50: 0.01,
            p99: 0.09,
            errors: 0,
            holds: false,
            why: what,
            bottleneck: bottleneck
        )
        return LimitFinding(
            requirements: ["p99=50ms"],
            knee: 1_000,
            from: 1_000,
            to: 1_100,
            safe: 700,
            tries: 3,
            held: 3,
            confidence: "high",
            reason: what,
            bottleneck: bottleneck,
            steps: [step]
        )
    }
}

extension String {
    fileprivate func components(_ separator: String) -> [Substring] {
        split(separator: separator, omittingEmptySubsequences: false)
    }
}
