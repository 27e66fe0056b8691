public import ApusCore
public import ApusHTTP

/// How an edge treats clients and replicas.
public struct EdgeConfiguration: Sendable, Hashable {
    /// How the replica of a request is chosen.
    public enum Balancing: Sendable, Hashable {
        /// The better of two replicas taken at random, by peak latency times requests under way.
        ///
        /// - SeeAlso: Mitzenmacher, "The power of two choices in randomized load balancing", 2001; Twitter Finagle's
        ///   peak EWMA.
        case peakEWMA
        /// One after the other.
        case roundRobin
        /// The one with the fewest requests under way.
        case leastRequests
    }

    /// How the replica of a request is chosen.
    public var balancing = Balancing.peakEWMA
    /// Limits of a request's head.
    public var head = HeadLimits()
    /// From the first byte of a head to its last; 10 s, then 408.
    public var headLimit: Duration = .seconds(10)
    /// How long a kept-alive client connection may be quiet; 75 s.
    public var idleLimit: Duration = .seconds(75)
    /// Longest wait for a replica to take a connection; 1 s.
    public var connectLimit: Duration = .seconds(1)
    /// Longest wait for the head of a replica's answer; 30 s, then 504.
    public var responseLimit: Duration = .seconds(30)
    /// Longest wait for the next bytes of a body, either way; 30 s.
    public var bodyLimit: Duration = .seconds(30)
    /// How long an unused connection to a replica is kept; 50 s, less than replicas keep theirs.
    public var upstreamIdleLimit: Duration = .seconds(50)
    /// Most unused connections a replica and loop; 1,024.
    public var upstreamIdleMax = 1024
    /// Most client connections a loop; 10,000.
    ///
    /// More are closed at once.
    public var connectionsPerLoopMax = 10_000
    /// Where replicas are asked for their health, or `nil` for not at all.
    public var healthPath: String? = "/readyz"
    /// How often they are asked; 1 s.
    public var healthInterval: Duration = .seconds(1)
    /// Failures in a row that take a replica out; 3.
    public var ejectionFailures = 3
    /// How long it stays out at first; doubles up to 30 s, and ends early when a health check succeeds.
    public var ejectionTime: Duration = .seconds(1)
    /// Share of requests that may be sent a second time; 0.2.
    public var retryShare = 0.2
    /// Believes `X-Forwarded-*` and `Forwarded` of clients and adds to them; otherwise they are replaced.
    ///
    /// Only for an edge that itself stands behind a proxy one trusts.
    public var trustsForwarded = false
    /// The scheme that clients speak to this edge, as `X-Forwarded-Proto` says it.
    public var scheme = Scheme.http
    /// How long running requests may take to finish during a drain; 20 s.
    public var drainLimit: Duration = .seconds(20)

    /// What clients speak.
    public enum Scheme: String, Sendable, Hashable {
        /// Without TLS.
        case http
        /// With TLS.
        case https
    }

    /// The defaults.
    public init() {}

    /// The same, once every value makes sense.
    ///
    /// - Throws: `ConfigurationError` that names the first field that does not.
    public func checked() throws(ConfigurationError) -> Self {
        let limits = [
            ("headLimit", headLimit), ("idleLimit", idleLimit), ("connectLimit", connectLimit),
            ("responseLimit", responseLimit), ("bodyLimit", bodyLimit), ("healthInterval", healthInterval),
        ]
        for (name, value) in limits where value <= .zero {
            throw ConfigurationError(field: name, value: "\(value)", accepted: "more than zero")
        }
        guard (0...1).contains(retryShare) else {
            throw ConfigurationError(field: "retryShare", value: "\(retryShare)", accepted: "0 to 1")
        }
        if let healthPath, !healthPath.hasPrefix("/") || !healthPath.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) {
            throw ConfigurationError(field: "healthPath", value: healthPath, accepted: "a path such as /readyz")
        }
        return self
    }
}
