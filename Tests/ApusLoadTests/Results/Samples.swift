@testable import ApusLoad

/// A report of a run of ten seconds, with a p99 that moves a little from second to second.
func sample(
    p99: Double,
    requests: Int = 1_000,
    failed: Int = 0,
    name: String = "GET /",
    noise: [Double] = [1, 1.02, 0.98, 1.01, 0.99, 1, 1.03, 0.97, 1, 1]
) -> LoadReport {
    var latency = LoadReport.Latency()
    latency.count = requests
    (latency.p50, latency.p99, latency.p999, latency.max) = (p99 / 4, p99, p99 * 1.5, p99 * 2)
    let kind = LoadReport.Kind(
        name: name,
        requests: requests,
        rate: Double(requests) / 10,
        failed: failed,
        errors: requests > 0 ? Double(failed) / Double(requests) : 0,
        failures: failed > 0 ? ["unexpected status": failed] : [:],
        statuses: ["2xx": requests - failed],
        bytes: requests * 100,
        latency: latency
    )
    var all = kind
    all.name = "all"
    let samples = noise.enumerated().map { index, factor in
        var second = latency
        second.count = requests / 10
        (second.p50, second.p99, second.p999) = (p99 / 4 * factor, p99 * factor, p99 * 1.5 * factor)
        return LoadReport.Sample(
            at: Double(index + 1),
            seconds: 1,
            wanted: Double(requests) / 10,
            arrivals: requests / 10,
            requests: requests / 10,
            failed: failed / 10,
            underWay: 3,
            latency: second,
            lag: 0.0001
        )
    }
    return LoadReport(
        target: "http://127.0.0.1:8080",
        scenario: "sample",
        driver: "100 arrivals a second, at random, 10 s",
        loop: "open",
        seed: 1,
        began: 1_767_225_600,
        duration: 10,
        elapsed: 10,
        arrivals: requests,
        wanted: Double(requests) / 10,
        finished: 0,
        abandoned: 0,
        all: all,
        kinds: [kind],
        samples: samples,
        histogram: [.init(to: p99 / 4, count: requests * 98 / 100), .init(to: p99, count: requests / 50)],
        checks: [],
        generator: LoadReport.Generator(loops: 1, lag: .init(), busiest: 0.1, cpuSeconds: 1, connects: 4, resent: 0),
        invalid: []
    )
}
