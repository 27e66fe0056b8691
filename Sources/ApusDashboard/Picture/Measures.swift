import ApusObserve

/// What was measured within a stretch of time, looked up by a metric's name.
struct Measures {
    struct Entry {
        let info: SeriesInfo
        let sample: Sample
    }

    /// The length of the stretch, in seconds.
    let seconds: Double
    private let entries: [String: [Entry]]

    init(_ frame: Frame, _ series: [SeriesInfo]) {
        seconds = max(1e-9, Double(frame.span) / 1e9)
        var entries: [String: [Entry]] = [:]
        for (id, sample) in frame.samples where id < series.count {
            entries[series[id].metric, default: []].append(Entry(info: series[id], sample: sample))
        }
        self.entries = entries
    }

    private init(seconds: Double, entries: [String: [Entry]]) {
        self.seconds = seconds
        self.entries = entries
    }

    /// The same apart by what `key` gives, such as the part: looked up often, it is far quicker than a filter each time.
    func grouped<Key: Hashable>(by key: (SeriesInfo) -> Key) -> [Key: Measures] {
        var groups: [Key: [String: [Entry]]] = [:]
        for (metric, entries) in entries {
            for entry in entries { groups[key(entry.info), default: [:]][metric, default: []].append(entry) }
        }
        return groups.mapValues { Measures(seconds: seconds, entries: $0) }
    }

    /// Nothing, measured for as long.
    var empty: Measures { Measures(seconds: seconds, entries: [:]) }

    func all(_ metric: String) -> [Entry] { entries[metric] ?? [] }
    var names: [String] { Array(entries.keys) }

    /// How much counters grew, in all.
    func growth(_ metric: String, _ holds: (SeriesInfo) -> Bool = { _ in true }) -> Double {
        all(metric).reduce(0) { sum, entry in
            if case .growth(let value) = entry.sample, holds(entry.info) { return sum + value }
            return sum
        }
    }

    /// The same, each second.
    func rate(_ metric: String, _ holds: (SeriesInfo) -> Bool = { _ in true }) -> Double {
        growth(metric, holds) / seconds
    }

    /// Gauges, summed up.
    func level(_ metric: String, _ holds: (SeriesInfo) -> Bool = { _ in true }) -> Double {
        all(metric).reduce(0) { sum, entry in
            if case .level(let value) = entry.sample, holds(entry.info) { return sum + value }
            return sum
        }
    }

    /// Histograms, put together.
    func spread(_ metric: String, _ holds: (SeriesInfo) -> Bool = { _ in true }) -> Spread {
        var spread = Spread()
        for entry in all(metric) {
            if case .spread(let sum, let buckets) = entry.sample, holds(entry.info) {
                spread.add(sum, buckets, bounds: entry.info.bounds, unit: entry.info.unit)
            }
        }
        return spread
    }
}

/// How values spread within a stretch of time.
struct Spread: Sendable {
    private(set) var bounds: [UInt64] = []
    private(set) var buckets: [Pulse.Bucket] = []
    private var sum = 0.0
    private var unit = 1.0

    /// Adds what a histogram was given; one with other bounds than those before is left out.
    mutating func add(_ sum: UInt64, _ buckets: [Pulse.Bucket], bounds: [UInt64], unit: MetricUnit) {
        guard self.bounds.isEmpty || self.bounds == bounds else { return }
        self.bounds = bounds
        self.unit = unit == .nanosecondsAsSeconds ? 1e9 : 1
        self.buckets = Sample.merged(self.buckets, buckets)
        self.sum += Double(sum)
    }

    var count: UInt64 { buckets.reduce(0) { $0 &+ $1.count } }

    /// The mean, in the unit that is shown; `nil` of nothing.
    var mean: Double? { count == 0 ? nil : sum / Double(count) / unit }

    /// A value that the share `quantile` does not exceed, in the unit that is shown; `nil` of nothing.
    func quantile(_ quantile: Double) -> Double? {
        let total = count
        guard total > 0, let last = bounds.last else { return nil }
        let rank = max(1, (quantile * Double(total)).rounded(.up))
        var seen: UInt64 = 0
        for bucket in buckets where bucket.count > 0 {
            seen += bucket.count
            guard Double(seen) >= rank else { continue }
            guard bucket.bucket < bounds.count else { break }
            let low = bucket.bucket == 0 ? 0 : Double(bounds[bucket.bucket - 1])
            let share = (rank - Double(seen - bucket.count)) / Double(bucket.count)
            return (low + (Double(bounds[bucket.bucket]) - low) * share) / unit
        }
        return Double(last) / unit
    }
}
