public import ApusCore

/// The bounds of calls between processes.
public struct ServiceSettings: Sendable {
    /// Time a call has where its ``CallContext`` gives none; 5 s unless set.
    public var callTimeout: Duration = .seconds(5)
    /// Time to connect and be welcomed; 2 s unless set.
    public var handshakeTimeout: Duration = .seconds(2)
    /// Largest frame, in bytes; 4 MiB unless set, as in gRPC.
    public var frameBytesMax = 4 << 20
    /// Bytes that may wait to be sent on one connection before its peer counts as stuck; 16 MiB unless set.
    public var unsentBytesMax = 16 << 20
    /// Calls under way on one connection; 1024 unless set.
    public var inFlightMax = 1024
    /// Connections a loop accepts; 512 unless set.
    public var connectionsMax = 512
    /// Calls of one service that may wait for a free connection on one loop; 4096 unless set.
    public var waitersMax = 4096
    /// What a peer over TCP must say first; `nil` allows Unix sockets only.
    public var secret: Secret<String>?

    /// Starts from the defaults.
    public init() {}

    /// - Throws: ``ConfigurationError`` naming the first field out of its range.
    func checked() throws(ConfigurationError) -> ServiceSettings {
        func positive(_ field: String, _ value: Int, upTo most: Int) throws(ConfigurationError) {
            guard value > 0, value <= most else {
                throw ConfigurationError(field: field, value: "\(value)", accepted: "1 to \(most)")
            }
        }
        try positive("frameBytesMax", frameBytesMax, upTo: 1 << 30)
        try positive("unsentBytesMax", unsentBytesMax, upTo: 1 << 40)
        try positive("inFlightMax", inFlightMax, upTo: 1 << 16)
        try positive("connectionsMax", connectionsMax, upTo: 1 << 20)
        try positive("waitersMax", waitersMax, upTo: 1 << 20)
        guard callTimeout > .zero, handshakeTimeout > .zero else {
            throw ConfigurationError(field: "callTimeout", value: "\(callTimeout)", accepted: "more than zero")
        }
        return self
    }
}
