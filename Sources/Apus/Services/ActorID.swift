public import ApusWire

/// Names whom a call is for: a service, and later one actor with an identity of its own within it.
///
/// A service's instances are interchangeable, one a loop, so its name is all there is to say. An actor with an
/// identity (a cart, a device) will be the same service name and a key; the wire has carried it from the start.
public struct ActorID: Sendable, Hashable, Codable, Wire, CustomStringConvertible {
    /// The service's name, such as `orders`; empty for an actor nobody else can call.
    public let service: String
    /// The key of one actor of the service, or empty for any instance.
    public let identity: String

    /// Any instance of a service.
    public init(service: String) { self.init(service: service, identity: "") }

    /// One actor of a service.
    public init(service: String, identity: String) {
        self.service = service
        self.identity = identity
    }

    /// `orders`, or `orders/4711`.
    public var description: String { identity.isEmpty ? service : "\(service)/\(identity)" }
}
