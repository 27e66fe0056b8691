public import ApusObserve

/// What a server writes down about its requests: metrics always, a log and traces where given.
public struct ServerObservation: Sendable {
    /// Where a line for each request goes, if anywhere.
    public var accessLog: AccessLog?
    /// Who records spans, if anybody.
    public var tracer: Tracer?
    /// Hears of each error that a handler threw and a client got 500 for.
    public var failures: (@Sendable (any Error) -> Void)?
    let connections: Gauge
    let requests: Family<Counter>
    let durations: Family<Histogram>
    let refused: Family<Counter>

    /// Instruments in `metrics`, named after OpenTelemetry's HTTP conventions.
    public init(metrics: Metrics = .process, accessLog: AccessLog? = nil, tracer: Tracer? = nil) {
        self.accessLog = accessLog
        self.tracer = tracer
        connections = metrics.gauge("http_server_connections", help: "Open client connections.")
        requests = metrics.counters(
            "http_server_requests_total",
            help: "Requests answered, by route and class of status.",
            labels: ["route", "status"],
            seriesMax: 512
        )
        durations = metrics.histograms(
            "http_server_request_duration_seconds",
            help: "From a request's first byte to its answer's last.",
            bounds: .callDurations,
            labels: ["route"],
            seriesMax: 128
        )
        refused = metrics.counters(
            "http_server_refused_total",
            help: "Connections closed for what was no request.",
            labels: ["reason"]
        )
    }

    /// Instruments of one route, looked up once so that requests do not.
    struct RouteInstruments: Sendable {
        let statuses: InlineArray<5, Counter>
        let duration: Histogram
        let span: SpanName
    }

    func instruments(route: String) -> RouteInstruments {
        RouteInstruments(
            statuses: InlineArray { requests.series(route, "\($0 + 1)xx") },
            duration: durations.series(route),
            span: SpanName(route)
        )
    }
}
