import ApusCore

/// What one metric held at one moment: for `/metrics`, a dashboard or an exporter.
public struct MetricSnapshot: Sendable, Hashable {
    /// How a metric behaves.
    public enum Kind: String, Sendable, Hashable {
        /// Only grows.
        case counter
        /// Goes up and down.
        case gauge
        /// Counts values by size.
        case histogram
    }

    /// A value: whole where it was counted whole, so that large counts stay exact.
    public enum Value: Sendable, Hashable {
        /// A whole number.
        case integer(Int64)
        /// A number with a fraction, such as seconds.
        case real(Double)
        /// A histogram; bounds and sum in the unit it was recorded in, see ``MetricSnapshot/unit``.
        case histogram(HistogramSnapshot)
    }

    /// One series of the metric.
    public struct Series: Sendable, Hashable {
        /// The labels' values, in the order of ``MetricSnapshot/labels``.
        public let labelValues: [String]
        /// What it holds.
        public let value: Value
    }

    /// What it is called; a counter's name ends in `_total`.
    public let name: String
    /// One line for the reader.
    public let help: String
    /// How it behaves.
    public let kind: Kind
    /// The unit that histograms are recorded in.
    public let unit: MetricUnit
    /// The labels' names.
    public let labels: [String]
    /// Its series, in the order they were made.
    public let series: [Series]
}

extension Metrics {
    /// What all metrics hold now, by name.
    ///
    /// Values are read one after the other: a request counted meanwhile may be in one metric and not yet in the next.
    public func snapshot() -> [MetricSnapshot] {
        let entries = entries.withLock { Array($0.values) }
        var all = entries.map { $0.snapshot() }.filter { !$0.series.isEmpty }
        let lost = entries.compactMap { entry -> MetricSnapshot.Series? in
            let dropped = entry.state.withLock { $0.dropped }
            guard dropped > 0 else { return nil }
            return MetricSnapshot.Series(labelValues: [entry.name], value: .integer(Int64(clamping: dropped)))
        }
        if !lost.isEmpty {
            all.append(
                MetricSnapshot(
                    name: "apus_metrics_series_dropped_total",
                    help: "Look-ups of a series beyond its metric's bound.",
                    kind: .counter,
                    unit: .one,
                    labels: ["metric"],
                    series: lost.sorted { $0.labelValues[0] < $1.labelValues[0] }
                )
            )
        }
        return all.sorted { $0.name < $1.name }
    }
}

extension MetricEntry {
    func snapshot() -> MetricSnapshot {
        let series = state.withLock { $0.series }
        return MetricSnapshot(
            name: name,
            help: help,
            kind: snapshotKind,
            unit: unit,
            labels: labels,
            series: series.map { MetricSnapshot.Series(labelValues: $0.values, value: value($0.source)) }
        )
    }

    private var snapshotKind: MetricSnapshot.Kind {
        switch kind {
        case .counter, .observedCounter: .counter
        case .gauge, .observedGauge: .gauge
        case .histogram, .hdr: .histogram
        }
    }

    private func value(_ source: Source) -> MetricSnapshot.Value {
        switch source {
        case .read(let read):
            let value = read()
            return Int64(exactly: value).map { .integer($0) } ?? .real(value)
        case .cell(let cell):
            switch kind {
            case .counter, .observedCounter: return scaled(Int64(clamping: Counter(cell: cell).value))
            case .gauge, .observedGauge: return scaled(Int64(Gauge(cell: cell).value))
            case .histogram(let shape): return .histogram(Histogram(cell: cell, shape: shape).snapshot())
            case .hdr: return .histogram(HDRHistogram(cell: cell).snapshot())
            }
        }
    }

    private func scaled(_ value: Int64) -> MetricSnapshot.Value {
        unit == .one ? .integer(value) : .real(Double(value) / unit.divisor)
    }
}

extension HistogramSnapshot {
    /// The same values in fewer buckets: where there are more than 64, one for each power of two, which is exact.
    func coarse() -> HistogramSnapshot {
        guard bounds.count > 64 else { return self }
        var kept: [UInt64] = []
        var sums: [UInt64] = []
        var running: UInt64 = 0
        for (index, bound) in bounds.enumerated() {
            running += counts[index]
            // Bounds are the last value of a bucket: a power of two less one.
            guard (bound &+ 1).nonzeroBitCount == 1, bound >= 1023 else { continue }
            kept.append(bound)
            sums.append(running)
            running = 0
        }
        sums.append(running + counts[counts.count - 1])
        return HistogramSnapshot(bounds: kept, counts: sums, sum: sum)
    }
}
