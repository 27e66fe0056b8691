public import ApusRuntime

/// Where the instances of each service are: a value that is replaced as a whole while the system runs.
public struct ServiceDirectory: Sendable, Hashable {
    /// One place where a service answers: one loop of one replica.
    public struct Endpoint: Sendable, Hashable {
        /// Where it listens.
        public let address: SocketAddress
        /// The replica's number, for logs.
        public let replica: Int

        /// An endpoint.
        public init(_ address: SocketAddress, replica: Int) {
            self.address = address
            self.replica = replica
        }
    }
    /// The endpoints of each service, by its name.
    public var services: [String: [Endpoint]]

    /// A directory; empty unless said otherwise.
    public init(_ services: [String: [Endpoint]] = [:]) { self.services = services }
}
