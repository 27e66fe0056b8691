import ApusCore
import ApusObserve
import ApusRuntime
import ApusWire

/// The callee's end of a connection: calls in, answers out.
///
/// Nothing the other side says is believed: frames before its greeting are small, targets and calls have a bound,
/// a number used twice ends the connection, and a peer that does not read its answers is cut off.
final class CalleeConnection: FrameSocket, @unchecked Sendable {
    private struct Running {
        var task: Task<Void, Never>?
        var deadline: Int64
    }
    private struct Offered {
        let offering: AnyOffering?
        let target: Int?
        let name: String
        let spanName: SpanName
        let instruments: AnswerInstruments?
    }
    static let targetsMax = 4096
    static let nameBytesMax = 256

    private let mustProve: Bool
    private var isGreeted = false
    private var isDraining = false
    private var targets: [UInt64: Offered] = [:]
    private var running: [UInt64: Running] = [:]

    /// The end of a connection that was accepted; with `mustProve` the peer has to say the secret.
    init(_ channel: Channel, mustProve: Bool, system: ApusActorSystem) {
        self.mustProve = mustProve
        super.init(channel, system: system, isConnected: true, frameBytesMax: 1024)
    }

    /// Calls under way.
    var runningCount: Int { running.count }

    override func frameArrived(_ kind: FrameKind, _ number: UInt64, _ reader: inout WireReader) throws(FrameError) {
        guard isGreeted else {
            guard kind == .hello else { throw FrameError(reason: "a frame before hello") }
            return try greet(&reader)
        }
        switch kind {
        case .call: try called(number, &reader)
        case .define: try defined(number, &reader)
        case .cancel:
            running.removeValue(forKey: number)?.task?.cancel()
        case .hello, .ok, .error, .goaway: throw FrameError(reason: "a callee's frame from a caller")
        }
    }

    private func greet(_ reader: inout WireReader) throws(FrameError) {
        guard let hello = try? Hello.read(&reader) else { throw FrameError(reason: "an unreadable hello") }
        if mustProve {
            guard let secret = system.settings.secret, secret.matches(hello.secret) else {
                throw FrameError(reason: "a wrong secret")
            }
        }
        isGreeted = true
        greeted(frameBytesMax: system.settings.frameBytesMax)
        Welcome(version: Hello.version, inFlightMax: UInt64(system.settings.inFlightMax)).write(into: &out)
        if hello.version != Hello.version { goAway() }
        if isDraining { goAway() }
        markDirty()
    }

    private func defined(_ number: UInt64, _ reader: inout WireReader) throws(FrameError) {
        guard targets.count < Self.targetsMax, targets[number] == nil else {
            throw FrameError(reason: "a target defined twice, or too many")
        }
        guard let service = try? reader.readText(), let target = try? reader.readText(),
            service.utf8.count + target.utf8.count <= Self.nameBytesMax
        else { throw FrameError(reason: "an unreadable target") }
        let offering = system.offering(service)
        let index = offering?.index(of: target)
        let name = "\(service).\(target)"
        // Only names of our own are kept for the life of the process, not those a peer makes up.
        let spanName = index == nil ? "unknown target" : SpanName(name)
        targets[number] = Offered(
            offering: offering,
            target: index,
            name: name,
            spanName: spanName,
            instruments: index == nil ? nil : AnswerInstruments(service: service, method: target)
        )
    }

    private func called(_ number: UInt64, _ reader: inout WireReader) throws(FrameError) {
        guard let head = try? CallHead.read(&reader) else { throw FrameError(reason: "an unreadable call") }
        guard running[number] == nil else { throw FrameError(reason: "a call's number used twice") }
        guard let offered = targets[head.target] else { throw FrameError(reason: "a call to an undefined target") }
        guard let offering = offered.offering, let target = offered.target, head.identity.isEmpty else {
            return refuse(number, .notOffered, offered.name)
        }
        if isDraining { return refuse(number, .draining, offered.name) }
        if running.count >= system.settings.inFlightMax { return refuse(number, .overloaded, offered.name) }
        var context = CallContext()
        if head.remaining > 0 {
            context.deadline = loop.now + .nanoseconds(Int64(clamping: head.remaining))
        }
        let deadline = context.deadline ?? .distantFuture
        running[number] = Running(deadline: deadline.nanoseconds)
        var reply = Reply(connection: self, number: number, context: context, began: loop.now)
        reply.instruments = offered.instruments
        if head.trace.isValid {
            reply.span = Tracer.process.begin(offered.spanName, kind: .server, parent: head.trace, at: loop.now)
        }
        do {
            try offering.start(target, &reader, reply)
        } catch let error as WireError {
            reply.abandon(error)
            running[number] = nil
            return refuse(number, .unreadable, "\(offered.name): \(error)")
        } catch {
            reply.abandon(error)
            running[number] = nil
            return refuse(number, .notOffered, offered.name)
        }
        expect(by: deadline)
    }

    // MARK: Answers

    /// A call's task, so that it can be cancelled; nothing where it has ended at once.
    func started(_ number: UInt64, _ task: Task<Void, Never>) { running[number]?.task = task }

    /// A call has an answer.
    ///
    /// One that nobody waits for any more is dropped.
    func finish(_ number: UInt64, _ result: some Wire) {
        guard running.removeValue(forKey: number) != nil, !isClosed else { return }
        let mark = out.openFrame(.ok, number)
        do {
            try result.write(into: &out)
        } catch {
            out.abandonFrame(mark)
            return refuse(number, .unreadable, "the answer: \(error)")
        }
        guard out.count - mark <= system.settings.frameBytesMax else {
            out.abandonFrame(mark)
            return refuse(number, .tooLarge, "an answer above \(system.settings.frameBytesMax) B")
        }
        out.closeFrame(mark)
        written()
    }

    /// A call has failed.
    func fail(_ number: UInt64, _ error: any Error) {
        guard running.removeValue(forKey: number) != nil, !isClosed else { return }
        let mark = out.openFrame(.error, number)
        if let failure = error as? any WireFailure, write(failure, mark) { return written() }
        out.abandonFrame(mark)
        let unnamed = out.openFrame(.error, number)
        Refusal.unnamed(type: Self.typeName(error)).write(into: &out)
        out.closeFrame(unnamed)
        written()
    }

    private func write(_ failure: some WireFailure, _ mark: Int) -> Bool {
        Refusal.failure(name: type(of: failure).wireName).write(into: &out)
        do { try failure.write(into: &out) } catch { return false }
        guard out.count - mark <= system.settings.frameBytesMax else { return false }
        out.closeFrame(mark)
        return true
    }

    /// The type's name, and the code of our own errors; never what the error says.
    private static func typeName(_ error: any Error) -> String {
        if let error = error as? CallError { return "CallError.\(error.code)" }
        return String(describing: type(of: error))
    }

    private func refuse(_ number: UInt64, _ code: CallError.Code, _ detail: String) {
        let mark = out.openFrame(.error, number)
        Refusal.call(code, detail: detail).write(into: &out)
        out.closeFrame(mark)
        system.counters.callsRefused += 1
        written()
    }

    private func written() {
        if unsentBytes > system.settings.unsentBytesMax {
            system.counters.framesRefused += 1
            return close("the peer does not read", abort: true)
        }
        markDirty()
    }

    override func sweep(_ now: Instant) -> Instant {
        var earliest = Int64.max
        for (number, call) in running {
            guard call.deadline <= now.nanoseconds else {
                earliest = min(earliest, call.deadline)
                continue
            }
            running[number] = nil
            call.task?.cancel()
            refuse(number, .deadlineExceeded, "at the callee")
        }
        return Instant(nanoseconds: earliest)
    }

    // MARK: Ending

    /// Takes no more calls; those that run, finish.
    ///
    /// The caller closes the connection after its last answer.
    func drain() {
        guard !isDraining else { return }
        isDraining = true
        if isGreeted { goAway() } else { close("draining") }
    }

    private func goAway() {
        let mark = out.openFrame(.goaway, 0)
        out.closeFrame(mark)
        markDirty()
    }

    override func closed(_ reason: String) {
        for call in running.values { call.task?.cancel() }
        running = [:]
        targets = [:]
        system.ended(self)
    }
}

/// Where the answer of one call goes.
//
// `@unchecked Sendable` is sound because the connection is touched on its loop alone: the call's task prefers the
// loop, and comes back to it before it answers.
struct Reply: @unchecked Sendable {
    let connection: CalleeConnection
    let number: UInt64
    let context: CallContext
    /// When the call arrived.
    let began: Instant
    /// Where it is measured.
    var instruments: AnswerInstruments?
    /// What the callee does for the caller's trace; `nil` where there is none.
    var span: Span?

    /// The call was never started.
    func abandon(_ error: any Error) {
        guard let span else { return }
        span.fail(error)
        Tracer.process.finish(span, at: connection.loop.preciseNow())
    }

    /// Runs a call in a task of its own and sends what comes of it.
    func run<Result: Wire>(_ body: @escaping @Sendable () async throws -> Result) {
        let task = Task.immediate(executorPreference: connection.loop) {
            do {
                let result = try await CallContext.$current.withValue(context) {
                    guard let span else { return try await body() }
                    return try await Trace.$current.withValue(span) { try await body() }
                }
                connection.finish(number, result)
            } catch {
                span?.fail(error)
                instruments?.failures.increment()
                connection.fail(number, error)
            }
            let ended = connection.loop.preciseNow()
            instruments?.times.record((ended - began).nanoseconds)
            if let span { Tracer.process.finish(span, at: ended) }
        }
        connection.started(number, task)
    }
}
