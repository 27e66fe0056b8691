import ApusObserve

/// What a collector knows of one process: what its numbers were last, so that it can tell what they did since.
struct ProcessTrack {
    private struct Known {
        var id: Int?
        var kind: MetricSnapshot.Kind
        var number = 0.0
        var counts: [Int: UInt64] = [:]
        var sum: UInt64 = 0
        var hasBase = false
    }

    /// What to ask with next.
    private(set) var request = PulseRequest()
    private var series: [Int: Known] = [:]
    let process: PartName

    init(_ process: PartName) { self.process = process }

    /// Takes an answer in.
    ///
    /// A process that was here before the collector has counted already: its first numbers are where counting begins.
    /// One that is new has counted from zero.
    ///
    /// - Returns: What each series did since the last answer.
    mutating func take(_ pulse: Pulse, _ timeline: Timeline) -> [Int: Sample] {
        var isNew = false
        if pulse.session != request.session {
            series = [:]
            isNew = pulse.age < 10_000_000_000
        }
        for definition in pulse.definitions {
            guard series[definition.index] == nil else { continue }
            let key = SeriesKey(process: process, metric: definition.name, labels: definition.labels)
            var known = Known(id: timeline.id(key, definition), kind: definition.kind)
            // A series that appears later begins at zero.
            known.hasBase = isNew || (pulse.session == request.session && request.session != 0)
            series[definition.index] = known
        }
        request = PulseRequest(after: pulse)
        var samples: [Int: Sample] = [:]
        for number in pulse.numbers { take(number, &samples) }
        for spread in pulse.spreads { take(spread, &samples) }
        levels(&samples)
        return samples
    }

    private mutating func take(_ number: Pulse.Number, _ samples: inout [Int: Sample]) {
        guard var known = series[number.index] else { return }
        defer { series[number.index] = known }
        if known.kind == .counter, known.hasBase, let id = known.id {
            // A total that fell was begun anew.
            let growth = number.value < known.number ? number.value : number.value - known.number
            if growth > 0 { samples[id] = .growth(growth) }
        }
        known.number = number.value
        known.hasBase = true
    }

    private mutating func take(_ spread: Pulse.Spread, _ samples: inout [Int: Sample]) {
        guard var known = series[spread.index] else { return }
        defer { series[spread.index] = known }
        var buckets: [Pulse.Bucket] = []
        for bucket in spread.buckets {
            let before = known.counts[bucket.bucket] ?? 0
            known.counts[bucket.bucket] = bucket.count
            guard bucket.count > before else { continue }
            buckets.append(Pulse.Bucket(bucket: bucket.bucket, count: bucket.count - before))
        }
        if known.hasBase, let id = known.id, !buckets.isEmpty {
            samples[id] = .spread(sum: spread.sum &- known.sum, buckets: buckets)
        }
        known.sum = spread.sum
        known.hasBase = true
    }

    /// Gauges stand where they stand, changed or not.
    private func levels(_ samples: inout [Int: Sample]) {
        for known in series.values where known.kind == .gauge {
            if let id = known.id { samples[id] = .level(known.number) }
        }
    }

    /// Sets the share of ordinary traces that the process is told to keep.
    mutating func limit(to share: Double) { request.share = share }
}
