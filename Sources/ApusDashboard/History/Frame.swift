import ApusObserve

/// A series of the whole system: a metric of one process with its labels.
struct SeriesKey: Hashable, Sendable {
    var process: PartName
    var metric: String
    var labels: [Pulse.Label]
}

/// What is known of a series.
struct SeriesInfo: Sendable, Hashable {
    var id: Int
    var key: SeriesKey
    var kind: MetricSnapshot.Kind
    var unit: MetricUnit
    var help: String
    var bounds: [UInt64]

    var process: PartName { key.process }
    var metric: String { key.metric }

    /// The value of a label, or nothing.
    func label(_ name: String) -> String? { key.labels.first { $0.name == name }?.value }
}

/// What one series did within a frame.
enum Sample: Sendable, Hashable {
    /// How much a counter grew.
    case growth(Double)
    /// Where a gauge stood at the end.
    case level(Double)
    /// What a histogram was given.
    case spread(sum: UInt64, buckets: [Pulse.Bucket])

    /// The same for two frames that follow each other.
    func followed(by later: Sample) -> Sample {
        switch (self, later) {
        case (.growth(let first), .growth(let second)): return .growth(first + second)
        case (.spread(let sum, let buckets), .spread(let more, let others)):
            return .spread(sum: sum &+ more, buckets: Self.merged(buckets, others))
        default: return later
        }
    }

    /// Buckets summed up, in ascending order.
    static func merged(_ left: [Pulse.Bucket], _ right: [Pulse.Bucket]) -> [Pulse.Bucket] {
        var all: [Pulse.Bucket] = []
        all.reserveCapacity(max(left.count, right.count))
        var (one, other) = (0, 0)
        while one < left.count || other < right.count {
            if other == right.count || (one < left.count && left[one].bucket < right[other].bucket) {
                all.append(left[one])
                one += 1
            } else if one == left.count || right[other].bucket < left[one].bucket {
                all.append(right[other])
                other += 1
            } else {
                let count = left[one].count &+ right[other].count
                all.append(Pulse.Bucket(bucket: left[one].bucket, count: count))
                one += 1
                other += 1
            }
        }
        return all
    }
}

/// What all series did within a stretch of time.
struct Frame: Sendable, Hashable {
    /// Its end, in nanoseconds since 1970.
    var time: Int64
    /// Its length, in nanoseconds.
    var span: Int64
    /// By the series' id.
    var samples: [Int: Sample]

    var begin: Int64 { time - span }

    /// One frame for several that follow each other.
    static func merged(_ frames: [Frame]) -> Frame? {
        guard var whole = frames.first else { return nil }
        for frame in frames.dropFirst() { whole.append(frame) }
        return whole
    }

    /// Takes in the frame that follows.
    mutating func append(_ later: Frame) {
        time = later.time
        span += later.span
        for (id, sample) in later.samples {
            if let known = samples[id] { samples[id] = known.followed(by: sample) } else { samples[id] = sample }
        }
    }
}
