public import ApusCore
import ApusRuntime

/// Where the lines of a ``Log`` go, and how they look.
///
/// On a loop, the lines of a turn leave together at its end; elsewhere each leaves at once, and so does everything with a
/// line of level ``LogLevel/error``. Lines that the other side does not take are kept up to 64 KiB a thread, then dropped
/// and counted in `apus_log_lines_dropped_total`: nothing waits for the log.
public final class LogOutput: Sendable {
    /// How a line looks.
    public enum Format: Sendable, Hashable {
        /// One JSON object a line.
        case json
        /// For people.
        case human(colored: Bool)
    }

    /// The output of the process: JSON lines on standard output, from level info, until ``configure(level:format:sink:)``.
    public static let process = LogOutput(to: .standardOutput)

    private struct State {
        var writer: LineWriter
        var format: Format
    }

    private let state: Lock<State>
    private let level: LogThreshold
    private let clock: any Clock
    private let metrics: Metrics
    private let tail = Lock<LogTail?>(nil)
    // The loops whose turn end already has a flush; a loop is known by its address.
    private let flushing = Lock<Set<ObjectIdentifier>>([])

    /// An output of its own.
    ///
    /// - Parameters:
    ///   - sink: Where lines go.
    ///   - format: How they look.
    ///   - level: The least level that is written.
    ///   - clock: Gives the time.
    ///   - metrics: Where lines are counted.
    public init(
        to sink: LineSink,
        format: Format = .json,
        level: LogLevel = .info,
        clock: any Clock = SystemClock(),
        metrics: Metrics = .process
    ) {
        self.clock = clock
        self.metrics = metrics
        self.level = LogThreshold(level)
        let writer = LineWriter(sink: sink, capacity: 64 << 10, clock: clock, log: "events", metrics: metrics)
        state = Lock(State(writer: writer, format: format))
    }

    var threshold: Int { level.value }

    /// Changes level, format or sink from now on; what is left out stays.
    public func configure(level: LogLevel? = nil, format: Format? = nil, sink: LineSink? = nil) {
        if let level { self.level.value = level.rawValue }
        state.withLock { state in
            if let format { state.format = format }
            if let sink {
                state.writer.flush()
                state.writer =
                    LineWriter(sink: sink, capacity: 64 << 10, clock: clock, log: "events", metrics: metrics)
            }
        }
    }

    /// Also keeps the latest lines in `tail`, whatever becomes of the sink; `nil` keeps none.
    public func keep(in tail: LogTail?) { self.tail.withLock { $0 = tail } }

    /// Hands over what this thread has written.
    public func flush() { state.withLock { $0.writer }.flush() }

    func write(_ level: LogLevel, logger: String, _ message: String, _ fields: KeyValuePairs<String, LogValue>) {
        let (writer, format) = state.withLock { ($0.writer, $0.format) }
        let now = clock.now()
        let trace = Trace.current.context
        let bytesMax = LineWriter.lineBytesMax
        writer.append(bytesMax: bytesMax, at: now) { place, stamp in
            var line = LogLine(place, bytesMax: bytesMax)
            switch format {
            case .json: line.writeJSON(&stamp, level, logger, message, fields, trace)
            case .human(let colored): line.writeHuman(&stamp, level, logger, message, fields, colored: colored)
            }
            return line.end
        }
        flush(writer, level)
        if let tail = tail.withLock({ $0 }) { keep(level, logger, message, fields, trace, tail) }
    }

    private func keep(
        _ level: LogLevel,
        _ logger: String,
        _ message: String,
        _ fields: KeyValuePairs<String, LogValue>,
        _ trace: TraceContext,
        _ tail: LogTail
    ) {
        tail.append(
            LogRecord(
                time: clock.wallNanoseconds(),
                level: level,
                logger: logger,
                message: LogTail.cut(message),
                traceHigh: trace.traceHigh,
                traceLow: trace.traceLow,
                spanID: trace.spanID,
                fields: fields.prefix(32).map { LogRecord.Field($0.key, $0.value.text) }
            )
        )
    }

    private func flush(_ writer: LineWriter, _ level: LogLevel) {
        guard level < .error, let loop = EventLoop.current else { return writer.flush() }
        let identifier = ObjectIdentifier(loop)
        guard flushing.withLock({ $0.insert(identifier).inserted }) else { return }
        loop.atTurnEnd { [self] in
            _ = flushing.withLock { $0.remove(identifier) }
            writer.flush()
        }
    }
}

/// The least level that is written; may change at any time.
//
// `@unchecked Sendable` is sound because all accesses are relaxed atomics and the memory lives as long as its owner.
private final class LogThreshold: @unchecked Sendable {
    private let word = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)

    init(_ level: LogLevel) {
        word.initialize(to: 0)
        value = level.rawValue
    }

    deinit { word.deallocate() }

    var value: Int {
        get { Int(word.relaxedLoad()) }
        set { word.relaxedStore(UInt64(newValue)) }
    }
}
