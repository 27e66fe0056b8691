import ApusCore

/// Instruments that share a name and differ in the values of their labels.
///
/// The number of series is bounded: once it is reached, further values share one series whose labels all say `other`, and
/// `apus_metrics_series_dropped_total` counts how often. Fetch a series once and keep it: looking it up takes a lock.
public struct Family<Instrument: Sendable>: Sendable {
    let entry: MetricEntry
    let make: @Sendable (Cell) -> Instrument

    init(entry: MetricEntry, make: @escaping @Sendable (Cell) -> Instrument) {
        self.entry = entry
        self.make = make
    }

    /// The instrument for these values, one for each label, in the order the labels were declared.
    public func series(_ values: String...) -> Instrument { make(entry.cell(values)) }

    /// The instrument for these values, one for each label, in the order the labels were declared.
    public func series(_ values: [String]) -> Instrument { make(entry.cell(values)) }
}

/// One named metric with all its series.
final class MetricEntry: Sendable {
    enum Kind: Sendable {
        case counter, gauge, hdr, observedGauge, observedCounter
        case histogram(HistogramShape)

        var name: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .hdr: "HDR histogram"
            case .histogram: "histogram"
            case .observedGauge: "observed gauge"
            case .observedCounter: "observed counter"
            }
        }
    }

    struct Series: Sendable {
        let values: [String]
        let source: Source
    }

    enum Source: Sendable {
        case cell(Cell)
        case read(@Sendable () -> Double)
    }

    struct State {
        var series: [Series] = []
        var indexes: [[String]: Int] = [:]
        var dropped: UInt64 = 0
    }

    let name: String
    let help: String
    let unit: MetricUnit
    let kind: Kind
    let labels: [String]
    private let seriesMax: Int
    private let cellsEach: Int
    private let arena: CellArena
    let state = Lock(State())

    init(
        name: String,
        help: String,
        unit: MetricUnit,
        kind: Kind,
        labels: [String],
        seriesMax: Int,
        cellsEach: Int,
        arena: CellArena
    ) {
        precondition(seriesMax > 0, "a family has at least one series")
        self.name = name
        self.help = help
        self.unit = unit
        self.kind = kind
        self.labels = labels
        self.seriesMax = seriesMax
        self.cellsEach = cellsEach
        self.arena = arena
    }

    func cell(_ values: [String]) -> Cell {
        precondition(values.count == labels.count, "\(name) has the labels \(labels)")
        return state.withLock { state in
            if case .cell(let cell) = state.indexes[values].map({ state.series[$0].source }) { return cell }
            if state.series.count < seriesMax, let cell = arena.allocate(cellsEach) {
                add(&state, values, .cell(cell))
                return cell
            }
            state.dropped += 1
            let other = labels.map { _ in "other" }
            if case .cell(let cell) = state.indexes[other].map({ state.series[$0].source }) { return cell }
            guard let cell = arena.allocate(cellsEach) else {
                preconditionFailure("more metrics than this registry has room for, at \(name)")
            }
            add(&state, other, .cell(cell))
            return cell
        }
    }

    func observe(_ values: [String], _ read: @escaping @Sendable () -> Double) {
        state.withLock { state in
            if let index = state.indexes[values] {
                state.series[index] = Series(values: values, source: .read(read))
            } else if state.series.count < seriesMax {
                add(&state, values, .read(read))
            } else {
                state.dropped += 1
            }
        }
    }

    private func add(_ state: inout State, _ values: [String], _ source: Source) {
        state.indexes[values] = state.series.count
        state.series.append(Series(values: values, source: source))
    }
}
