/// One figure: Apus beside the best peer, in the same run.
public struct Row: Codable, Sendable {
    /// Which way is better.
    public enum Better: String, Codable, Sendable { case lower, higher }

    /// The case's name, such as `100B-c64`.
    public var name: String
    /// What was measured: cpu, rate, p50, p99, p999, bytes, syncs, pause, hit or lost; a count is named as what it counts.
    public var metric: String
    /// Its unit, such as `us/request`.
    public var unit: String
    /// Which way is better.
    public var better: Better
    /// The median for Apus.
    public var apus: Double
    /// The median for the best peer, or the figure that must be reached where nobody else does this.
    public var peer: Double?
    /// Who the best peer was; "bar" for a figure that must be reached.
    public var peerName: String?
    /// Above 1, Apus is ahead: median of the ratios of each round; at most ``ratioMax``.
    public var ratio: Double?
    /// The smallest and the largest ratio of a round.
    public var spread: [Double]?
    /// What the ratio must reach; nil is reported only.
    public var bar: Double?
    /// Whether the bar was reached; nil without a bar.
    public var holds: Bool?
    /// The medians of all contenders.
    public var all: [String: Double]

    /// The ratio of a figure that is nothing to one that is not.
    public static let ratioMax = 1e6

    enum CodingKeys: String, CodingKey {
        case name = "case"
        case metric, unit, better, apus, peer, peerName, ratio, spread, bar, holds, all
    }

    /// Compares Apus with the best of its peers.
    ///
    /// - Parameters:
    ///   - name: The case.
    ///   - metric: What was measured.
    ///   - unit: Its unit.
    ///   - better: Which way is better.
    ///   - apus: One figure a round.
    ///   - peers: One figure a round for each peer, in the same rounds.
    ///   - bar: What the ratio must reach, or the figure itself where there are no peers; nil reports only.
    public init(
        _ name: String,
        metric: String,
        unit: String,
        better: Better,
        apus: [Double],
        peers: [String: [Double]] = [:],
        bar: Double? = nil
    ) {
        self.name = name
        self.metric = metric
        self.unit = unit
        self.better = better
        self.apus = median(apus)
        self.bar = peers.isEmpty && bar != nil ? 1 : bar
        all = peers.mapValues(median)
        all["apus"] = self.apus
        let best = peers.min { left, right in
            better == .lower ? median(left.value) < median(right.value) : median(left.value) > median(right.value)
        }
        if let best {
            let ratios = zip(apus, best.value).map { better.ratio($0, $1) }
            peer = median(best.value)
            peerName = best.key
            ratio = median(ratios)
            spread = [ratios.min() ?? 0, ratios.max() ?? 0]
            holds = bar.map { median(ratios) >= $0 }
        } else if let bar {
            peer = bar
            peerName = "bar"
            let reached = better.ratio(self.apus, bar)
            ratio = reached
            holds = reached >= 1
        }
    }
}

extension Row.Better {
    /// How many times better the first figure is than the second.
    func ratio(_ own: Double, _ other: Double) -> Double {
        let (high, low) = self == .lower ? (other, own) : (own, other)
        if high == low { return 1 }
        return low == 0 ? Row.ratioMax : min(high / low, Row.ratioMax)
    }
}

/// The middle of the figures; the mean of the two middle ones if their count is even; 0 of none.
public func median(_ figures: [Double]) -> Double {
    guard !figures.isEmpty else { return 0 }
    let sorted = figures.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
