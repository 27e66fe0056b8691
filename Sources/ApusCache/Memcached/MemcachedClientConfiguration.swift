public import ApusCore
public import ApusRuntime

/// One memcached of several.
public struct MemcachedServer: Sendable, Hashable, CustomStringConvertible {
    /// Its name or address, by which clients of all languages agree on its place among the others.
    public var host: String
    /// Its port.
    public var port: UInt16
    /// Its share of the keys, beside the others' shares; 1 unless set.
    public var weight: Int
    /// Where it is reached; `nil` looks the host up, unless it is an address itself, or `localhost`.
    public var address: SocketAddress?

    /// A server.
    public init(_ host: String, port: UInt16 = 11_211, weight: Int = 1, address: SocketAddress? = nil) {
        self.host = host
        self.port = port
        self.weight = weight
        self.address = address
    }

    /// Host and port.
    public var description: String { "\(host):\(port)" }
}

/// How a client of memcached is bounded.
public struct MemcachedClientConfiguration: Sendable {
    /// The servers, between which the keys are shared as libmemcached shares them with its consistent distribution.
    public var servers: [MemcachedServer]
    /// Servers that take over the keys of one that is gone, for short lives; none unless set.
    ///
    /// - SeeAlso: R. Nishtala et al., "Scaling Memcache at Facebook" (NSDI 2013), section 3.3, "Gutter".
    public var gutter: [MemcachedServer] = []
    /// The longest life of what is kept in the gutter, in whole seconds; 10 seconds unless set.
    public var gutterLifetime: Duration = .seconds(10)
    /// How long a command may take, its wait for a connection included; 1 second unless set.
    public var commandLimit: Duration = .seconds(1)
    /// How long it may take to connect and to secure the connection; 1 second unless set.
    public var connectLimit: Duration = .seconds(1)
    /// Most answers that are awaited on one connection; 16,384 unless set.
    public var outstandingMax = 16_384
    /// Most bytes of commands that a connection has not taken; 64 MiB unless set.
    public var unsentBytesMax = 64 << 20
    /// Longest value, in bytes; 64 MiB unless set.
    public var valueBytesMax = 64 << 20
    /// How long nobody tries again after a server was first lost; 50 ms unless set, and twice as long after each failure.
    public var pauseFirst: Duration = .milliseconds(50)
    /// The longest such pause; 5 seconds unless set.
    public var pauseLongest: Duration = .seconds(5)
    /// Whom to trust, where the servers are to be spoken to by TLS.
    public var tls: TLSClientOptions?
    /// The name and password to say first, as memcached's `-Y` asks for.
    public var login: Secret<String>?

    /// A client of servers, with the defaults.
    ///
    /// - Parameter servers: At least one.
    public init(servers: [MemcachedServer]) { self.servers = servers }

    /// The configuration itself.
    ///
    /// - Throws: `ConfigurationError` for what makes no sense.
    public func checked() throws(ConfigurationError) -> Self {
        func refuse(_ field: String, _ value: some Any, _ accepted: String) -> ConfigurationError {
            ConfigurationError(field: field, value: "\(value)", accepted: accepted)
        }
        if servers.isEmpty || servers.count > 1000 { throw refuse("servers", servers.count, "1 to 1000") }
        if gutter.count > 1000 { throw refuse("gutter", gutter.count, "at most 1000") }
        for server in servers + gutter {
            if server.weight < 1 { throw refuse("weight of \(server)", server.weight, "1 or more") }
            if server.target == nil,
                server.host.isEmpty || server.host.contains(where: { $0.isWhitespace || $0 == ":" })
            {
                throw refuse("server", server, "a name or an address")
            }
        }
        let durations = [
            ("gutterLifetime", gutterLifetime), ("commandLimit", commandLimit), ("connectLimit", connectLimit),
            ("pauseFirst", pauseFirst), ("pauseLongest", pauseLongest),
        ]
        for (name, value) in durations where value <= .zero { throw refuse(name, value, "more than zero") }
        if outstandingMax < 1 { throw refuse("outstandingMax", outstandingMax, "1 or more") }
        if unsentBytesMax < 1024 { throw refuse("unsentBytesMax", unsentBytesMax, "1024 or more") }
        if !(1024...512 << 20).contains(valueBytesMax) {
            throw refuse("valueBytesMax", valueBytesMax, "1024 to 536870912")
        }
        return self
    }
}

extension MemcachedServer {
    /// Where to connect.
    var target: SocketAddress? { address ?? SocketAddress("\(host):\(port)") }
    /// Its place on the circle.
    var place: Ketama.Server { Ketama.Server(host: host, port: Int(port), weight: weight) }
}
