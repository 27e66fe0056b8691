public import ApusCore

/// Answers a collector: the process's side of ``Pulse``.
///
/// It remembers what it told last, so that an answer holds only what changed. One collector at a time: a second one makes
/// each of the two get everything, every time.
public final class PulseSource: Sendable {
    /// Most spans and lines in one answer; the rest waits for the next.
    public static let spansMax = 2048
    static let linesMax = 1024
    /// Most series told about; further ones are left out and counted.
    public static let seriesMax = 8192

    private struct Key: Hashable {
        let name: String
        let labels: [String]
    }

    private struct Told {
        let index: Int
        var number = 0.0
        var counts: [UInt64] = []
        var isTold = false
    }

    private struct State {
        var sequence: UInt64 = 0
        var series: [Key: Told] = [:]
    }

    private let session = SecureRandom.number() | 1
    private let metrics: Metrics
    private let tracer: Tracer
    private let tail: LogTail
    private let limitsTraces: Bool
    private let clock: any Clock
    private let began: Instant
    private let state = Lock(State())
    private let leftOut: Counter

    /// A source for what this process has.
    ///
    /// - Parameters:
    ///   - metrics: What is measured.
    ///   - tracer: Whose kept spans.
    ///   - tail: Whose lines.
    ///   - limitsTraces: Whether the collector may lower the share of ordinary traces that are kept; false where others
    ///     listen to them too.
    ///   - clock: Gives the time.
    public init(
        metrics: Metrics = .process,
        tracer: Tracer = .process,
        tail: LogTail,
        limitsTraces: Bool = true,
        clock: any Clock = SystemClock()
    ) {
        self.metrics = metrics
        self.tracer = tracer
        self.tail = tail
        self.limitsTraces = limitsTraces
        self.clock = clock
        began = clock.now()
        leftOut = metrics.counter(
            "apus_pulse_series_left_out_total",
            help: "Times a series was not told to the dashboard because there are too many."
        )
    }

    /// What is new since `request`.
    public func answer(_ request: PulseRequest) -> Pulse {
        if limitsTraces { tracer.limitOrdinary(to: request.share) }
        let knowsUs = request.session == session
        let snapshot = metrics.snapshot()
        var pulse = state.withLock { state in
            let isWhole = !knowsUs || request.sequence != state.sequence || state.sequence == 0
            state.sequence += 1
            var pulse = Pulse(
                session: session,
                sequence: state.sequence,
                time: clock.wallNanoseconds(),
                age: (clock.now() - began).nanoseconds,
                isWhole: isWhole
            )
            for metric in snapshot { tell(metric, isWhole, &state, &pulse) }
            return pulse
        }
        let spans = tracer.store.spans(from: knowsUs ? request.spans : 0, most: Self.spansMax)
        pulse.spans = spans.spans.map(CollectedSpan.init)
        pulse.spansNext = spans.next
        pulse.spansMissed = knowsUs ? spans.missed : 0
        let lines = tail.lines(from: knowsUs ? request.lines : 0, most: Self.linesMax)
        pulse.lines = lines.records
        pulse.linesNext = lines.next
        pulse.linesMissed = knowsUs ? lines.missed : 0
        return pulse
    }

    private func tell(_ metric: MetricSnapshot, _ isWhole: Bool, _ state: inout State, _ pulse: inout Pulse) {
        for series in metric.series {
            let key = Key(name: metric.name, labels: series.labelValues)
            var told: Told
            if let known = state.series[key] {
                told = known
            } else if state.series.count < Self.seriesMax {
                told = Told(index: state.series.count)
            } else {
                leftOut.increment()
                continue
            }
            let mustTell = isWhole || !told.isTold
            var bounds: [UInt64] = []
            switch series.value {
            case .integer(let value): number(Double(value), mustTell, &told, &pulse)
            case .real(let value): number(value, mustTell, &told, &pulse)
            case .histogram(let histogram):
                bounds = histogram.bounds
                spread(histogram, mustTell, &told, &pulse)
            }
            if mustTell {
                pulse.definitions.append(
                    Pulse.Definition(
                        index: told.index,
                        name: metric.name,
                        kind: metric.kind,
                        unit: metric.unit,
                        help: metric.help,
                        labels: zip(metric.labels, series.labelValues).map { Pulse.Label($0, $1) },
                        bounds: bounds
                    )
                )
                told.isTold = true
            }
            state.series[key] = told
        }
    }

    private func number(_ value: Double, _ mustTell: Bool, _ told: inout Told, _ pulse: inout Pulse) {
        guard mustTell || value != told.number, !value.isNaN else { return }
        told.number = value
        pulse.numbers.append(Pulse.Number(index: told.index, value: value))
    }

    private func spread(_ histogram: HistogramSnapshot, _ mustTell: Bool, _ told: inout Told, _ pulse: inout Pulse) {
        if !mustTell, told.counts == histogram.counts { return }
        var buckets: [Pulse.Bucket] = []
        for (bucket, count) in histogram.counts.enumerated() {
            let before = mustTell || bucket >= told.counts.count ? 0 : told.counts[bucket]
            if count != before { buckets.append(Pulse.Bucket(bucket: bucket, count: count)) }
        }
        told.counts = histogram.counts
        pulse.spreads.append(Pulse.Spread(index: told.index, sum: histogram.sum, buckets: buckets))
    }
}
