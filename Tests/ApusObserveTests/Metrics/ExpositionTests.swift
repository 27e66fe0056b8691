import ApusCore
import ApusRuntime
import Testing

@testable import ApusObserve

@Suite(.timeLimit(.minutes(5)))
struct ExpositionTests {
    static func filled() -> Metrics {
        let metrics = Metrics()
        metrics.observeProcess()
        let requests = metrics.counters(
            "http_requests_total",
            help: "Requests \"answered\"\nso far.",
            labels: ["path", "code"]
        )
        requests.series("/a\\b\"c\nd", "200").add(5)
        requests.series("/é", "404").increment()
        metrics.gauge("connections", help: "Open connections.").set(-3)
        let durations = metrics.histograms("http_request_duration_seconds", help: "Durations.", labels: ["route"])
        for milliseconds in [1, 5, 6, 300, 20_000] { durations.series("/").record(.milliseconds(milliseconds)) }
        metrics.hdrHistogram("queue_duration_seconds", help: "Waits.").record(.microseconds(77))
        metrics.observe("temperature_celsius", help: "A value with a fraction.") { 21.5 }
        return metrics
    }

    @Test func `promtool finds nothing to complain about`() throws {
        #expect(try shell("command -v promtool").code == 0, "promtool is missing: apt-get install prometheus")
        let folder = try TemporaryFolder()
        let file = folder.file("metrics")
        try Files.writeAtomically(Exposition.prometheus.text(Self.filled().snapshot()), to: file)
        let check = try shell("promtool check metrics < \(file) 2>&1")
        #expect(check.output == "")
        #expect(check.code == 0)
        // It would notice.
        try Files.writeAtomically("nonsense{ 1\n", to: file)
        #expect(try shell("promtool check metrics < \(file) 2>&1").code != 0)
    }

    @Test func `Prometheus' text escapes labels and help, and sums buckets up`() {
        let text = Exposition.prometheus.text(Self.filled().snapshot())
        #expect(
            text.contains(
                "# HELP http_requests_total Requests \"answered\"\\nso far.\n# TYPE http_requests_total counter\n"
            )
        )
        #expect(text.contains("http_requests_total{path=\"/a\\\\b\\\"c\\nd\",code=\"200\"} 5\n"))
        #expect(text.contains("connections -3\n"))
        #expect(text.contains("http_request_duration_seconds_bucket{route=\"/\",le=\"0.005\"} 2\n"))
        #expect(text.contains("http_request_duration_seconds_bucket{route=\"/\",le=\"0.01\"} 3\n"))
        #expect(text.contains("http_request_duration_seconds_bucket{route=\"/\",le=\"10.0\"} 4\n"))
        #expect(text.contains("http_request_duration_seconds_bucket{route=\"/\",le=\"+Inf\"} 5\n"))
        #expect(text.contains("http_request_duration_seconds_sum{route=\"/\"} 20.312\n"))
        #expect(text.contains("http_request_duration_seconds_count{route=\"/\"} 5\n"))
        #expect(text.contains("temperature_celsius 21.5\n"))
        #expect(!text.contains("# EOF"))
    }

    @Test func `OpenMetrics names a counter's family without its suffix and ends with EOF`() {
        let text = Exposition.openMetrics.text(Self.filled().snapshot())
        #expect(text.contains("# TYPE http_requests counter\n"))
        #expect(text.contains("# HELP http_requests Requests \\\"answered\\\"\\nso far.\n"))
        #expect(text.contains("http_requests_total{path=\"/é\",code=\"404\"} 1\n"))
        #expect(text.hasSuffix("# EOF\n"))
    }

    @Test(arguments: [
        ("", Exposition.prometheus), ("*/*", .prometheus), ("text/plain;version=0.0.4", .prometheus),
        ("application/openmetrics-text; version=1.0.0", .openMetrics),
        ("application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics),
        ("application/openmetrics-text;q=0, text/plain", .prometheus),
    ])
    func `the format is what the client asks for`(accept: String, format: Exposition) {
        #expect(Exposition(accept: accept) == format)
    }

    @Test func `the process tells of itself`() throws {
        let metrics = Metrics()
        metrics.observeProcess()
        let values = Dictionary(uniqueKeysWithValues: metrics.snapshot().map { ($0.name, $0.series[0].value) })
        func number(_ name: String) throws -> Double {
            switch try #require(values[name]) {
            case .integer(let value): Double(value)
            case .real(let value): value
            case .histogram: -1
            }
        }
        #expect(try number("process_cpu_seconds_total") > 0)
        #expect(try number("process_resident_memory_bytes") > 1e6)
        #expect(try number("process_open_fds") >= 3)
        let now = Double(SystemClock().wallNanoseconds()) / 1e9
        let started = try number("process_start_time_seconds")
        #expect(started > now - 86400 && started <= now + 1)
    }
}
