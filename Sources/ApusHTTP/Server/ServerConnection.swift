import ApusCore
import ApusObserve
import ApusRuntime

/// How far an answer has come.
enum AnswerStage: UInt8 {
    /// Nothing yet.
    case none
    /// All of it is in the output buffer or sent.
    case complete
    /// Its head went out, and its body is written in parts.
    case streaming
}

/// One client connection, without its task: what arrived, what is being answered, what is still to be sent.
///
/// Trivial and in raw memory, so that serving a request touches no reference count. Its methods are the steps of the
/// protocol; they do the I/O that does not block, and the task that owns the connection awaits where one says so.
struct ServerConnection {
    let channel: Channel
    let worker: Unmanaged<ServerWorker>
    var workspace: UnsafeMutablePointer<Workspace>?
    var parser: RequestParser
    var head = RequestHead()
    var body = BodyReader()
    /// Where unread input lies behind the head, as an offset into the workspace's input.
    var cursor = 0
    /// Counts requests, so that an ``Exchange`` kept past its handler is noticed.
    var generation: UInt32 = 0
    var stage = AnswerStage.none
    var status = Status.ok
    var keepAlive = true
    var isDraining = false
    /// The answer's body goes out in chunks.
    var isChunked = false
    /// Body bytes of the answer so far, and how many its `Content-Length` promised.
    var answerBytes = 0
    var answerLength = -1
    var continueWanted = false
    var route = Int32(-1)
    /// The path's parameters, as offsets into the path.
    var match = RouteMatch()
    /// Largest request body, in bytes.
    var bodyBytesMax = 0
    var begun = Instant(nanoseconds: 0)
    var span = Span.none
    var peer: UInt32 = 0
    /// Links of the worker's list of connections.
    var previous: UnsafeMutablePointer<ServerConnection>?
    var next: UnsafeMutablePointer<ServerConnection>?

    init(channel: Channel, worker: ServerWorker) {
        self.channel = channel
        self.worker = .passUnretained(worker)
        parser = RequestParser(limits: worker.configuration.head)
        peer = channel.peerAddress
    }
}

/// What the task that owns a connection does next.
enum ReceiveStep {
    /// A whole head is there.
    case request
    /// Wait for more bytes.
    case wait
    /// The bytes are no request: answer with the error's status and close.
    case refuse(ParseError)
    /// The client has gone.
    case closed
}

extension UnsafeMutablePointer<ServerConnection> {
    var workspaceInUse: UnsafeMutablePointer<Workspace> {
        guard let workspace = pointee.workspace else { preconditionFailure("a request at work has a workspace") }
        return workspace
    }

    /// The request's head as it came.
    var headBytes: UnsafeRawBufferPointer {
        let workspace = workspaceInUse
        return UnsafeRawBufferPointer(
            start: workspace.pointee.input + workspace.pointee.inputStart,
            count: Int(pointee.head.headBytes)
        )
    }

    /// Reads and parses until a head is whole, without waiting.
    func receiveHead() -> ReceiveStep {
        if pointee.workspace == nil {
            guard pointee.channel.isReadReady else { return .wait }
            pointee.workspace = pointee.worker._withUnsafeGuaranteedRef { $0.workspaces.pointee.take() }
        }
        let workspace = workspaceInUse
        while true {
            if workspace.pointee.inputEnd > workspace.pointee.inputStart {
                do throws(ParseError) {
                    let progress = try pointee.parser.parse(
                        workspace.pointee.unread,
                        head: &pointee.head,
                        table: workspace.pointee.table
                    )
                    if case .complete = progress {
                        beginRequest()
                        return .request
                    }
                } catch { return .refuse(error) }
            }
            guard workspace.pointee.makeRoom(atMost: 64 << 10) else { return .refuse(ParseError(.headTooLarge)) }
            switch pointee.channel.receive(into: workspace.pointee.room) {
            case .bytes(let count):
                if workspace.pointee.inputEnd == workspace.pointee.inputStart {
                    pointee.begun = pointee.worker._withUnsafeGuaranteedRef { $0.loop.now }
                }
                workspace.pointee.inputEnd += count
            case .wouldBlock:
                if workspace.pointee.inputEnd == workspace.pointee.inputStart { releaseWorkspace() }
                return .wait
            case .end, .failed:
                return .closed
            }
        }
    }

    /// True when a part of a head has arrived, so that the time-out is the head's and not the idle one.
    var isInHead: Bool { pointee.workspace != nil }

    /// Until when the next bytes must come: the head's limit since its first byte, or the idle limit from now.
    var readDeadline: Instant {
        let begun = pointee.begun.nanoseconds
        return pointee.worker._withUnsafeGuaranteedRef { worker in
            Instant(
                nanoseconds: isInHead ? begun &+ worker.headLimit : worker.loop.now.nanoseconds &+ worker.idleLimit
            )
        }
    }

    private func beginRequest() {
        pointee.generation &+= 1
        pointee.stage = .none
        pointee.status = .ok
        pointee.keepAlive = pointee.head.keepAlive && !pointee.isDraining
        pointee.isChunked = false
        pointee.answerBytes = 0
        pointee.answerLength = -1
        pointee.continueWanted = pointee.head.expectsContinue
        pointee.route = -1
        pointee.bodyBytesMax = pointee.worker._withUnsafeGuaranteedRef { $0.configuration.bodyBytesMax }
        pointee.cursor = workspaceInUse.pointee.inputStart + Int(pointee.head.headBytes)
        pointee.body.begin(pointee.head.framing)
    }

    func releaseWorkspace() {
        guard let workspace = pointee.workspace else { return }
        pointee.workspace = nil
        pointee.worker._withUnsafeGuaranteedRef { $0.workspaces.pointee.give(workspace) }
    }

    /// Lets go of the request's head and makes ready for the next, which may have arrived already.
    func endRequest() {
        let workspace = workspaceInUse
        pointee.generation &+= 1
        workspace.pointee.inputStart = pointee.cursor
        if workspace.pointee.inputStart == workspace.pointee.inputEnd {
            releaseWorkspace()
        } else {
            pointee.begun = pointee.worker._withUnsafeGuaranteedRef { $0.loop.now }
        }
        pointee.parser.reset()
    }

    /// What a step through the request's body came to.
    enum BodyStep {
        /// Body bytes, good until the next step.
        case part(UnsafeRawBufferPointer)
        case end
        case wait
        case malformed(ParseError)
        case closed
    }

    /// Reads the next part of the request's body, without waiting.
    ///
    /// The head stays where it is.
    func receiveBody() -> BodyStep {
        let workspace = workspaceInUse
        let bodyStart = workspace.pointee.inputStart + Int(pointee.head.headBytes)
        while true {
            let input = UnsafeRawBufferPointer(start: workspace.pointee.input, count: workspace.pointee.inputEnd)
            do throws(ParseError) {
                switch try pointee.body.next(input, at: &pointee.cursor) {
                case .bytes(let range): return .part(UnsafeRawBufferPointer(rebasing: input[range]))
                case .end: return .end
                case .needMore: break
                }
            } catch { return .malformed(error) }
            // Everything read so far has been handed out, so its place is free again.
            workspace.pointee.inputEnd = bodyStart
            pointee.cursor = bodyStart
            guard workspace.pointee.inputCapacity - bodyStart >= 1024 || workspace.pointee.grow() else {
                return .malformed(ParseError(.headTooLarge))
            }
            switch pointee.channel.receive(into: workspace.pointee.room) {
            case .bytes(let count): workspace.pointee.inputEnd += count
            case .wouldBlock: return .wait
            case .end, .failed: return .closed
            }
        }
    }

    /// What a flush came to.
    enum FlushStep { case done, wait, lost }

    /// Sends what is in the output buffer, as far as the kernel takes it.
    func flush() -> FlushStep {
        let workspace = workspaceInUse
        while workspace.pointee.sent < workspace.pointee.output.pointee.count {
            switch pointee.channel.send(workspace.pointee.pending) {
            case .bytes(let count): workspace.pointee.sent += count
            case .wouldBlock: return .wait
            case .end, .failed: return .lost
            }
        }
        workspace.pointee.sent = 0
        workspace.pointee.output.pointee.removeAll()
        return .done
    }
}
