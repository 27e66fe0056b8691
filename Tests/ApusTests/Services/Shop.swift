import Apus
import ApusCore
import ApusObserve
import ApusRuntime
import ApusWire
import Distributed

/// What the tests of this folder call: a service with every kind of method.
@Resolvable
protocol Desk: ServiceActor {
    distributed func add(_ left: Int, _ right: Int) async throws -> Int
    distributed func place(_ draft: Draft) async throws -> Slip
    distributed func place(_ draft: Draft, by clerk: String?) async throws -> Slip
    distributed func nothing() async throws
    distributed func refuse(sku: String) async throws
    distributed func crash() async throws
    distributed func hang() async throws
    distributed func context() async throws -> Seen
    distributed func echo(_ bytes: [UInt8]) async throws -> [UInt8]
    distributed func once() async throws -> Int
}

struct Draft: Wire, Equatable {
    var customer: String
    var lines: [Line]
    var note: String?

    struct Line: Codable, Equatable, Sendable {
        var sku: String
        var quantity: Int
        var pence: Int
    }

    static func sample(lines: Int = 10) -> Draft {
        Draft(
            customer: "17850",
            lines: (0..<lines).map { Line(sku: "SKU-8512\($0)", quantity: $0 + 1, pence: 255 * $0) }
        )
    }
}

struct Slip: Wire, Equatable {
    var number: Int
    var pence: Int
    var by: String?
}

struct Seen: Wire, Equatable {
    var remaining: Int64?
    var traceLow: UInt64?
    var span: UInt64?
}

struct OutOfStock: WireFailure, Equatable {
    static let wireName = "OutOfStock"
    var sku: String
}

struct Secretive: Error { let password = "hunter2" }

distributed actor DeskService: Desk {
    let events: Events

    init(actorSystem: ApusActorSystem, events: Events) {
        self.actorSystem = actorSystem
        self.events = events
    }

    distributed func add(_ left: Int, _ right: Int) -> Int {
        events.note("add")
        return left + right
    }
    distributed func place(_ draft: Draft) -> Slip {
        Slip(number: draft.lines.count, pence: draft.lines.reduce(0) { $0 + $1.quantity * $1.pence })
    }
    distributed func place(_ draft: Draft, by clerk: String?) -> Slip {
        Slip(number: draft.lines.count, pence: 0, by: clerk)
    }
    distributed func nothing() { events.note("nothing") }
    distributed func refuse(sku: String) throws { throw OutOfStock(sku: sku) }
    distributed func crash() throws { throw Secretive() }
    distributed func hang() async throws {
        events.note("hanging")
        do {
            try await actorSystem.loop.sleep(for: .seconds(600))
        } catch {
            events.note("cancelled")
            throw error
        }
    }
    distributed func context() -> Seen {
        let context = CallContext.current
        return Seen(
            remaining: context.deadline.map { ($0 - actorSystem.loop.now).nanoseconds },
            traceLow: Trace.current.context.traceLow,
            span: Trace.current.context.spanID
        )
    }
    distributed func echo(_ bytes: [UInt8]) -> [UInt8] { bytes }
    distributed func once() async throws -> Int {
        events.note("once")
        try await actorSystem.loop.sleep(for: .seconds(600))
        return 1
    }
}

let desk = ServiceContract<any Desk>("desk", stub: $Desk.resolve(id:using:)) {
    Target("add", .idempotent) { try await $0.add($1, $2) }
    Target("place(_:)") { try await $0.place($1) }
    Target("place(_:by:)") { try await $0.place($1, by: $2) }
    Target("nothing") { try await $0.nothing() }
    Target("refuse") { try await $0.refuse(sku: $1) }
    Target("crash") { try await $0.crash() }
    Target("hang") { try await $0.hang() }
    Target("context") { try await $0.context() }
    Target("echo", .idempotent) { try await $0.echo($1) }
    Target("once") { try await $0.once() }
    Failure(OutOfStock.self)
}

/// A service whose contract forgets two methods.
@Resolvable
protocol Forgetful: ServiceActor {
    distributed func listed() async throws -> Int
    distributed func unlisted() async throws -> Int
    distributed func missing(_ count: Int, from place: String) async throws
}

distributed actor ForgetfulService: Forgetful {
    typealias ActorSystem = ApusActorSystem
    distributed func listed() -> Int { 1 }
    distributed func unlisted() -> Int { 2 }
    distributed func missing(_ count: Int, from place: String) {}
}

let forgetful = ServiceContract<any Forgetful>("forgetful", stub: $Forgetful.resolve(id:using:)) {
    Target("listed") { try await $0.listed() }
}

/// What happened, in order, and a way to wait for it.
final class Events: Sendable {
    struct State {
        var seen: [String] = []
        var waiting: [(String, Int, CheckedContinuation<Void, Never>)] = []
    }
    private let state = Lock(State())

    func note(_ event: String) {
        let due = state.withLock { state in
            state.seen.append(event)
            let due = state.waiting.filter { waiter in state.seen.count { $0 == waiter.0 } >= waiter.1 }
            state.waiting.removeAll { waiter in state.seen.count { $0 == waiter.0 } >= waiter.1 }
            return due.map(\.2)
        }
        for continuation in due { continuation.resume() }
    }

    func count(_ event: String) -> Int { state.withLock { $0.seen.count { $0 == event } } }

    /// Waits until `event` has happened `times` times.
    func happened(_ event: String, times: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isDue = state.withLock { state in
                if state.seen.count(where: { $0 == event }) >= times { return true }
                state.waiting.append((event, times, continuation))
                return false
            }
            if isDue { continuation.resume() }
        }
    }
}
