/// What all processes together know of a block's hot keys.
public struct HotKeyFact: Codable, Sendable, Hashable {
    /// The key as text.
    public var key: String
    /// Its share of all look-ups, 0 to 1.
    public var share: Double
    /// Look-ups a second.
    public var rate: Double
    /// How much of the share may be another key's.
    public var error: Double

    /// Most keys shown.
    static let most = 20

    /// Puts together what `details`, one a process, have seen of `rate` look-ups a second.
    static func merged(_ details: [BlockDetail], rate: Double) -> [HotKeyFact] {
        let all = details.reduce(0) { $0 + $1.samples }
        guard all > 0 else { return [] }
        var counts: [String: (count: Double, error: Double)] = [:]
        for hot in details.flatMap(\.hotKeys) {
            counts[hot.key, default: (0, 0)].count += hot.count
            counts[hot.key, default: (0, 0)].error += hot.error
        }
        let facts = counts.map { key, seen in
            HotKeyFact(key: key, share: seen.count / all, rate: rate * seen.count / all, error: seen.error / all)
        }
        return Array(facts.sorted { ($0.share, $1.key) > ($1.share, $0.key) }.prefix(most))
    }
}

/// A slow statement, over all processes and shards.
public struct SlowFact: Codable, Sendable, Hashable {
    /// Its text, with a mark for each value.
    public var text: String
    /// How often it took long.
    public var count: Int
    /// The mean of those, in seconds.
    public var mean: Double
    /// The longest, in seconds.
    public var longest: Double
    /// When the last one ended, in nanoseconds since 1970.
    public var last: Int64
    /// On which shards.
    public var shards: [Int]
    /// In which processes.
    public var processes: [String]

    /// Most statements shown.
    static let most = 50

    /// Puts together what processes have seen, the longest time in all first.
    static func merged(_ details: [(process: PartName, detail: BlockDetail)]) -> [SlowFact] {
        var facts: [String: SlowFact] = [:]
        var sums: [String: Double] = [:]
        for (process, detail) in details {
            for slow in detail.slow {
                var fact =
                    facts[slow.text]
                    ?? SlowFact(text: slow.text, count: 0, mean: 0, longest: 0, last: 0, shards: [], processes: [])
                fact.count += slow.count
                fact.longest = max(fact.longest, slow.longest)
                fact.last = max(fact.last, slow.last)
                if !fact.shards.contains(slow.shard) { fact.shards.append(slow.shard) }
                if fact.processes.last != "\(process)" { fact.processes.append("\(process)") }
                facts[slow.text] = fact
                sums[slow.text, default: 0] += slow.seconds
            }
        }
        let all = facts.values.map { fact in
            var fact = fact
            fact.mean = (sums[fact.text] ?? 0) / Double(max(1, fact.count))
            fact.shards.sort()
            return fact
        }
        return Array(all.sorted { (sums[$0.text] ?? 0, $1.text) > (sums[$1.text] ?? 0, $0.text) }.prefix(most))
    }
}
