/// What a process tells a collector at once: what it measures, and the spans and log lines since the last time.
///
/// Numbers are cumulative, and only those that changed are in it; a collector that lost an answer asks for all of them.
public struct Pulse: Sendable, Hashable {
    /// A series, told once: later only its index is used.
    public struct Definition: Sendable, Hashable {
        /// What the series is called from here on.
        public var index: Int
        /// The metric's name.
        public var name: String
        /// How it behaves.
        public var kind: MetricSnapshot.Kind
        /// The unit histograms are recorded in.
        public var unit: MetricUnit
        /// One line for the reader.
        public var help: String
        /// Labels and their values.
        public var labels: [Label]
        /// Upper bounds of a histogram's buckets; empty for other kinds.
        public var bounds: [UInt64]
    }

    /// A label with its value.
    public struct Label: Sendable, Hashable, Codable {
        /// The label's name.
        public var name: String
        /// Its value.
        public var value: String

        /// A label from its halves.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// A number that changed.
    public struct Number: Sendable, Hashable {
        /// Which series.
        public var index: Int
        /// What it is now.
        public var value: Double
    }

    /// A histogram that changed.
    public struct Spread: Sendable, Hashable {
        /// Which series.
        public var index: Int
        /// The sum of all values so far.
        public var sum: UInt64
        /// The buckets that changed, with how many values they hold now.
        public var buckets: [Bucket]
    }

    /// A bucket of a histogram and how many values lie in it.
    public struct Bucket: Sendable, Hashable {
        /// Which bucket, from 0.
        public var bucket: Int
        /// How many values, not summed up over buckets.
        public var count: UInt64

        /// A bucket from its parts.
        public init(bucket: Int, count: UInt64) {
            self.bucket = bucket
            self.count = count
        }
    }

    /// Which life of the process speaks: a process that was started again has another.
    public var session: UInt64
    /// Counts the answers of a session.
    public var sequence: UInt64
    /// When it was made, in nanoseconds since 1970.
    public var time: Int64
    /// Nanoseconds since the process began to tell.
    public var age: Int64
    /// Whether all series and all values are in it.
    public var isWhole: Bool
    /// Series that were not told before.
    public var definitions: [Definition] = []
    /// Numbers that changed.
    public var numbers: [Number] = []
    /// Histograms that changed.
    public var spreads: [Spread] = []
    /// Spans that were kept since.
    public var spans: [CollectedSpan] = []
    /// What to ask for spans with next.
    public var spansNext: UInt64 = 0
    /// Spans that were overwritten before anyone asked.
    public var spansMissed: UInt64 = 0
    /// Lines that were logged since.
    public var lines: [LogRecord] = []
    /// What to ask for lines with next.
    public var linesNext: UInt64 = 0
    /// Lines that were overwritten before anyone asked.
    public var linesMissed: UInt64 = 0
}

/// What a collector asks with: up to where it knows a process.
public struct PulseRequest: Sendable, Hashable {
    /// The session it knows; 0 for none.
    public var session: UInt64 = 0
    /// The last sequence it has.
    public var sequence: UInt64 = 0
    /// The first span it wants.
    public var spans: UInt64 = 0
    /// The first line it wants.
    public var lines: UInt64 = 0
    /// The share of ordinary traces (0...1) that all processes are to keep.
    public var share = 1.0

    /// Asks for everything.
    public init() {}

    /// Asks for what came after `pulse`.
    public init(after pulse: Pulse, share: Double = 1) {
        session = pulse.session
        sequence = pulse.sequence
        spans = pulse.spansNext
        lines = pulse.linesNext
        self.share = share
    }

    /// The request as a query: `session=1&sequence=2&spans=3&lines=4&share=1.0`.
    public var query: String {
        "session=\(session)&sequence=\(sequence)&spans=\(spans)&lines=\(lines)&share=\(share)"
    }

    /// Reads ``query``; what is missing or is no number counts as not known.
    public init(query: String) {
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "session": session = UInt64(parts[1]) ?? 0
            case "sequence": sequence = UInt64(parts[1]) ?? 0
            case "spans": spans = UInt64(parts[1]) ?? 0
            case "lines": lines = UInt64(parts[1]) ?? 0
            case "share": share = Double(parts[1]).flatMap { (0...1).contains($0) ? $0 : nil } ?? 1
            default: continue
            }
        }
    }
}

/// A kept span as it travels: everything as text or numbers, nothing that points into its process.
public struct CollectedSpan: Sendable, Hashable {
    /// An attribute as text.
    public struct Attribute: Sendable, Hashable {
        /// Its name, such as `http.route`.
        public var key: String
        /// Its value as text.
        public var value: String

        /// An attribute from its parts.
        public init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    /// The upper half of the trace's id.
    public var traceHigh: UInt64
    /// The lower half of the trace's id.
    public var traceLow: UInt64
    /// The span's id.
    public var spanID: UInt64
    /// The parent's; 0 where the trace began here.
    public var parentID: UInt64
    /// What was done.
    public var name: String
    /// Who waited for whom.
    public var kind: Span.Kind
    /// When it began, in nanoseconds since 1970.
    public var began: Int64
    /// How long it took, in nanoseconds.
    public var nanoseconds: Int64
    /// Whether it failed.
    public var failed: Bool
    /// What was noted.
    public var attributes: [Attribute]

    /// A span from its parts.
    public init(
        traceHigh: UInt64,
        traceLow: UInt64,
        spanID: UInt64,
        parentID: UInt64,
        name: String,
        kind: Span.Kind,
        began: Int64,
        nanoseconds: Int64,
        failed: Bool,
        attributes: [Attribute]
    ) {
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.spanID = spanID
        self.parentID = parentID
        self.name = name
        self.kind = kind
        self.began = began
        self.nanoseconds = nanoseconds
        self.failed = failed
        self.attributes = attributes
    }

    init(_ span: FinishedSpan) {
        self.init(
            traceHigh: span.context.traceHigh,
            traceLow: span.context.traceLow,
            spanID: span.context.spanID,
            parentID: span.parentID,
            name: span.name.description,
            kind: span.kind,
            began: span.began,
            nanoseconds: span.ended - span.began,
            failed: span.failed,
            attributes: span.attributes.map { Attribute($0.key.description, $0.value.text) }
        )
    }
}

extension FinishedSpan.Value {
    /// The value as text.
    public var text: String {
        switch self {
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        case .bool(let flag): "\(flag)"
        case .string(let text): text
        }
    }
}
