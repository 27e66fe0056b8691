import ApusCore
import ApusTesting
import Testing

@testable import ApusCache

@Suite struct HotKeysTests {
    private let hash = KeyHash(seed: 0x1234_5678_9ABC_DEF0, factor: 0x9E37_79B9_7F4A_7C15)

    /// Draws keys so that key k comes with a weight of 1/(k + 1).
    private struct Draw {
        var random: SeededRandom
        let sums: [Double]

        init(keys: Int, seed: UInt64) {
            random = SeededRandom(seed: seed)
            var sum = 0.0
            sums = (0..<keys).map { key in
                sum += 1 / Double(key + 1)
                return sum
            }
        }

        mutating func next() -> Int {
            let point = Double.random(in: 0..<(sums.last ?? 1), using: &random)
            return sums.firstIndex { point < $0 } ?? 0
        }
    }

    @Test func `counts are never too low, and too high by no more than they say`() {
        let hot = HotKeys<Int>()
        var draw = Draw(keys: 3000, seed: 5)
        var exact: [Int: Double] = [:]
        for _ in 0..<20_000 {
            let key = draw.next()
            exact[key, default: 0] += 1
            hot.note(key, hash(key), at: 0)
        }
        let report = hot.report(at: 0)
        #expect(report.samples == 20_000 && report.keys.count == HotKeyReport.keysMax)
        for key in report.keys {
            let real = exact[Int(key.text) ?? -1] ?? 0
            #expect(key.count >= real && key.count - key.error <= real, "\(key) against \(real)")
        }
        // Every key with more than a 128th of all look-ups is among them, the most frequent first.
        let frequent = exact.filter { $0.value > 20_000 / 128 }.sorted { $0.value > $1.value }.map(\.key)
        #expect(frequent.count > 5)
        #expect(Set(frequent).isSubset(of: Set(report.keys.compactMap { Int($0.text) })))
        #expect(report.keys.first?.text == "0")
    }

    @Test func `what was long ago fades, and is forgotten`() {
        let hot = HotKeys<String>()
        for _ in 0..<64 { hot.note("old", hash("old"), at: 0) }
        let later = HotCounts.halfLife.nanoseconds
        for _ in 0..<48 { hot.note("new", hash("new"), at: later) }
        let report = hot.report(at: later)
        #expect(report.keys.map(\.text) == ["new", "old"] && report.keys.map(\.count) == [48, 32])
        #expect(report.samples == 80)
        #expect(hot.report(at: later * 100).keys.isEmpty)
    }

    @Test func `keys stay with their counts where others between them are forgotten`() {
        let hot = HotKeys<String>()
        for (key, count) in [("a", 1), ("b", 8), ("c", 1), ("d", 16), ("e", 1)] {
            for _ in 0..<count { hot.note(key, hash(key), at: 0) }
        }
        let later = HotCounts.halfLife.nanoseconds * 3
        hot.note("b", hash("b"), at: later)
        hot.note("e", hash("e"), at: later)
        let report = hot.report(at: later)
        #expect(Set(report.keys.map { "\($0.text) \($0.count)" }) == ["b 2.0", "d 2.0", "e 1.0"])
    }

    @Test func `a key's text is bounded, and one that is secret stays so`() {
        let long = HotKeys<String>()
        let text = String(repeating: "x", count: 500)
        long.note(text, hash(text), at: 0)
        #expect(long.report(at: 0).keys.first?.text.count == HotKeyReport.textMax)
        struct Key: Hashable, CustomStringConvertible, Sendable {
            let secret: Secret<String>
            static func == (one: Key, other: Key) -> Bool { one.secret.reveal() == other.secret.reveal() }
            func hash(into hasher: inout Hasher) { hasher.combine(secret.reveal()) }
            var description: String { "\(secret)" }
        }
        let hidden = HotKeys<Key>()
        let key = Key(secret: Secret("swordfish"))
        hidden.note(key, hash(key), at: 0)
        #expect(hidden.report(at: 0).keys.first?.text.contains("swordfish") == false)
    }

    @Test func `a cache names its hot key from look-ups that hit and that miss`() async throws {
        let bench = try await Bench<String, Int>(.plain())
        try await bench.cache.set(1, for: "hot")
        for turn in 0..<20_000 {
            _ = bench.cache.cached(turn % 2 == 0 ? "hot" : "missing")
            _ = try await bench.cache.find("cold \(turn)") { nil }
        }
        let source: any HotKeySource = bench.cache
        let report = source.hotKeys
        #expect(Set(report.keys.prefix(2).map(\.text)) == ["hot", "missing"])
        let share = report.keys[0].count / report.samples
        #expect(share > 0.15 && share < 0.35, "\(report.keys.prefix(3))")
    }
}
