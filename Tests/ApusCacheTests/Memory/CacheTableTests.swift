import ApusCore
import ApusObserve
import ApusTesting
import Testing

@testable import ApusCache

/// Keys whose hashes collide a lot.
private struct Clash: Hashable, Sendable {
    let number: Int
    func hash(into hasher: inout Hasher) { hasher.combine(number % 3) }
}

@Suite(.timeLimit(.minutes(5)))
struct CacheTableTests {
    typealias Table = CacheTable<Int, Int, AdaptivePolicy>

    /// Random operations beside a dictionary that never evicts: what the table has is what the dictionary has.
    @Test(arguments: [1, 7, 100, 5000], [UInt64(1), 2, 3])
    func `the table agrees with a naive model and never weighs more than it may`(weightMax: Int, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        // With pins of its own: a reader of another test that is held up would have nothing kept here.
        let table = Table(weightMax: weightMax, pins: ReadPins())
        var model: [Int: (value: Int, until: Int64)] = [:]
        var now: Int64 = 0
        var live = 0
        for step in 0..<20_000 {
            now += Int64.random(in: 0..<3, using: &random)
            let key = Int.random(in: 0..<400, using: &random)
            // Hashes with long runs in the table.
            let hash = UInt64(key / 5)
            var gone: [Table.Entry] = []
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let life = Int64.random(in: 1..<2000, using: &random)
                let weight = Int.random(in: 1...max(1, min(weightMax + 1, 12)), using: &random)
                let until = CacheLife(until: Instant(nanoseconds: now + life))
                let isKept = table.set(key, hash, .value(step), until, weight: weight, at: now, gone: &gone)
                #expect(isKept == (weight <= weightMax))
                model[key] = isKept ? (step, now + life) : nil
                _ = table.evict(gone: &gone)
            case 5:
                table.remove(key, hash, gone: &gone)
                model[key] = nil
            default:
                if case .fresh(.value(let value), _) = table.find(key, hash, at: now) {
                    live += 1
                    #expect(model[key]?.value == value, "seed \(seed), step \(step)")
                    #expect((model[key]?.until ?? 0) > now, "seed \(seed), step \(step)")
                } else if weightMax == 5000, let kept = model[key] {
                    #expect(kept.until <= now, "nothing is evicted where all has room: seed \(seed), step \(step)")
                }
            }
            #expect(table.weight <= weightMax, "seed \(seed), step \(step)")
            #expect(table.count <= weightMax)
        }
        #expect(live > 0)
        var gone: [Table.Entry] = []
        table.removeAll(gone: &gone)
        #expect(table.count == 0 && table.weight == 0)
    }

    @Test func `keys that collide are told apart`() async throws {
        let cache = Cache<Clash, Int>("test", CacheConfiguration(capacity: 1000), metrics: .init())
        for number in 0..<500 { try await cache.set(number, for: Clash(number: number)) }
        for number in stride(from: 0, to: 500, by: 2) { try await cache.remove(Clash(number: number)) }
        for number in 0..<500 {
            #expect(cache.cached(Clash(number: number)) == (number.isMultiple(of: 2) ? nil : number))
        }
    }

    @Test func `while somebody looks and does not come back the table keeps nothing new, and then it does`() {
        let pins = ReadPins()
        let table = Table(weightMax: 100, pins: pins)
        // A reader's slot that a writer looks at, also where all are taken and this thread has none.
        let slot = max(1, ThreadSlot.current())
        func set(_ key: Int) -> Bool {
            var gone: [Table.Entry] = []
            let isKept = table.set(key, UInt64(key), .value(key), .forever, weight: 1, at: 0, gone: &gone)
            _ = table.evict(gone: &gone)
            return isKept
        }
        #expect(pins.pin(slot))
        #expect(!pins.pin(slot))
        let kept = (0..<1000).count { set($0) }
        #expect(kept >= 300 && kept < 500)
        #expect(table.weight <= 100)
        pins.unpin(slot)
        var gone: [Table.Entry] = []
        table.giveBack(&gone)
        #expect(gone.count >= 256)
        #expect(set(5000))
    }
}
