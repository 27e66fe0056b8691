import ApusCore

/// A line of the log, not yet formatted: for whoever searches lines rather than reads them.
public struct LogRecord: Sendable, Hashable {
    /// A noted value as text.
    public struct Field: Sendable, Hashable {
        /// Its name.
        public var key: String
        /// Its value.
        public var value: String

        /// A field from its parts.
        public init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    /// When it was written, in nanoseconds since 1970.
    public var time: Int64
    /// How much it matters.
    public var level: LogLevel
    /// Who wrote it.
    public var logger: String
    /// What happened.
    public var message: String
    /// The upper half of the trace's id; both are 0 outside a trace.
    public var traceHigh: UInt64
    /// The lower half of the trace's id.
    public var traceLow: UInt64
    /// The span that wrote it; 0 outside a trace.
    public var spanID: UInt64
    /// What was noted.
    public var fields: [Field]

    /// A line from its parts.
    public init(
        time: Int64,
        level: LogLevel,
        logger: String,
        message: String,
        traceHigh: UInt64 = 0,
        traceLow: UInt64 = 0,
        spanID: UInt64 = 0,
        fields: [Field] = []
    ) {
        self.time = time
        self.level = level
        self.logger = logger
        self.message = message
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.spanID = spanID
        self.fields = fields
    }

    /// About how much memory it takes, in bytes.
    var weight: Int { fields.reduce(96 + message.utf8.count) { $0 + $1.key.utf8.count + $1.value.utf8.count + 32 } }
}

/// The latest lines of a process in memory, the newest in place of the oldest.
///
/// Bounded in lines and in bytes; a line's message and values are cut at 2,048 bytes each.
public final class LogTail: Sendable {
    private struct State {
        var records: [LogRecord] = []
        var first: UInt64 = 0
        var weight = 0
    }

    /// Most lines held.
    public static let recordsMax = 2048
    /// Most bytes held, about.
    public static let bytesMax = 1 << 20
    static let textBytesMax = 2048

    private let state = Lock(State())

    /// An empty tail.
    public init() {}

    /// Adds a line.
    public func append(_ record: LogRecord) {
        state.withLock { state in
            state.records.append(record)
            state.weight += record.weight
            var gone = 0
            while state.records.count - gone > Self.recordsMax
                || (state.weight > Self.bytesMax && gone < state.records.count)
            {
                state.weight -= state.records[gone].weight
                gone += 1
            }
            guard gone > 0 else { return }
            state.records.removeFirst(gone)
            state.first += UInt64(gone)
        }
    }

    /// The lines from number `from` on, oldest first.
    ///
    /// - Parameters:
    ///   - from: The first number wanted; numbers begin at 0.
    ///   - most: Most lines given.
    /// - Returns: The lines, the number to ask with next, and how many wanted ones are gone.
    public func lines(from: UInt64, most: Int) -> (records: [LogRecord], next: UInt64, missed: UInt64) {
        state.withLock { state in
            let end = state.first + UInt64(state.records.count)
            let begin = min(max(from, state.first), end)
            let records = state.records.dropFirst(Int(begin - state.first)).prefix(most)
            return (Array(records), begin + UInt64(records.count), from < state.first ? state.first - from : 0)
        }
    }

    static func cut(_ text: String) -> String {
        text.utf8.count <= textBytesMax ? text : String(decoding: text.utf8.prefix(textBytesMax), as: UTF8.self)
    }
}

extension LogValue {
    /// The value as text.
    var text: String {
        switch self {
        case .string(let text): LogTail.cut(text)
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        case .bool(let flag): "\(flag)"
        case .duration(let duration): "\(duration.seconds)"
        }
    }
}
