/// The OpenTelemetry protocol: spans and metrics as the bytes of an HTTP request.
///
/// - SeeAlso: opentelemetry-proto 1.3, `trace_service.proto` and `metrics_service.proto`.
public enum OTLP {
    /// What everything comes from: `service.name` and so on.
    public typealias Resource = [(key: String, value: String)]

    /// An `ExportTraceServiceRequest`.
    public static func encode(_ spans: [FinishedSpan], resource: Resource) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.message(1) { writer in
            writer.message(1) { write(resource, &$0) }
            writer.message(2) { writer in
                writer.message(1) { $0.string(1, "apus") }
                for span in spans { writer.message(2) { write(span, &$0) } }
            }
        }
        return writer.bytes
    }

    /// An `ExportMetricsServiceRequest`, all sums cumulative.
    ///
    /// - Parameters:
    ///   - metrics: What is told.
    ///   - resource: Who tells it.
    ///   - started: Since when counters count, in nanoseconds since 1970.
    ///   - now: When they were read, in nanoseconds since 1970.
    /// - Returns: The request's body.
    public static func encode(_ metrics: [MetricSnapshot], resource: Resource, started: Int64, now: Int64) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.message(1) { writer in
            writer.message(1) { write(resource, &$0) }
            writer.message(2) { writer in
                writer.message(1) { $0.string(1, "apus") }
                for metric in metrics { writer.message(2) { write(metric, started, now, &$0) } }
            }
        }
        return writer.bytes
    }

    private static func write(_ resource: Resource, _ writer: inout ProtobufWriter) {
        for (key, value) in resource { attribute(1, key, .string(value), &writer) }
    }

    private static func attribute(
        _ field: Int,
        _ key: String,
        _ value: FinishedSpan.Value,
        _ writer: inout ProtobufWriter
    ) {
        writer.message(field) { writer in
            writer.string(1, key)
            writer.message(2) { writer in
                switch value {
                case .string(let text): writer.string(1, text, always: true)
                case .bool(let flag): writer.integer(2, flag ? 1 : 0, always: true)
                case .int(let number): writer.integer(3, UInt64(bitPattern: number), always: true)
                case .double(let number): writer.fixed64(4, number.bitPattern, always: true)
                }
            }
        }
    }

    private static func bigEndian(_ words: UInt64...) -> [UInt8] {
        words.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
    }

    private static func write(_ span: FinishedSpan, _ writer: inout ProtobufWriter) {
        writer.data(1, bigEndian(span.context.traceHigh, span.context.traceLow))
        writer.data(2, bigEndian(span.context.spanID))
        if span.parentID != 0 { writer.data(4, bigEndian(span.parentID)) }
        writer.string(5, span.name.description)
        writer.integer(6, UInt64(span.kind.rawValue))
        writer.fixed64(7, UInt64(bitPattern: span.began))
        writer.fixed64(8, UInt64(bitPattern: span.ended))
        for item in span.attributes { attribute(9, item.key.description, item.value, &writer) }
        writer.integer(10, UInt64(span.attributesDropped))
        // 2 is STATUS_CODE_ERROR; a span that did not fail has no status.
        if span.failed { writer.message(15) { $0.integer(3, 2) } }
        writer.fixed32(16, UInt32(span.context.flags))
    }

    private static func write(_ metric: MetricSnapshot, _ started: Int64, _ now: Int64, _ writer: inout ProtobufWriter)
    {
        writer.string(1, metric.name)
        writer.string(2, metric.help)
        writer.string(3, metric.unit == .one ? "1" : "s")
        let kind = metric.kind
        writer.message(kind == .gauge ? 5 : kind == .counter ? 7 : 9) { writer in
            for series in metric.series {
                writer.message(1) { point(metric, series, started, now, &$0) }
            }
            // 2 is AGGREGATION_TEMPORALITY_CUMULATIVE.
            if kind != .gauge { writer.integer(2, 2) }
            if kind == .counter { writer.integer(3, 1) }
        }
    }

    private static func point(
        _ metric: MetricSnapshot,
        _ series: MetricSnapshot.Series,
        _ started: Int64,
        _ now: Int64,
        _ writer: inout ProtobufWriter
    ) {
        if metric.kind != .gauge { writer.fixed64(2, UInt64(bitPattern: started)) }
        writer.fixed64(3, UInt64(bitPattern: now))
        let labels = zip(metric.labels, series.labelValues)
        switch series.value {
        case .integer(let value):
            writer.fixed64(6, UInt64(bitPattern: value), always: true)
            for (key, value) in labels { attribute(7, key, .string(value), &writer) }
        case .real(let value):
            writer.fixed64(4, value.bitPattern, always: true)
            for (key, value) in labels { attribute(7, key, .string(value), &writer) }
        case .histogram(let fine):
            let histogram = fine.coarse()
            let divisor = metric.unit.divisor
            writer.fixed64(4, histogram.count)
            writer.fixed64(5, (Double(histogram.sum) / divisor).bitPattern, always: true)
            writer.packed64(6, histogram.counts)
            writer.packed64(7, histogram.bounds.map { (Double($0) / divisor).bitPattern })
            for (key, value) in labels { attribute(9, key, .string(value), &writer) }
        }
    }
}
