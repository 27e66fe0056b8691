import ApusCore
import Testing

@testable import ApusLoad

struct ThresholdTests {
    @Test(arguments: [
        ("p99=50ms", Threshold(.p99, 0.05)), ("p999=1.5s", Threshold(.p999, 1.5)),
        ("errors=0.1%", Threshold(.errors, 0.001)),
        ("errors=0.02", Threshold(.errors, 0.02)), ("rate=100", Threshold(.rate, 100)), ("max=2s", Threshold(.max, 2)),
        ("p99{GET /products/{product}}=20ms", Threshold(.p99, 0.02, kind: "GET /products/{product}")),
    ]) func `thresholds are read as people write them`(text: String, threshold: Threshold) throws {
        let read = try Threshold(text: text)
        #expect(read.measure == threshold.measure && read.kind == threshold.kind)
        #expect(abs(read.bound - threshold.bound) < 1e-12)
        // What it says of itself is read as the same again.
        #expect(try Threshold(text: read.description).measure == read.measure)
    }

    @Test(arguments: [
        "", "p99", "p99=", "p99=50", "p42=1s", "errors=5", "errors=-1%", "rate=x", "p99{GET /=1s", "=5ms", "rate=nan",
    ])
    func `what is no threshold is refused`(text: String) {
        #expect(throws: ConfigurationError.self) { try Threshold(text: text) }
    }

    @Test func `a threshold is kept up to its bound, and broken above`() {
        let report = sample(p99: 0.05, requests: 1_000, failed: 1)
        #expect(Threshold(.p99, 0.05).outcome(for: report).holds)
        #expect(!Threshold(.p99, 0.0499).outcome(for: report).holds)
        #expect(Threshold(.errors, 0.001).outcome(for: report).holds)
        #expect(!Threshold(.errors, 0.0009).outcome(for: report).holds)
        #expect(Threshold(.rate, 100).outcome(for: report).holds)
        #expect(!Threshold(.rate, 100.1).outcome(for: report).holds)
    }

    @Test func `what was not measured is not kept`() {
        let report = sample(p99: 0.05, requests: 0, failed: 0)
        #expect(!Threshold(.p99, 1).outcome(for: report).holds)
        #expect(!Threshold(.errors, 1, kind: "GET /nothing").outcome(for: report).holds)
    }
}

struct ValidityTests {
    private func problems(
        lag: Double,
        latency: Double,
        busiest: Double = 0.2,
        isOpen: Bool = true,
        requests: Int = 9,
        answered: Int = 9
    ) -> Int {
        Validity.problems(
            lag: lag,
            latency: latency,
            lagMax: 0.001,
            busiest: busiest,
            isOpen: isOpen,
            requests: requests,
            answered: answered
        ).count
    }

    @Test func `a generator that lags by more than a tenth of what it measured proves nothing`() {
        #expect(problems(lag: 0.0009, latency: 0.001) == 0)
        #expect(problems(lag: 0.002, latency: 0.005) == 1)
        #expect(problems(lag: 0.002, latency: 0.05) == 0)
        #expect(problems(lag: 0.002, latency: 0.005, isOpen: false) == 0)
    }

    @Test func `a generator without a core to spare, or without an answer, proves nothing`() {
        #expect(problems(lag: 0, latency: 1, busiest: 0.99) == 1)
        #expect(problems(lag: 0, latency: 0, requests: 0) == 1)
        #expect(problems(lag: 0, latency: 0, answered: 0) == 1)
    }
}
