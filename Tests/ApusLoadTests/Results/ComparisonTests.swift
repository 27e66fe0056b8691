import ApusHTTP
import Testing

@testable import ApusLoad

struct ComparisonTests {
    private func verdict(_ comparison: Comparison, _ measure: Threshold.Measure) -> Comparison.Verdict? {
        comparison.rows.first { $0.kind == "all" && $0.measure == measure }?.verdict
    }

    @Test func `a run is the same as itself`() {
        let comparison = Comparison(sample(p99: 0.02), sample(p99: 0.02))
        for measure in [Threshold.Measure.p50, .p99, .rate, .errors] { #expect(verdict(comparison, measure) == .same) }
        #expect(comparison.cautions.isEmpty)
    }

    @Test func `what moved by more than the runs vary is better or worse`() {
        #expect(verdict(Comparison(sample(p99: 0.02), sample(p99: 0.03)), .p99) == .worse)
        #expect(verdict(Comparison(sample(p99: 0.03), sample(p99: 0.02)), .p99) == .better)
        #expect(verdict(Comparison(sample(p99: 1, requests: 1_000), sample(p99: 1, requests: 500)), .rate) == .worse)
    }

    @Test func `what moved within the noise is the same`() {
        let noise = [0.5, 1.5, 0.7, 1.2, 0.6, 1.4, 1, 0.8, 1.3, 0.9]
        let (old, new) = (sample(p99: 0.02, noise: noise), sample(p99: 0.022, noise: noise))
        #expect(verdict(Comparison(old, new), .p99) == .same)
        // A fiftieth is within the histogram's own grain, however little the runs vary.
        #expect(verdict(Comparison(sample(p99: 0.02), sample(p99: 0.0204)), .p99) == .same)
    }

    @Test func `errors are compared as shares of what was asked`() {
        #expect(verdict(Comparison(sample(p99: 1, failed: 0), sample(p99: 1, failed: 20)), .errors) == .worse)
        #expect(verdict(Comparison(sample(p99: 1, failed: 20), sample(p99: 1, failed: 22)), .errors) == .same)
    }

    @Test func `runs too short to say how much they vary get no verdict`() {
        let short = sample(p99: 0.02, noise: [1, 1, 1])
        #expect(verdict(Comparison(short, sample(p99: 0.05)), .p99) == nil)
    }

    @Test func `what makes runs hard to compare is said`() {
        var other = sample(p99: 0.02)
        other.scenario = "another"
        other.driver = "5 clients in a closed loop"
        other.invalid = ["late"]
        #expect(Comparison(sample(p99: 0.02), other).cautions.count == 3)
    }

    @Test func `a report is the same after a trip through JSON`() throws {
        var report = sample(p99: 0.02, failed: 10)
        report.thresholds = [Threshold(.p99, 0.01).outcome(for: report)]
        report.findings = [.init("stock adds up", holds: true, "3 products")]
        var writer = ByteWriter(capacity: 1024)
        try JSONBody().encode(report, to: &writer)
        #expect(try JSONBody().decode(LoadReport.self, from: writer.bytes) == report)
        #expect(!report.holds)
    }
}
