import ApusCore
import Testing

@testable import ApusCache

@Suite(.timeLimit(.minutes(5)))
struct AdaptivePolicyTests {
    /// Random operations beside a plain set of places: the policy picks what is there, and never runs out of picks.
    @Test(arguments: [1, 2, 10, 300], [UInt64(1), 2, 3])
    func `it picks only what is there, until the weight is within the bound`(weightMax: Int, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var policy = AdaptivePolicy(weightMax: weightMax)
        var weights: [Int: Int] = [:]
        var total = 0
        var next = 0
        for step in 0..<10_000 {
            // Lately added places are likely to be there.
            let likely = next - 1 - Int.random(in: 0..<weightMax + 5, using: &random)
            let known = weights[likely] == nil ? nil : likely
            switch (Int.random(in: 0..<10, using: &random), known) {
            case (0..<4, _), (_, nil):
                let weight = Int.random(in: 1...max(1, min(weightMax, 5)), using: &random)
                // Few hashes, so that keys come back and some are two at a time.
                let hash = UInt64(Int.random(in: 0..<3 * weightMax + 2, using: &random)) &* 0x9E37_79B9_7F4A_7C15
                policy.inserted(next, hash: hash, weight: weight)
                weights[next] = weight
                total += weight
                next += 1
            case (4..<8, let place?): policy.read(place)
            case (8, let place?):
                let weight = Int.random(in: 1...max(1, min(weightMax, 5)), using: &random)
                policy.moved(place, to: next)
                policy.reweighed(next, weight: weight)
                total += weight - (weights.removeValue(forKey: place) ?? 0)
                weights[next] = weight
                next += 1
            case (_, let place?):
                policy.removed(place)
                total -= weights.removeValue(forKey: place) ?? 0
                policy.read(place)
            }
            while policy.weight > weightMax {
                guard let victim = policy.victim() else {
                    Issue.record("nothing to take out: seed \(seed), step \(step)")
                    return
                }
                guard let weight = weights.removeValue(forKey: victim) else {
                    Issue.record("took out what is not there: seed \(seed), step \(step)")
                    return
                }
                total -= weight
            }
            guard policy.weight == total else {
                Issue.record("weighs \(policy.weight): seed \(seed), step \(step)")
                return
            }
        }
    }

    @Test func `it keeps what is read through scans`() {
        let simulation = CacheSimulation(capacity: 100)
        for round in 0..<50 {
            for _ in 0..<2 { for key in 0..<50 { simulation.access(key) } }
            for key in 0..<100 { simulation.access(1000 + round * 100 + key) }
        }
        let kept = (0..<50).count { simulation.access($0) }
        #expect(kept >= 45)
    }

    @Test func `the lead goes to whoever the traffic favours, on a sample too`() {
        // A window that moves on is LRU's; a loop larger than the cache is not.
        for capacity in [500, 16 * 4096] {
            let simulation = CacheSimulation(capacity: capacity)
            var random = SeededRandom(seed: 1)
            for step in 0..<12 * capacity {
                simulation.access(step / 4 + Int.random(in: 0..<capacity * 2 / 3, using: &random))
            }
            #expect(Set(simulation.leaders) == [.lru], "capacity \(capacity)")
        }
    }

    @Test func `what it remembers stays within bounds`() {
        let simulation = CacheSimulation(capacity: 1000)
        for key in 0..<100_000 { simulation.access(key) }
        #expect(simulation.policyBytes < 600_000)
    }
}
