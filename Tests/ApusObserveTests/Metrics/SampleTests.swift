import ApusObserve
import Testing

@Suite struct SampleTests {
    @Test func `about one in so many is chosen, and all are counted`() {
        let counter = Metrics().counter("looks_total", help: "L.")
        let count = 100_000
        let chosen = (0..<count).count { _ in counter.incrementAndSample() }
        #expect(counter.value == UInt64(count))
        let wanted = count / Counter.sampleEvery
        #expect(abs(chosen - wanted) < wanted / 20, "\(chosen) of \(count)")
    }

    @Test(arguments: [2, 3, 4, 8, 16, 64])
    func `a caller that does the same things in turn has each of them chosen`(period: Int) {
        let counter = Metrics().counter("looks_total", help: "L.")
        var chosen = [Int](repeating: 0, count: period)
        for step in 0..<period * 20_000 where counter.incrementAndSample() { chosen[step % period] += 1 }
        let mean = chosen.reduce(0, +) / period
        #expect(chosen.allSatisfy { abs($0 - mean) <= mean / 2 }, "\(chosen)")
    }
}
