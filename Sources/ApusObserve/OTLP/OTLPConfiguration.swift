public import ApusCore

/// Where telemetry is sent, and how much of it at a time.
///
/// - SeeAlso: OpenTelemetry specification, "OTLP exporter" and "Batch span processor", whose defaults these are.
public struct OTLPConfiguration: Sendable {
    /// Where traces go, such as `http://127.0.0.1:4318/v1/traces`; `nil`, the default, sends none.
    public var tracesURL: String?
    /// Where metrics go, such as `http://127.0.0.1:4318/v1/metrics`; `nil`, the default, sends none.
    public var metricsURL: String?
    /// Headers of each request; they may hold a key, so they are secret.
    public var headers: Secret<[String: String]> = Secret([:])
    /// Pause between two batches of spans; 5 seconds unless set.
    public var delay: Duration = .seconds(5)
    /// Pause between two reports of metrics; 60 seconds unless set.
    public var metricsInterval: Duration = .seconds(60)
    /// Most spans that wait to be sent; 2,048 unless set.
    public var queueMax = 2048
    /// Most spans in a request; 512 unless set.
    public var batchMax = 512
    /// How often a request is tried before its spans are dropped; 5 unless set.
    public var attemptsMax = 5
    /// Pause after the first failure, doubled after each further one; 1 second unless set.
    public var retryPause: Duration = .seconds(1)
    /// Longest pause between tries; 30 seconds unless set.
    public var retryPauseMax: Duration = .seconds(30)

    /// Sends nothing.
    public init() {}
}

/// One request of the exporter, for whoever has an HTTP client.
public struct OTLPRequest: Sendable {
    /// Where to POST it.
    public let url: String
    /// Its headers, `Content-Type` included.
    public let headers: Secret<[String: String]>
    /// Its body.
    public let body: [UInt8]
}
