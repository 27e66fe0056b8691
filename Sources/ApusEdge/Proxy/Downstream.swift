import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime

/// Where a client connection is.
enum DownstreamPhase: UInt8 {
    /// Waits for a head, or for the rest of one.
    case head
    /// A request is with a replica.
    case exchange
    /// The answer is out, and the client is given time to read it before the connection ends.
    case lingering
    case closed
}

/// One client connection, with the request it is at.
///
/// In raw memory and touched by its loop alone; steps of the protocol are methods of ``EdgeWorker``.
struct Downstream {
    let channel: Channel
    let worker: Unmanaged<EdgeWorker>
    var phase = DownstreamPhase.head
    /// Bytes of the client that nobody has taken yet: a part of a head, or requests sent ahead.
    var input: Block?
    /// The request as it goes to the replica, kept so that it can be sent again.
    var request: Block?
    /// How much of it has been sent.
    var requestSent = 0
    /// The request block still holds everything from the request's first byte.
    var isReplayable = true
    /// What the client has not taken yet of the answer.
    var output: Block?
    var upstream: UnsafeMutablePointer<Upstream>?
    var head = RequestHead()
    /// Where request line parts lie in the request block, for the log.
    var target = HeadRange.empty
    var methodText = HeadRange.empty
    var requestID = HeadRange.empty
    var body = BodyReader()
    var begun = Instant(nanoseconds: 0)
    var keepAlive = true
    var status = 0
    var answerBytes = 0
    /// The head of the answer has gone to the client.
    var isAnswering = false
    var isRepeated = false
    var connectAttempts = 0
    var clientEnded = false
    var isDraining = false
    var span = Span.none
    var peer: UInt32
    var previous: UnsafeMutablePointer<Downstream>?
    var next: UnsafeMutablePointer<Downstream>?

    init(channel: Channel, worker: EdgeWorker) {
        self.channel = channel
        self.worker = .passUnretained(worker)
        peer = channel.peerAddress
    }
}

/// Where a connection to a replica is.
enum UpstreamPhase: UInt8 {
    case connecting
    /// Waits for a request, in its replica's list.
    case idle
    /// A request is on its way or answered in part.
    case busy
    case closed
}

/// One connection to a replica.
struct Upstream {
    let channel: Channel
    let worker: Unmanaged<EdgeWorker>
    let replica: Unmanaged<ReplicaState>
    var phase = UpstreamPhase.connecting
    var downstream: UnsafeMutablePointer<Downstream>?
    /// A head that has arrived in part.
    var partial: Block?
    var parser = ResponseParser(answering: .get)
    var head = ResponseHead()
    var body = BodyReader()
    var isUntilClose = false
    var hasHead = false
    var requestCount = 0
    /// Its request counts as under way at the replica.
    var isCounted = false
    var sentAt = Instant(nanoseconds: 0)
    var next: UnsafeMutablePointer<Upstream>?
    var previous: UnsafeMutablePointer<Upstream>?

    init(channel: Channel, worker: EdgeWorker, replica: ReplicaState) {
        self.channel = channel
        self.worker = .passUnretained(worker)
        self.replica = .passRetained(replica)
    }
}
