public import ApusObserve

/// What an edge writes down: metrics always, a log and traces where given.
public struct EdgeObservation: Sendable {
    /// Where a line for each request goes, if anywhere.
    public var accessLog: AccessLog?
    /// Who records spans, if anybody.
    public var tracer: Tracer?
    let requests: Family<Counter>
    let duration: Histogram
    let connections: Gauge
    let upstreamOpened: Counter
    let upstreamRequests: Counter
    let retries: Counter
    let ejections: Counter
    let refused: Family<Counter>

    /// Instruments in `metrics`.
    public init(metrics: Metrics = .process, accessLog: AccessLog? = nil, tracer: Tracer? = nil) {
        self.accessLog = accessLog
        self.tracer = tracer
        requests = metrics.counters(
            "edge_requests_total",
            help: "Requests answered, by the replica asked and class of status.",
            labels: ["upstream", "status"],
            seriesMax: 512
        )
        duration = metrics.histogram(
            "edge_request_duration_seconds",
            help: "From a request's first byte to its answer's last."
        )
        connections = metrics.gauge("edge_connections", help: "Open client connections.")
        upstreamOpened = metrics.counter(
            "edge_upstream_connections_total",
            help: "Connections made to replicas."
        )
        upstreamRequests = metrics.counter(
            "edge_upstream_requests_total",
            help: "Requests sent to replicas, retries included."
        )
        retries = metrics.counter("edge_retries_total", help: "Requests sent a second time.")
        ejections = metrics.counter("edge_ejections_total", help: "Times a replica was taken out for its failures.")
        refused = metrics.counters(
            "edge_refused_total",
            help: "Connections closed for what was no request.",
            labels: ["reason"]
        )
    }
}
