public import ApusWire
import Distributed

/// What a service offers: its name, and a name of our own for each of its distributed methods.
///
/// ```swift
/// @Resolvable
/// protocol Orders: Service {
///     distributed func place(_ draft: OrderDraft) async throws -> Receipt
///     distributed func order(_ id: OrderID) async throws -> Order?
/// }
///
/// let orders = ServiceContract<any Orders>("orders", stub: $Orders.resolve) {
///     Target("place") { try await $0.place($1) }
///     Target("order", .idempotent) { try await $0.order($1) }
///     Failure(OutOfStock.self)
/// }
/// ```
///
/// A target is named as its method: `place`, or `place(_:by:)` where two methods share a base name. Types and modules
/// are not part of it, so they may be renamed while older peers run. Adding an optional parameter at the end keeps
/// the name: an older callee does not see it, an older caller leaves it `nil`.
///
/// The closures are how the callee calls: a frame never reaches a method that is not listed here. That is also what
/// keeps the optimiser from dropping the methods' entry points, which crashes release builds otherwise. A service whose
/// contract forgets a method does not start.
public struct ServiceContract<Handle: Sendable>: Sendable {
    /// The service's name, such as `orders`.
    public let name: String
    let targets: [Target<Handle>]
    let failures: [String: Failure<Handle>]
    let stub: @Sendable (ActorID, ApusActorSystem) throws -> Handle

    /// A contract.
    ///
    /// - Parameters:
    ///   - name: The service's name, lower case.
    ///   - stub: `$Name.resolve` of the `@Resolvable` protocol.
    ///   - offers: A ``Target`` for each distributed method, a ``Failure`` for each error that keeps its type.
    public init(
        _ name: String,
        stub: @escaping @Sendable (ActorID, ApusActorSystem) throws -> Handle,
        @ContractBuilder<Handle> _ offers: () -> ContractParts<Handle>
    ) {
        let parts = offers()
        self.name = name
        self.targets = parts.targets
        self.failures = Dictionary(parts.failures.map { ($0.name, $0) }) { _, _ in
            preconditionFailure("service \(name) lists two failures with one wire name")
        }
        self.stub = stub
        precondition(Set(targets.map(\.name)).count == targets.count, "service \(name) lists a target twice")
    }

    /// The distributed methods that the contract forgets; callers in other processes could not reach them.
    ///
    /// - Parameter actors: Any actor system; nothing is called.
    /// - Returns: Their names, such as `place(_:by:)`; none for a contract that is whole.
    /// - Throws: What making a stub throws.
    public func forgotten(_ actors: ApusActorSystem) throws -> [String] {
        guard let stub = try stub(ActorID(service: name), actors) as? any DistributedActor else { return [] }
        return DistributedMethods.names(of: type(of: stub)).filter { index(ofTarget: $0) == nil }
    }

    /// Where the target that a stub calls is in ``targets``: `Module.$Orders.place(_:by:)` is `place(_:by:)` or `place`.
    func index(ofTarget description: String) -> Int? {
        let compound = description.split(separator: ".").last.map(String.init) ?? description
        if let exact = targets.firstIndex(where: { $0.name == compound }) { return exact }
        let base = String(compound.prefix { $0 != "(" })
        return targets.firstIndex { $0.name == base }
    }
}

/// What a contract lists.
public struct ContractParts<Handle: Sendable>: Sendable {
    var targets: [Target<Handle>] = []
    var failures: [Failure<Handle>] = []
}

/// Collects the targets and failures of a contract.
@resultBuilder
public enum ContractBuilder<Handle: Sendable> {
    /// A target of the contract.
    public static func buildExpression(_ target: Target<Handle>) -> ContractParts<Handle> {
        ContractParts(targets: [target])
    }
    /// An error of the contract.
    public static func buildExpression(_ failure: Failure<Handle>) -> ContractParts<Handle> {
        ContractParts(failures: [failure])
    }
    /// All of them.
    public static func buildBlock(_ parts: ContractParts<Handle>...) -> ContractParts<Handle> {
        ContractParts(targets: parts.flatMap(\.targets), failures: parts.flatMap(\.failures))
    }
}

/// An error that keeps its type on its way to the callers of a service.
public struct Failure<Handle: Sendable>: Sendable {
    let name: String
    let read: @Sendable (inout WireReader) throws -> any Error

    /// Lists an error by its wire name.
    public init<Listed: WireFailure>(_ type: Listed.Type) {
        name = type.wireName
        read = { reader in try reader.read(as: type) }
    }
}

/// Whether a call may be made twice.
public enum Repeatability: Sendable {
    /// Once is what the caller asked for: it is retried only where it was certainly not run.
    case once
    /// Twice does what once does: it is retried, within the budget, also where the connection broke underway.
    case idempotent
}

/// One distributed method of a service, by a name of our own.
public struct Target<Handle: Sendable>: Sendable {
    /// The method's base name, or its full name `place(_:by:)` where two share one.
    public let name: String
    /// Whether a call may be made twice.
    public let repeatability: Repeatability
    /// Reads the arguments, at once, and starts the call.
    let start: @Sendable (Handle, inout WireReader, Reply) throws -> Void

    /// A method with a result.
    public init<each Argument: Wire, Result: Wire>(
        _ name: String,
        _ repeatability: Repeatability = .once,
        call: @escaping @Sendable (Handle, repeat each Argument) async throws -> Result
    ) {
        self.name = name
        self.repeatability = repeatability
        start = { handle, reader, reply in
            let arguments = (repeat try reader.read(as: (each Argument).self))
            reply.run { try await call(handle, repeat each arguments) }
        }
    }

    /// A method without a result.
    public init<each Argument: Wire>(
        _ name: String,
        _ repeatability: Repeatability = .once,
        call: @escaping @Sendable (Handle, repeat each Argument) async throws -> Void
    ) {
        self.name = name
        self.repeatability = repeatability
        start = { handle, reader, reply in
            let arguments = (repeat try reader.read(as: (each Argument).self))
            reply.run {
                try await call(handle, repeat each arguments)
                return Nothing()
            }
        }
    }
}

/// The answer of a method without a result: no bytes.
struct Nothing: Wire {
    func write(into writer: inout WireWriter) {}
    init(from reader: inout WireReader) {}
    init() {}
}
