import ApusCore
import ApusRuntime
import ApusWire

/// The caller's end of a connection: calls out, answers in.
final class CallerConnection: FrameSocket, @unchecked Sendable {
    private let peer: Peer
    private var calls = CallSlab()
    private var defined: [Bool] = []
    private var inFlightMax: Int
    private(set) var isWelcomed = false
    /// The callee takes no more calls.
    private(set) var isLeaving = false

    init(_ channel: Channel, peer: Peer, system: ApusActorSystem) {
        self.peer = peer
        self.inFlightMax = system.settings.inFlightMax
        super.init(channel, system: system, isConnected: false, frameBytesMax: 4096)
        Hello(version: Hello.version, secret: system.settings.secret?.reveal() ?? "").write(into: &out)
        // Calls wait for the welcome: a callee that refuses the connection has certainly run none of them.
        sendableBytes = out.count
    }

    /// Calls under way.
    var inFlight: Int { calls.count }
    /// True where another call fits.
    var hasRoom: Bool {
        !isLeaving && !isClosed && calls.count < inFlightMax && unsentBytes < system.settings.unsentBytesMax
    }

    // MARK: Calls out

    /// Sends a call.
    ///
    /// - Returns: The call's number, or `nil` where the arguments exceed the frame limit.
    func begin(_ call: PendingCall, _ route: Route, _ head: CallHead, _ arguments: WriterBox, deadline: Instant)
        -> UInt64?
    {
        define(route)
        let start = writtenBytes
        let number = calls.begin(call, deadline: deadline.nanoseconds, start: start)
        let mark = out.openFrame(.call, number)
        head.write(into: &out)
        arguments.writer.withBytes { out.writeRaw($0) }
        guard out.count - mark <= system.settings.frameBytesMax else {
            out.abandonFrame(mark)
            _ = calls.end(number)
            return nil
        }
        out.closeFrame(mark)
        expect(by: deadline)
        markDirty()
        return number
    }

    private func define(_ route: Route) {
        if route.number < defined.count, defined[route.number] { return }
        while defined.count <= route.number { defined.append(false) }
        defined[route.number] = true
        let mark = out.openFrame(.define, UInt64(route.number))
        out.writeText(route.service)
        out.writeText(route.target)
        out.closeFrame(mark)
    }

    /// The caller has lost interest: it hears at once, the callee with the next frames.
    func cancel(_ number: UInt64) {
        guard let ended = calls.end(number) else { return }
        sendCancel(number)
        ended.call.fail(CancellationError())
        callEnded()
    }

    private func sendCancel(_ number: UInt64) {
        guard !isClosed else { return }
        let mark = out.openFrame(.cancel, number)
        out.closeFrame(mark)
        markDirty()
    }

    override func sweep(_ now: Instant) -> Instant {
        var earliest = Int64.max
        for ended in calls.endDue(now.nanoseconds, earliest: &earliest) {
            sendCancel(ended.number)
            let wasSent = sentBytes > ended.start
            ended.call.fail(CallError(.deadlineExceeded, wasSent: wasSent, detail: peer.service))
            if wasSent { peer.timedOut() }
            callEnded()
        }
        return Instant(nanoseconds: earliest)
    }

    // MARK: Answers in

    override func frameArrived(_ kind: FrameKind, _ number: UInt64, _ reader: inout WireReader) throws(FrameError) {
        if !isWelcomed, kind != .hello, kind != .goaway { throw FrameError(reason: "an answer before the welcome") }
        switch kind {
        case .hello: try welcomed(&reader)
        case .ok:
            // An answer nobody waits for any more is dropped.
            guard let ended = calls.end(number) else { return }
            peer.answered()
            ended.call.succeed(&reader)
            callEnded()
        case .error:
            guard let ended = calls.end(number) else { return }
            peer.answered()
            ended.call.fail(refusal(&reader))
            callEnded()
        case .goaway:
            peer.left()
            isLeaving = true
            if calls.count == 0 { close("the peer is leaving") }
        case .call, .define, .cancel: throw FrameError(reason: "a caller's frame from a callee")
        }
    }

    private func welcomed(_ reader: inout WireReader) throws(FrameError) {
        guard !isWelcomed else { throw FrameError(reason: "a second welcome") }
        guard let welcome = try? Welcome.read(&reader), welcome.inFlightMax > 0 else {
            throw FrameError(reason: "an unreadable welcome")
        }
        guard welcome.version == Hello.version else { throw FrameError(reason: "protocol version \(welcome.version)") }
        inFlightMax = min(inFlightMax, Int(clamping: welcome.inFlightMax))
        isWelcomed = true
        sendableBytes = .max
        markDirty()
        greeted(frameBytesMax: system.settings.frameBytesMax)
        peer.welcomed()
    }

    private func refusal(_ reader: inout WireReader) -> any Error {
        do {
            switch try Refusal.read(&reader) {
            case .failure(let name):
                guard let error = try system.failure(of: peer.service, named: name, &reader) else {
                    return RemoteFailure(service: peer.service, type: name)
                }
                return error
            case .unnamed(let type): return RemoteFailure(service: peer.service, type: type)
            case .call(let code, let detail):
                let wasRun = code != .draining && code != .overloaded && code != .notOffered
                return CallError(code, wasSent: wasRun, detail: detail)
            }
        } catch {
            return CallError(.unreadable, wasSent: true, detail: "the error of \(peer.service)", cause: error)
        }
    }

    private func callEnded() {
        peer.callEnded()
        if isLeaving, calls.count == 0, !isClosed { close("the peer is leaving") }
    }

    override func closed(_ reason: String) {
        peer.lost(self, wasWelcomed: isWelcomed)
        for ended in calls.endAll() {
            let wasSent = sentBytes > ended.start
            ended.call.fail(CallError(.peerLost, wasSent: wasSent, detail: "\(peer.service): \(reason)"))
            peer.callEnded()
        }
    }

    /// No more calls come: closes now, or with the last answer.
    func leave() {
        isLeaving = true
        if calls.count == 0 { close("no longer a member") }
    }
}
