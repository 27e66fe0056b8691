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

/// Finds frequent keys among look-ups that were chosen to be looked at, one in 64.
///
/// Keys are told apart by their hashes alone, which costs the same for keys of all types; two keys with one hash would be taken
/// for one.
//
// Sound to share because the keys are touched under the lock of the counts alone. They lie in plain memory because an array of
// a type that this code learns only when it runs looks that type up at each change.
@usableFromInline
final class HotKeys<Key: Hashable & Sendable>: Sendable {
    private let counts = Lock(HotCounts())
    /// The key of each count.
    nonisolated(unsafe) private let keys = UnsafeMutablePointer<Key>.allocate(capacity: HotCounts.countersMax)

    @usableFromInline
    init() {}

    deinit {
        keys.deinitialize(count: counts.withLock { $0.count })
        keys.deallocate()
    }

    /// Counts a look-up that was chosen to be looked at; `now` in nanoseconds of the cache's clock.
    @usableFromInline
    @inline(never)
    func note(_ key: Key, _ hash: UInt64, at now: Int64) {
        counts.withLock { counts in
            fade(&counts, now)
            switch counts.add(hash) {
            case .known: break
            case .new(let place): (keys + place).initialize(to: key)
            case .instead(let place): keys[place] = key
            }
        }
    }

    private func fade(_ counts: inout HotCounts, _ now: Int64) {
        let before = counts.count
        guard let kept = counts.fade(at: now) else { return }
        for (place, old) in kept.enumerated() where place != old { swap(&keys[place], &keys[old]) }
        (keys + kept.count).deinitialize(count: before - kept.count)
    }

    func report(at now: Int64) -> HotKeyReport {
        let (counts, keys) = self.counts.withLock { counts in
            fade(&counts, now)
            return (counts, (0..<counts.count).map { self.keys[$0] })
        }
        let hottest = keys.indices.sorted { counts.counts[$0] > counts.counts[$1] }.prefix(HotKeyReport.keysMax)
        let report = hottest.map { place in
            let text = String(String(describing: keys[place]).prefix(HotKeyReport.textMax))
            return HotKeyReport.Key(text: text, count: counts.counts[place], error: counts.errors[place])
        }
        return HotKeyReport(samples: counts.samples, keys: report)
    }
}
