import ApusCore
import ApusWire

/// A service that this loop has an instance of, or makes one of when it is first needed.
class AnyOffering {
    let name: String
    init(name: String) { self.name = name }
    /// Where a target is, by its wire name.
    func index(of target: String) -> Int? { nil }
    /// Reads a call's arguments and starts it.
    func start(_ target: Int, _ reader: inout WireReader, _ reply: Reply) throws {}
    /// Makes the instance if there is none yet.
    func make() throws {}
}

final class Offering<Handle: Sendable>: AnyOffering {
    private let contract: ServiceContract<Handle>
    private let factory: (ApusActorSystem) throws -> Handle
    private unowned let system: ApusActorSystem
    private var handle: Handle?
    private var isMaking = false

    init(
        _ contract: ServiceContract<Handle>,
        _ system: ApusActorSystem,
        _ factory: @escaping (ApusActorSystem) throws -> Handle
    ) {
        self.contract = contract
        self.system = system
        self.factory = factory
        super.init(name: contract.name)
    }

    /// The instance of this loop.
    func instance() throws -> Handle {
        if let handle { return handle }
        precondition(!isMaking, "service \(name) needs, through others, itself: break the circle")
        isMaking = true
        defer { isMaking = false }
        let made = try ApusActorSystem.$offered.withValue(ActorID(service: name)) { try factory(system) }
        handle = made
        return made
    }

    override func make() throws {
        let forgotten = try contract.forgotten(system)
        guard forgotten.isEmpty else {
            throw ConfigurationError(
                field: "the contract of \(name)",
                value: "without \(forgotten.joined(separator: ", "))",
                accepted: "a Target for each distributed method"
            )
        }
        _ = try instance()
    }

    override func index(of target: String) -> Int? { contract.targets.firstIndex { $0.name == target } }

    override func start(_ target: Int, _ reader: inout WireReader, _ reply: Reply) throws {
        try contract.targets[target].start(try instance(), &reader, reply)
    }
}
