import ApusRuntime

/// What the supervisor tells a process, a line of JSON each.
enum Order: Codable, Sendable, Equatable {
    /// Where the others are; answered by ``Report/seen(version:)`` once all loops know.
    case members(Membership, version: Int)
    /// Serve on, and say that it will not be for long.
    case leave
    /// Finish what you have and end.
    case drain
    /// Say that you live, from all loops.
    case ping(Int)
    /// Give a trace's spans, or the latest roots where no trace is named.
    case spans(question: Int, trace: TraceID?)
    /// Give what you measure, as text.
    case metrics(question: Int)
}

/// What a process tells the supervisor, a line of JSON each.
enum Report: Codable, Sendable, Equatable {
    /// It serves.
    case ready(ProcessAddresses, blocks: [ReadyReport.BlockFact])
    /// How far a setup is.
    case progress(SetupSite.Progress)
    /// The members of that version are known to all loops.
    case seen(version: Int)
    /// It lives; and what keeps it from being ready, if anything.
    case pong(Int, problems: [String])
    /// Spans that were asked for.
    case spans(question: Int, [SpanFact])
    /// What was measured.
    case metrics(question: Int, String)
}

/// A trace's id.
struct TraceID: Codable, Sendable, Hashable {
    var high: UInt64
    var low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads 32 hexadecimal digits.
    init?(_ text: String) {
        guard text.utf8.count == 32, text.utf8.allSatisfy({ Hex.value(of: $0) != nil }),
            let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }
}

/// A span as it travels between processes and to whoever asks.
struct SpanFact: Codable, Sendable, Hashable {
    var trace: String
    var span: String
    var parent: String?
    var name: String
    var kind: String
    /// The part and replica that recorded it.
    var part: String
    /// Nanoseconds since 1970.
    var began: Int64
    var nanoseconds: Int64
    var failed: Bool
    var attributes: [String: String]

    init(_ span: FinishedSpan, part: String) {
        trace = span.context.traceIDText
        self.span = span.context.spanIDText
        parent =
            span.parentID == 0
            ? nil
            : TraceContext(
                traceHigh: span.context.traceHigh,
                traceLow: span.context.traceLow,
                spanID: span.parentID,
                flags: 0
            ).spanIDText
        name = "\(span.name)"
        kind = "\(span.kind)"
        self.part = part
        began = span.began
        nanoseconds = span.ended - span.began
        failed = span.failed
        attributes = Dictionary(span.attributes.map { ("\($0.key)", Self.text($0.value)) }) { _, last in last }
    }

    private static func text(_ value: FinishedSpan.Value) -> String {
        switch value {
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        case .bool(let flag): "\(flag)"
        case .string(let text): text
        }
    }

    /// What a process knows of a trace, or its latest roots.
    static func known(_ trace: TraceID?, part: String, most: Int = 512) -> [SpanFact] {
        let store = Tracer.process.store
        let spans = trace.map { store.spans(traceHigh: $0.high, traceLow: $0.low) } ?? store.recentRoots(most: 64)
        return spans.prefix(most).map { SpanFact($0, part: part) }
    }
}
