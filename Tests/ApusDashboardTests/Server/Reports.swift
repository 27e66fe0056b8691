import ApusRuntime
import FoundationEssentials

@testable import ApusLoad

/// A report of ten seconds.
func loadReport(p99: Double, holds: Bool = true) -> LoadReport {
    var latency = LoadReport.Latency()
    (latency.count, latency.p50, latency.p99, latency.p999, latency.max) = (300, p99 / 4, p99, p99, p99 * 2)
    let all = LoadReport.Kind(
        name: "all",
        requests: 300,
        rate: 100,
        failed: 0,
        errors: 0,
        failures: [:],
        statuses: ["2xx": 300],
        bytes: 3000,
        latency: latency
    )
    let samples = (1...10).map { second in
        LoadReport.Sample(
            at: Double(second),
            seconds: 1,
            wanted: 30,
            arrivals: 30,
            requests: 30,
            failed: 0,
            underWay: 2,
            latency: latency,
            lag: 0.0001
        )
    }
    var report = LoadReport(
        target: "http://127.0.0.1:1",
        scenario: "reading",
        driver: "30 arrivals a second, at random, 10 s",
        loop: "open",
        seed: 1,
        began: 1,
        duration: 10,
        elapsed: 10,
        arrivals: 300,
        wanted: 30,
        finished: 300,
        abandoned: 0,
        all: all,
        kinds: [all],
        samples: samples,
        histogram: [],
        checks: [],
        generator: .init(loops: 1, lag: latency, busiest: 0.1, cpuSeconds: 1, connects: 1, resent: 0),
        invalid: []
    )
    report.findings = [Mix.Finding("books", holds: holds, "<b>balanced</b>")]
    return report
}

extension ServedDashboard {
    /// Puts a report among the results of load runs.
    func write(_ report: LoadReport, to name: String) throws {
        try Files.makeFolder(loads)
        let text = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        try Files.writeAtomically(text, to: "\(loads)/\(name)")
    }
}
