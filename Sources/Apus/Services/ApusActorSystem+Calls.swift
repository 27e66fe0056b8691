import ApusCore
import ApusObserve
import ApusRuntime
public import ApusWire
public import Distributed

extension ApusActorSystem {
    /// No local actor hides behind a remote id: ``service(_:)`` has decided that before.
    public func resolve<Act: DistributedActor>(id: ActorID, as actorType: Act.Type) throws -> Act?
    where Act.ID == ActorID {
        nil
    }

    /// The id of an actor that is being made: its service's, or one that nobody else can call.
    public func assignID<Act: DistributedActor>(_ actorType: Act.Type) -> ActorID where Act.ID == ActorID {
        ApusActorSystem.offered ?? ActorID(service: "", identity: String(describing: actorType))
    }

    /// Nothing to do: an instance is reached through its service.
    public func actorReady<Act: DistributedActor>(_ actor: Act) where Act.ID == ActorID {}

    /// Nothing to do.
    public func resignID(_ id: ActorID) {}

    /// Where a stub writes the arguments of a call.
    public func makeInvocationEncoder() -> InvocationEncoder { InvocationEncoder(takeBox()) }

    /// Makes a call through a stub.
    ///
    /// - Throws: ``CallError``, a ``WireFailure`` of the service, ``RemoteFailure`` or `CancellationError`.
    public func remoteCall<Act: DistributedActor, Err: Error, Res: Wire>(
        on actor: Act,
        target: RemoteCallTarget,
        invocation: inout InvocationEncoder,
        throwing: Err.Type,
        returning: Res.Type
    ) async throws -> Res where Act.ID == ActorID {
        let outgoing = OutgoingCall(id: actor.id, target: target, box: invocation.box)
        if loop.isCurrent { return try await call(outgoing) }
        return try await withTaskExecutorPreference(loop) { try await callFromElsewhere(outgoing) }
    }

    /// Makes a call without a result through a stub.
    ///
    /// - Throws: As ``remoteCall(on:target:invocation:throwing:returning:)``.
    public func remoteCallVoid<Act: DistributedActor, Err: Error>(
        on actor: Act,
        target: RemoteCallTarget,
        invocation: inout InvocationEncoder,
        throwing: Err.Type
    ) async throws where Act.ID == ActorID {
        _ = try await remoteCall(
            on: actor,
            target: target,
            invocation: &invocation,
            throwing: throwing,
            returning: Nothing.self
        )
    }

    /// Never called: calls arrive through the contract's table, see ``Target``.
    public func invokeHandlerOnReturn(
        handler: ResultHandler,
        resultBuffer: UnsafeRawPointer,
        metatype: any Any.Type
    ) async throws {
        throw CallError(.notOffered)
    }

    // MARK: The call

    @concurrent
    private func callFromElsewhere<Res: Wire>(_ outgoing: OutgoingCall) async throws -> Res {
        try await call(outgoing)
    }

    /// Tries instances until one answers, the deadline comes, or trying again is not safe or not affordable.
    private func call<Res: Wire>(_ outgoing: OutgoingCall) async throws -> Res {
        precondition(loop.isCurrent, "calls are made on the system's loop")
        defer { giveBox(outgoing.box) }
        guard let route = route(outgoing.id.service, outgoing.target) else {
            throw CallError(.notOffered, detail: "the contract of \(outgoing.id.service) lists no \(outgoing.target)")
        }
        let deadline = CallContext.current.deadline ?? (loop.now + settings.callTimeout)
        route.peers.budget.called()
        counters.callsMade += 1
        let parent = Trace.current
        let began = loop.preciseNow()
        let span = Tracer.process.begin(route.spanName, kind: .client, under: parent, at: began)
        defer {
            let ended = loop.preciseNow()
            route.instruments.times.record((ended - began).nanoseconds)
            Tracer.process.finish(span, at: ended)
        }
        do {
            return try await call(outgoing, route, span.context, deadline)
        } catch {
            span.fail(error)
            route.instruments.failures.increment()
            throw error
        }
    }

    private func call<Res: Wire>(
        _ outgoing: OutgoingCall,
        _ route: Route,
        _ trace: TraceContext,
        _ deadline: Instant
    ) async throws -> Res {
        var avoided: Peer?
        while true {
            do {
                return try await attempt(outgoing, route, trace, deadline, &avoided)
            } catch let error as CallError {
                let mayRepeat = error.wasNotRun || (route.repeatability == .idempotent && error.code == .peerLost)
                guard mayRepeat, loop.now < deadline, !Task.isCancelled else { throw error }
                // A call that nobody has begun to work on costs nobody anything when it goes elsewhere.
                guard error.isFree || route.peers.budget.take(now: loop.now) else { throw error }
                counters.retries += 1
                route.instruments.retries.increment()
            }
        }
    }

    private func attempt<Res: Wire>(
        _ outgoing: OutgoingCall,
        _ route: Route,
        _ trace: TraceContext,
        _ deadline: Instant,
        _ avoided: inout Peer?
    ) async throws -> Res {
        let (peer, connection) = try await reach(route, deadline, avoiding: avoided)
        avoided = peer
        let remaining = deadline - loop.now
        let head = CallHead(
            target: UInt64(route.number),
            identity: outgoing.id.identity,
            remaining: UInt64(max(1, remaining.nanoseconds)),
            trace: trace
        )
        let ticket = CallTicket(connection)
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                let call = TypedCall<Res>(continuation)
                ticket.number = connection.begin(call, route, head, outgoing.box, deadline: deadline)
                if ticket.number == nil {
                    let size = "\(outgoing.box.writer.count) B of arguments"
                    continuation.resume(
                        throwing: CallError(.tooLarge, detail: "\(route.service).\(route.target): \(size)")
                    )
                }
            }
        } onCancel: {
            connection.loop.execute { ticket.cancel() }
        }
    }

    /// A connection with room, waited for until the deadline.
    private func reach(
        _ route: Route,
        _ deadline: Instant,
        avoiding avoided: Peer?
    ) async throws -> (Peer, CallerConnection) {
        while true {
            try Task.checkCancellation()
            let now = loop.now
            while let peer = route.peers.pick(now, avoiding: avoided) {
                if let connection = peer.connected(now) { return (peer, connection) }
            }
            guard now < deadline, await route.peers.wait(until: deadline) else {
                try Task.checkCancellation()
                let code: CallError.Code = route.peers.hasMembersWithoutRoom ? .overloaded : .unreachable
                throw CallError(code, detail: "\(route.service).\(route.target)")
            }
        }
    }
}

/// A call on its way out.
//
// `@unchecked Sendable` is sound because it is made by one task and handed to the loop once, before anything else
// uses it; `RemoteCallTarget` is an immutable string.
struct OutgoingCall: @unchecked Sendable {
    let id: ActorID
    let target: RemoteCallTarget
    let box: WriterBox
}

/// What a cancelled caller shows to have its call taken back.
//
// `@unchecked Sendable` is sound because `number` is written and read on the connection's loop alone.
private final class CallTicket: @unchecked Sendable {
    private let connection: CallerConnection
    var number: UInt64?

    init(_ connection: CallerConnection) { self.connection = connection }

    func cancel() {
        if let number { connection.cancel(number) }
    }
}

/// A buffer for the arguments of one call.
//
// `@unchecked Sendable` is sound because a call has it to itself, from its encoder to its end.
final class WriterBox: @unchecked Sendable {
    var writer = WireWriter(capacity: 512)
}
