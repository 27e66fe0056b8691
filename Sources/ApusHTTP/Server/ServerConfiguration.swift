public import ApusCore

/// How a server behaves: time-outs, limits and how it ends.
public struct ServerConfiguration: Sendable, Hashable {
    /// From the first byte of a head to its last; 10 s, after which the client gets 408.
    public var headLimit: Duration = .seconds(10)
    /// Longest wait for the next bytes of a body, or for the client to take some of the answer; 30 s.
    public var bodyLimit: Duration = .seconds(30)
    /// How long a kept-alive connection may be quiet; 75 s as in nginx.
    public var idleLimit: Duration = .seconds(75)
    /// Largest request body a handler reads unless its route says otherwise, in bytes; 1 MiB.
    public var bodyBytesMax = 1 << 20
    /// Limits of a request's head; 32 KiB in all.
    public var head = HeadLimits()
    /// Most open connections a loop; more are closed at once with 503.
    ///
    /// 10,000 unless set.
    public var connectionsPerLoopMax = 10_000
    /// How long ``Server/drain()`` keeps serving with readiness already off, so that proxies can turn away; none.
    public var drainDelay: Duration = .zero
    /// How long running requests may take to finish during a drain; 20 s.
    public var drainLimit: Duration = .seconds(20)
    /// The `Server` field of answers, or `nil` for none.
    public var serverName: String? = "Apus"

    /// The defaults.
    public init() {}

    /// The same, once every value makes sense.
    ///
    /// - Throws: `ConfigurationError` that names the first field that does not.
    public func checked() throws(ConfigurationError) -> Self {
        for (name, value) in [("headLimit", headLimit), ("bodyLimit", bodyLimit), ("idleLimit", idleLimit)]
        where value <= .zero {
            throw ConfigurationError(field: name, value: "\(value)", accepted: "more than zero")
        }
        guard bodyBytesMax >= 0 else {
            throw ConfigurationError(field: "bodyBytesMax", value: "\(bodyBytesMax)", accepted: "0 or more")
        }
        guard connectionsPerLoopMax > 0 else {
            throw ConfigurationError(
                field: "connectionsPerLoopMax",
                value: "\(connectionsPerLoopMax)",
                accepted: "1 or more"
            )
        }
        return self
    }
}
