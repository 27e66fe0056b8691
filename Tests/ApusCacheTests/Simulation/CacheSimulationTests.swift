import ApusCache
import ApusCore
import Testing

@Suite(.timeLimit(.minutes(10)))
struct CacheSimulationTests {
    private func percent(_ keys: [Int], _ capacity: Int, _ policy: CachePolicyKind?, seed: UInt64 = 1) -> Double {
        let simulation = CacheSimulation(capacity: capacity, policy: policy, seed: seed)
        for key in keys { simulation.access(key) }
        return 100 * simulation.hitRatio
    }

    @Test func `on every recorded trace the cache is within 1.5 points of the best policy for it`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var shares: [Double] = []
        for (name, cells) in Dictionary(grouping: try Traces.cells(), by: \.trace) {
            let keys = try Traces.recorded(name)
            for cell in cells {
                let ratio = percent(keys, cell.capacity, nil, seed: seed)
                #expect(ratio >= cell.best - 1.5, "\(name) with \(cell.capacity), seed \(seed)")
                #expect(ratio <= cell.optimum, "\(name) with \(cell.capacity), seed \(seed)")
                shares.append(ratio / cell.optimum)
            }
        }
        #expect(shares.count == 16)
        #expect(shares.reduce(0, +) / Double(shares.count) >= 0.95, "seed \(seed)")
    }

    @Test func `LRU has exactly the hits it must have`() throws {
        let cells = try Traces.cells().filter { ["gli", "multi1", "cpp"].contains($0.trace) }
        for cell in cells {
            let ratio = percent(try Traces.recorded(cell.trace), cell.capacity, .lru)
            #expect(abs(ratio - cell.lru) < 0.006, "\(cell.trace) with \(cell.capacity)")
        }
    }

    @Test(arguments: [100, 700, 2500])
    func `on traffic nobody tuned for it is within 2.5 points of the best of the four`(capacity: Int) {
        for (name, keys) in [
            ("scans", Traces.scans(seed: 3)), ("drift", Traces.drift(seed: 4)), ("phases", Traces.phases(seed: 5)),
        ] {
            let best = CachePolicyKind.allCases.map { percent(keys, capacity, $0) }.max() ?? 0
            #expect(percent(keys, capacity, nil) >= best - 2.5, "\(name) with \(capacity)")
        }
    }

    @Test func `a loop a little larger than the cache does not throw it out of step`() {
        for share in [105, 125, 150, 200, 300] {
            let keys = (0..<60_000).map { $0 % (5 * share) }
            let best = CachePolicyKind.allCases.map { percent(keys, 500, $0) }.max() ?? 0
            #expect(percent(keys, 500, nil) >= best - 1.5, "a loop of \(share) per cent")
        }
    }

    @Test func `a cache with its parts and late reads hits as the simulation does`() async throws {
        let keys = try Traces.recorded("gli")
        let bench = try await Bench<Int, Int>(.plain(capacity: 1000))
        for key in keys where bench.cache.cached(key) == nil { try await bench.cache.set(key, for: key) }
        let ratio = 100 * bench.cache.statistics.hitRatio
        #expect(abs(ratio - percent(keys, 1000, nil)) < 0.5)
        #expect(bench.cache.statistics.entries == 1000)
    }
}
