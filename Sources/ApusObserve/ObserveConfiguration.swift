/// How a process tells about itself.
public struct ObserveConfiguration: Sendable {
    /// How lines of the log look.
    public enum LogFormat: String, Sendable, Hashable, CaseIterable {
        /// For people on a terminal, else JSON.
        case automatic = "auto"
        /// One JSON object a line.
        case json
        /// For people.
        case human
    }

    /// The service's name, `service.name`; `unknown_service` unless set, as OpenTelemetry has it.
    public var serviceName = "unknown_service"
    /// Further attributes of the resource, in the order they were given.
    public var resourceAttributes: [(key: String, value: String)] = []
    /// The least level that is logged.
    public var logLevel = LogLevel.info
    /// How lines of the log look.
    public var logFormat = LogFormat.automatic
    /// Whether a terminal may get colours.
    public var allowsColor = true
    /// Which traces are recorded and kept.
    public var traces = TraceConfiguration()
    /// Where telemetry is sent; nowhere unless set.
    public var otlp = OTLPConfiguration()

    /// Starts from the defaults.
    public init() {}

    /// The resource's attributes: the service's name, then the others.
    public var resource: [(key: String, value: String)] {
        [(key: "service.name", value: serviceName)] + resourceAttributes.filter { $0.key != "service.name" }
    }

    /// Puts level, format and sampling into the process's own log and tracer.
    public func apply(sink: LineSink = .standardOutput) {
        let format: LogOutput.Format =
            switch logFormat {
            case .json: .json
            case .human: .human(colored: allowsColor && sink.isTerminal)
            case .automatic: sink.isTerminal ? .human(colored: allowsColor) : .json
            }
        LogOutput.process.configure(level: logLevel, format: format, sink: sink)
        Tracer.process.configure(traces)
    }
}
