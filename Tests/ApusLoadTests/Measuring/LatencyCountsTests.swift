import ApusCore
import ApusTesting
import Testing

@testable import ApusLoad

struct LatencyCountsTests {
    @Test func `quantiles are within 3% of the sorted values`() throws {
        var random = SeededRandom(seed: TestRun.seed)
        var counts = LatencyCounts()
        let values = (0..<20_000).map { _ in
            Int64(1) << Int64.random(in: 5...38, using: &random) + Int64.random(in: 0..<1_000, using: &random)
        }
        for value in values { counts.record(value) }
        let sorted = values.sorted()
        for quantile in [0.1, 0.5, 0.9, 0.99, 0.999] {
            let exact = Double(sorted[max(0, Int((quantile * Double(sorted.count)).rounded(.up)) - 1)])
            let found = try #require(counts.quantile(quantile))
            #expect(abs(found - exact) <= exact / 31, "seed \(TestRun.seed), \(quantile): \(found), \(exact)")
        }
        #expect(counts.max == sorted.last)
        #expect(counts.count == 20_000)
    }

    @Test func `counts of loops add up to the counts of all`() {
        var random = SeededRandom(seed: 5)
        var parts = [LatencyCounts(), LatencyCounts(), LatencyCounts()]
        var whole = LatencyCounts()
        for index in 0..<3_000 {
            let value = Int64.random(in: 0..<1 << 40, using: &random)
            parts[index % 3].record(value)
            whole.record(value)
        }
        var sum = LatencyCounts()
        for part in parts { sum.add(part) }
        #expect(sum == whole)
    }

    @Test func `nothing recorded has no quantile, and what is below zero counts as zero`() {
        var counts = LatencyCounts()
        #expect(counts.quantile(0.5) == nil && counts.mean == nil)
        counts.record(-5)
        #expect(counts.quantile(1) == 0 && counts.count == 1)
        counts.record(.max)
        #expect(counts.max == .max)
    }
}
