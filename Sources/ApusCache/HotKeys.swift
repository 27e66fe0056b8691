public import ApusCore

/// A cache that can say which of its keys are looked up most, whatever its types are.
public protocol HotKeySource: Block {
    /// The keys that were looked up most lately.
    var hotKeys: HotKeyReport { get }
}

/// Which keys were looked up most in the last half minute or so.
///
/// It comes from a sample, and the counts of older look-ups fade: they are halved every 15 seconds.
public struct HotKeyReport: Sendable, Hashable {
    /// A key with how often it was seen.
    public struct Key: Sendable, Hashable {
        /// The key as text, at most ``HotKeyReport/textMax`` characters.
        ///
        /// A key that is secret is of a type that prints as redacted.
        public var text: String
        /// Look-ups seen, faded.
        public var count: Double
        /// How many of those may be other keys'.
        public var error: Double
    }

    /// Longest text of a key, in characters.
    public static let textMax = 80
    /// Most keys told.
    public static let keysMax = 32

    /// Look-ups that were looked at, of all keys, faded in the same way.
    public var samples: Double
    /// The keys, the most frequent first.
    public var keys: [Key]
}

extension Cache: HotKeySource {
    /// The keys that were looked up most lately, of this process's look-ups.
    public var hotKeys: HotKeyReport { hot.report(at: now()) }
}

/// Finds frequent keys with a bounded number of counters, one look-up in 64 looked at.
///
/// A key that has no counter takes the one with the lowest count, and starts there: so a count is never too low, and too
/// high by at most what it took over. Every key that has more than a 128th of the samples is found.
///
/// - SeeAlso: Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k elements in data streams",
///   ICDT 2005: the algorithm Space-Saving.
@usableFromInline
final class HotKeys<Key: Hashable & Sendable>: Sendable {
    /// Keys that are counted at a time.
    static var countersMax: Int { 128 }
    /// After this time a look-up counts half.
    static var halfLife: Duration { .seconds(15) }

    // Counts lie apart from the keys, whose type this code learns only when it runs: the search for the lowest count is a
    // walk over plain numbers.
    private struct State {
        var places: [Key: Int] = [:]
        var keys: [Key] = []
        var counts: [Double] = []
        var errors: [Double] = []
        var samples = 0.0
        var fadedAt: Int64?
    }
    private let state = Lock(State())

    @usableFromInline
    init() {}

    /// Counts a look-up that was chosen to be looked at; `now` in nanoseconds of the cache's clock.
    @usableFromInline
    @inline(never)
    func note(_ key: Key, at now: Int64) {
        state.withLock { state in
            Self.fade(&state, now)
            state.samples += 1
            if let place = state.places[key] {
                state.counts[place] += 1
            } else if state.keys.count < Self.countersMax {
                state.places[key] = state.keys.count
                state.keys.append(key)
                state.counts.append(1)
                state.errors.append(0)
            } else {
                let least = Self.least(state.counts)
                state.places[state.keys[least]] = nil
                state.places[key] = least
                state.keys[least] = key
                state.errors[least] = state.counts[least]
                state.counts[least] += 1
            }
        }
    }

    /// The place of the lowest of some counts, of which there is one or more.
    private static func least(_ counts: [Double]) -> Int {
        var least = 0
        for place in 1..<max(1, counts.count) where counts[place] < counts[least] { least = place }
        return least
    }

    /// Halves what was counted, once for every half-life that has passed.
    private static func fade(_ state: inout State, _ now: Int64) {
        guard let last = state.fadedAt else {
            state.fadedAt = now
            return
        }
        let times = (now - last) / halfLife.nanoseconds
        guard times > 0 else { return }
        state.fadedAt = last + times * halfLife.nanoseconds
        let factor = times > 60 ? 0 : 1 / Double(UInt64(1) << UInt64(times))
        state.samples *= factor
        let kept = state.keys.indices.filter { state.counts[$0] * factor >= 0.25 }
        state.keys = kept.map { state.keys[$0] }
        state.errors = kept.map { state.errors[$0] * factor }
        state.counts = kept.map { state.counts[$0] * factor }
        state.places = Dictionary(uniqueKeysWithValues: state.keys.enumerated().map { ($0.element, $0.offset) })
    }

    func report(at now: Int64) -> HotKeyReport {
        let (seen, samples) = state.withLock { state in
            Self.fade(&state, now)
            return (state.keys.indices.map { (state.keys[$0], state.counts[$0], state.errors[$0]) }, state.samples)
        }
        let keys = seen.sorted { $0.1 > $1.1 }.prefix(HotKeyReport.keysMax).map { key, count, error in
            let text = String(String(describing: key).prefix(HotKeyReport.textMax))
            return HotKeyReport.Key(text: text, count: count, error: error)
        }
        return HotKeyReport(samples: samples, keys: keys)
    }
}
