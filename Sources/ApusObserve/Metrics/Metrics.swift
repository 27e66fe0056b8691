import ApusCore

/// The instruments of a process, or of a test.
///
/// Make instruments once, when the part that uses them starts, and keep them: making one takes a lock, using one does not.
/// Asking twice for the same name and labels gives the same instrument; asking for it as another kind is a mistake and traps.
/// Names follow Prometheus: `apus_http_requests_total`, `…_seconds`, `…_bytes`.
public final class Metrics: Sendable {
    /// What the process shows on `/metrics`.
    public static let process = Metrics(cellsLog2: 17)

    let arena: CellArena
    let entries = Lock<[String: MetricEntry]>([:])

    /// A registry of its own, for tests; its memory is never given back.
    public convenience init() { self.init(cellsLog2: 14) }

    init(cellsLog2: Int) { arena = CellArena(cellsLog2: cellsLog2) }

    /// A number that only grows; `name` ends in `_total`.
    public func counter(_ name: String, help: String, unit: MetricUnit = .one) -> Counter {
        counters(name, help: help, unit: unit, labels: [], seriesMax: 1).series()
    }

    /// A number that goes up and down.
    public func gauge(_ name: String, help: String, unit: MetricUnit = .one) -> Gauge {
        gauges(name, help: help, unit: unit, labels: [], seriesMax: 1).series()
    }

    /// How values spread over `bounds`, each an inclusive upper bound in the unit that is recorded.
    public func histogram(
        _ name: String,
        help: String,
        unit: MetricUnit = .nanosecondsAsSeconds,
        bounds: [UInt64] = .requestDurations
    ) -> Histogram {
        histograms(name, help: help, unit: unit, bounds: bounds, labels: [], seriesMax: 1).series()
    }

    /// How values spread, to 3% of each; shown to Prometheus in powers of two.
    public func hdrHistogram(_ name: String, help: String, unit: MetricUnit = .nanosecondsAsSeconds) -> HDRHistogram {
        hdrHistograms(name, help: help, unit: unit, labels: [], seriesMax: 1).series()
    }

    /// Counters that share a name and differ in the values of `labels`; at most `seriesMax` of them.
    public func counters(
        _ name: String,
        help: String,
        unit: MetricUnit = .one,
        labels: [String],
        seriesMax: Int = 64
    ) -> Family<Counter> {
        precondition(name.hasSuffix("_total"), "a counter's name ends in _total: \(name)")
        let entry = entry(name, help, unit, kind: .counter, labels, seriesMax, cellsEach: 1)
        return Family(entry: entry) { Counter(cell: $0) }
    }

    /// Gauges that share a name and differ in the values of `labels`; at most `seriesMax` of them.
    public func gauges(
        _ name: String,
        help: String,
        unit: MetricUnit = .one,
        labels: [String],
        seriesMax: Int = 64
    ) -> Family<Gauge> {
        let entry = entry(name, help, unit, kind: .gauge, labels, seriesMax, cellsEach: 2)
        return Family(entry: entry) { Gauge(cell: $0) }
    }

    /// Histograms that share a name and differ in the values of `labels`; at most `seriesMax` of them.
    public func histograms(
        _ name: String,
        help: String,
        unit: MetricUnit = .nanosecondsAsSeconds,
        bounds: [UInt64] = .requestDurations,
        labels: [String],
        seriesMax: Int = 64
    ) -> Family<Histogram> {
        let shape = HistogramShape(bounds: bounds)
        let entry = entry(name, help, unit, kind: .histogram(shape), labels, seriesMax, cellsEach: bounds.count + 2)
        guard case .histogram(let shape) = entry.kind else { preconditionFailure("kinds were compared") }
        return Family(entry: entry) { Histogram(cell: $0, shape: shape) }
    }

    /// Histograms with a bucket for every 3% of value, that differ in the values of `labels`; at most `seriesMax` of them.
    public func hdrHistograms(
        _ name: String,
        help: String,
        unit: MetricUnit = .nanosecondsAsSeconds,
        labels: [String],
        seriesMax: Int = 16
    ) -> Family<HDRHistogram> {
        let cells = HDRHistogram.bucketCount + 1
        let entry = entry(name, help, unit, kind: .hdr, labels, seriesMax, cellsEach: cells)
        return Family(entry: entry) { HDRHistogram(cell: $0) }
    }

    /// A gauge whose value is asked for each time the metrics are read; registering a name again replaces it.
    ///
    /// - Parameters:
    ///   - name: What it is called.
    ///   - help: One line for the reader.
    ///   - labels: Labels of this one series.
    ///   - read: Gives the value, in the unit the name says; called from any thread, so it must be quick.
    public func observe(
        _ name: String,
        help: String,
        labels: [(name: String, value: String)] = [],
        _ read: @escaping @Sendable () -> Double
    ) {
        observe(name, help: help, labels: labels, kind: .observedGauge, read)
    }

    /// A counter whose value is asked for each time the metrics are read; `name` ends in `_total`.
    ///
    /// - Parameters:
    ///   - name: What it is called.
    ///   - help: One line for the reader.
    ///   - labels: Labels of this one series.
    ///   - read: Gives the value, which never falls; called from any thread, so it must be quick.
    public func observeTotal(
        _ name: String,
        help: String,
        labels: [(name: String, value: String)] = [],
        _ read: @escaping @Sendable () -> Double
    ) {
        precondition(name.hasSuffix("_total"), "a counter's name ends in _total: \(name)")
        observe(name, help: help, labels: labels, kind: .observedCounter, read)
    }

    private func observe(
        _ name: String,
        help: String,
        labels: [(name: String, value: String)],
        kind: MetricEntry.Kind,
        _ read: @escaping @Sendable () -> Double
    ) {
        let entry = entry(name, help, .one, kind: kind, labels.map(\.name), 1024, cellsEach: 0)
        entry.observe(labels.map(\.value), read)
    }

    private func entry(
        _ name: String,
        _ help: String,
        _ unit: MetricUnit,
        kind: MetricEntry.Kind,
        _ labels: [String],
        _ seriesMax: Int,
        cellsEach: Int
    ) -> MetricEntry {
        precondition(MetricName.isValid(name), "not a name for a metric: \(name)")
        precondition(labels.allSatisfy(MetricName.isValidLabel), "not a name for a label in \(name)")
        return entries.withLock { entries in
            if let known = entries[name] {
                precondition(known.kind.name == kind.name, "\(name) is already a \(known.kind.name)")
                precondition(known.labels == labels, "\(name) already has the labels \(known.labels)")
                return known
            }
            let entry = MetricEntry(
                name: name,
                help: help,
                unit: unit,
                kind: kind,
                labels: labels,
                seriesMax: seriesMax,
                cellsEach: cellsEach,
                arena: arena
            )
            entries[name] = entry
            return entry
        }
    }
}

/// Which names Prometheus takes.
enum MetricName {
    static func isValid(_ name: String) -> Bool {
        guard let first = name.utf8.first, !isDigit(first) else { return false }
        return name.utf8.allSatisfy {
            isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ":")
        }
    }

    static func isValidLabel(_ name: String) -> Bool {
        isValid(name) && !name.utf8.contains(UInt8(ascii: ":")) && !name.hasPrefix("__")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
    private static func isLetter(_ byte: UInt8) -> Bool { byte | 32 >= 97 && byte | 32 <= 122 }
}
