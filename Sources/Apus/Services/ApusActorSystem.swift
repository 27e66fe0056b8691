public import ApusCore
import ApusObserve
public import ApusRuntime
public import ApusWire
public import Distributed
import Glibc

// `@unchecked Sendable` is sound because its state is touched on its loop's thread alone; what may be called from
// elsewhere says so and goes to the loop first.

/// The actor system of one loop: which services it has, which it can reach, and how.
///
/// Services are distributed actors; a handle to one is `any Orders`. ``service(_:)`` decides once what that is: the
/// instance on this loop if the process has the service, so that a call is a plain actor call; else a stub that calls
/// over a connection. Instances are interchangeable, one a loop, and keep nothing between calls.
///
/// ```swift
/// try actors.offer(orders) { actors in
///     OrdersService(actorSystem: actors, inventory: try actors.service(inventory))
/// }
/// let handle = try actors.service(orders)
/// let receipt = try await handle.place(draft)
/// ```
public final class ApusActorSystem: DistributedActorSystem, @unchecked Sendable {
    /// Whom a call is for.
    public typealias ActorID = Apus.ActorID
    /// What arguments and results have to be.
    public typealias SerializationRequirement = any Wire

    /// The loop whose services these are.
    public let loop: EventLoop
    /// The bounds of calls between processes.
    public let settings: ServiceSettings
    /// What has happened so far.
    public internal(set) var counters = ServiceCounters()

    let userID = geteuid()
    var random: SeededRandom
    /// Where bytes are received; shared by the loop's connections, read before the next is received.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    private var offerings: [String: AnyOffering] = [:]
    private var failures: [String: (String, inout WireReader) throws -> (any Error)?] = [:]
    private var routers: [String: (String) -> (Int, String, Repeatability)?] = [:]
    private var routes: [UInt: [Route]] = [:]
    private var routeCount = 0
    private var peers: [String: Peers] = [:]
    private var directory = ServiceDirectory()
    private var dirtySockets: [FrameSocket] = []
    private var boxes: [WriterBox] = []
    var listeners: [ServiceListener] = []
    var callees: [ObjectIdentifier: CalleeConnection] = [:]
    var drainWaiters: [UnsafeContinuation<Void, Never>] = []
    private(set) var isDraining = false

    /// Set while a service is being made, so that its actor gets the service's id.
    @TaskLocal static var offered: ActorID?

    /// The actor system of `loop`.
    ///
    /// - Throws: `ConfigurationError` for settings out of range.
    public init(loop: EventLoop, settings: ServiceSettings = ServiceSettings(), seed: UInt64? = nil) throws {
        self.loop = loop
        self.settings = try settings.checked()
        random = SeededRandom(seed: seed ?? SecureRandom.number())
    }

    deinit { scratch.deallocate() }

    // MARK: Services

    /// Says that this loop has a service, and how its instance is made.
    ///
    /// The instance is made when it is first asked for, so services may be offered in any order.
    /// Only on the loop's own thread.
    public func offer<Handle>(
        _ contract: ServiceContract<Handle>,
        _ make: @escaping (ApusActorSystem) throws -> Handle
    ) {
        precondition(loop.isCurrent, "services are offered on their loop")
        precondition(offerings[contract.name] == nil, "service \(contract.name) is offered twice")
        learn(contract)
        offerings[contract.name] = Offering(contract, self, make)
    }

    /// Makes the instances of all services offered.
    ///
    /// - Throws: `ConfigurationError` for a contract that forgets a method; what the first instance that fails throws.
    public func start() throws {
        precondition(loop.isCurrent, "services start on their loop")
        for name in offerings.keys.sorted() { try offerings[name]?.make() }
    }

    /// A service: the instance on this loop if the process has it, else a stub that calls it.
    ///
    /// Only on the loop's own thread. A stub may be used from anywhere, at the price of a hop to the loop.
    ///
    /// - Throws: What making the instance throws.
    public func service<Handle>(_ contract: ServiceContract<Handle>) throws -> Handle {
        precondition(loop.isCurrent, "handles are made on their loop")
        if let offering = offerings[contract.name] {
            guard let offering = offering as? Offering<Handle> else {
                preconditionFailure("two contracts are named \(contract.name)")
            }
            return try offering.instance()
        }
        learn(contract)
        return try contract.stub(ActorID(service: contract.name), self)
    }

    /// Replaces what is known of where services are; from any thread.
    public func update(_ directory: ServiceDirectory) {
        let change: @Sendable () -> Void = {
            self.directory = directory
            for (service, peers) in self.peers { peers.replace(with: directory.services[service] ?? []) }
        }
        if loop.isCurrent { change() } else { loop.execute(change) }
    }

    private func learn<Handle>(_ contract: ServiceContract<Handle>) {
        guard routers[contract.name] == nil else { return }
        routers[contract.name] = { description in
            contract.index(ofTarget: description).map { index in
                (index, contract.targets[index].name, contract.targets[index].repeatability)
            }
        }
        failures[contract.name] = { name, reader in try contract.failures[name]?.read(&reader) }
    }

    func offering(_ service: String) -> AnyOffering? { offerings[service] }

    func failure(of service: String, named name: String, _ reader: inout WireReader) throws -> (any Error)? {
        try failures[service]?(name, &reader)
    }

    // MARK: Routes

    /// The way to a target of a service, found by the address of the stub's target name, which is a literal.
    func route(_ service: String, _ target: RemoteCallTarget) -> Route? {
        var identifier = target.identifier
        let key = identifier.withUTF8 { UInt(bitPattern: $0.baseAddress) }
        if let known = routes[key] {
            for route in known where route.service == service && route.identifier == identifier { return route }
        }
        guard let (_, name, repeatability) = routers[service]?(target.description) else { return nil }
        let route = Route(
            number: routeCount,
            service: service,
            target: name,
            identifier: identifier,
            repeatability: repeatability,
            peers: peers(of: service)
        )
        routeCount += 1
        routes[key, default: []].append(route)
        return route
    }

    private func peers(of service: String) -> Peers {
        if let known = peers[service] { return known }
        let made = Peers(service, system: self)
        peers[service] = made
        made.replace(with: directory.services[service] ?? [])
        return made
    }

    // MARK: Turns

    /// A connection has written something: it is sent at the end of the turn.
    func dirty(_ socket: FrameSocket) {
        dirtySockets.append(socket)
        if dirtySockets.count == 1 { loop.atTurnEnd { self.flush() } }
    }

    private func flush() {
        let sockets = dirtySockets
        dirtySockets.removeAll(keepingCapacity: true)
        for socket in sockets { socket.turnEnded() }
    }

    // MARK: Argument buffers

    func takeBox() -> WriterBox {
        guard loop.isCurrent, let box = boxes.popLast() else { return WriterBox() }
        return box
    }

    func giveBox(_ box: WriterBox) {
        guard loop.isCurrent, boxes.count < 256 else { return }
        box.writer.reset()
        boxes.append(box)
    }

    // MARK: Ending

    /// Takes no more calls, lets those that run finish, and returns when every caller has gone or at `deadline`.
    ///
    /// Callers are told, finish what they have here, and go on at other instances. Calls this process makes go on.
    public func drain(by deadline: Instant) async {
        precondition(loop.isCurrent, "a system drains on its loop")
        isDraining = true
        for listener in listeners { listener.close() }
        listeners = []
        for callee in callees.values { callee.drain() }
        guard !callees.isEmpty else { return }
        let timer = loop.schedule(at: deadline) { self.drained() }
        await withUnsafeContinuation { drainWaiters.append($0) }
        loop.cancel(timer)
    }

    /// Closes everything at once: calls under way fail, here and at the callers.
    public func close() {
        precondition(loop.isCurrent, "a system closes on its loop")
        isDraining = true
        for listener in listeners { listener.close() }
        listeners = []
        for callee in callees.values { callee.close("the system is closing") }
        for peers in peers.values { peers.close() }
        peers = [:]
        offerings = [:]
        routes = [:]
    }

    func ended(_ callee: CalleeConnection) {
        callees[ObjectIdentifier(callee)] = nil
        if callees.isEmpty { drained() }
    }

    private func drained() {
        let waiters = drainWaiters
        drainWaiters = []
        for waiter in waiters { waiter.resume() }
    }
}

/// What has happened on one loop's actor system.
public struct ServiceCounters: Sendable, Hashable {
    /// Calls made through stubs.
    public var callsMade: UInt64 = 0
    /// Calls made again.
    public var retries: UInt64 = 0
    /// Calls refused as callee: not offered, draining, overloaded, late or unreadable.
    public var callsRefused: UInt64 = 0
    /// Connections cut for what they sent or did not read.
    public var framesRefused: UInt64 = 0
    /// Connections refused: a stranger's, or one too many.
    public var strangersRefused: UInt64 = 0
    /// Times an endpoint was left alone for a while.
    public var ejections: UInt64 = 0
}

/// The way to one target of a service.
final class Route {
    /// What the target is called on this loop's connections.
    let number: Int
    let service: String
    let target: String
    let identifier: String
    let repeatability: Repeatability
    let peers: Peers
    let spanName: SpanName
    let instruments: CallInstruments

    init(
        number: Int,
        service: String,
        target: String,
        identifier: String,
        repeatability: Repeatability,
        peers: Peers
    ) {
        self.number = number
        self.service = service
        self.target = target
        self.identifier = identifier
        self.repeatability = repeatability
        self.peers = peers
        spanName = SpanName("\(service).\(target)")
        instruments = CallInstruments(service: service)
    }
}
