import ApusCore
import ApusLoad
import Testing

struct ArrivalsTests {
    @Test func `Poisson arrivals come at the mean rate`() {
        var random = SeededRandom(seed: 7)
        let pauses = (0..<100_000).map { _ in Arrivals.poisson(rate: 500).pause(using: &random) }
        let total = pauses.reduce(Duration.zero, +)
        #expect(total > .seconds(195) && total < .seconds(205))
    }
}
