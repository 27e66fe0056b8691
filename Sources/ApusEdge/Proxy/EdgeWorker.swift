import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime

/// An edge's part on one loop: a synchronous state machine that its sockets call.
///
/// A request without a filter of the user's own is only copied, so nothing here awaits: each event of a socket does
/// what it can and returns. The steps of the request's way up are in `EdgeWorker+Request.swift`, those of the
/// answer's way down in `EdgeWorker+Response.swift`.
//
// `@unchecked Sendable` is sound because only its loop's thread touches it; `EdgeProxy` reaches it through the loop.
final class EdgeWorker: @unchecked Sendable {
    let loop: EventLoop
    let configuration: EdgeConfiguration
    let observation: EdgeObservation
    var balancer: Balancer
    var retryBudget: RetryBudget
    var blocks = BlockPool()
    var random: SeededRandom
    let table = HeaderTable.allocate()
    /// What a read fills; nothing in it outlives the event.
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: EdgeWorker.scratchBytes, alignment: 16)
    /// Room for a head before the bytes of a read, so that both go out in one piece.
    static let headRoom = 40 << 10
    static let readBytes = 48 << 10
    static let scratchBytes = headRoom + readBytes
    /// Where heads are put together.
    let headScratch = UnsafeMutableRawPointer.allocate(byteCount: EdgeWorker.headRoom, alignment: 16)

    var downstreams: UnsafeMutablePointer<Downstream>?
    private(set) var downstreamCount = 0
    private(set) var isDraining = false
    /// Serves on, and says on `/readyz` that it will not for long.
    var isLeaving = false
    private var emptied: UnsafeContinuation<Void, Never>?
    private var endedDownstreams: [UnsafeMutablePointer<Downstream>] = []
    private var endedUpstreams: [UnsafeMutablePointer<Upstream>] = []

    init(loop: EventLoop, configuration: EdgeConfiguration, observation: EdgeObservation) {
        self.loop = loop
        self.configuration = configuration
        self.observation = observation
        let seed = loop.random()
        balancer = Balancer(configuration.balancing, seed: seed)
        random = SeededRandom(seed: seed ^ 0x5DEE_CE66)
        retryBudget = RetryBudget(share: configuration.retryShare)
    }

    deinit {
        scratch.deallocate()
        headScratch.deallocate()
        table.deallocate()
        blocks.deallocate()
    }

    var readRoom: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: scratch + Self.headRoom, count: Self.readBytes)
    }

    // MARK: Clients

    func accept(_ channel: Channel) {
        guard downstreamCount < configuration.connectionsPerLoopMax else {
            observation.refused.series("connections").increment()
            return channel.abort()
        }
        let client = UnsafeMutablePointer<Downstream>.allocate(capacity: 1)
        client.initialize(to: Downstream(channel: channel, worker: self))
        client.pointee.isDraining = isDraining
        client.pointee.next = downstreams
        downstreams?.pointee.previous = client
        downstreams = client
        downstreamCount += 1
        observation.connections.add(1)
        channel.setCallback(Self.downstreamEvent, context: client)
        channel.setDeadline(loop.now + configuration.idleLimit)
    }

    static let downstreamEvent: Channel.Callback = { context, events in
        let client = context.assumingMemoryBound(to: Downstream.self)
        client.pointee.worker._withUnsafeGuaranteedRef { worker in
            if events & Channel.timedOutEvent != 0 {
                worker.downstreamTimedOut(client)
            } else {
                worker.downstreamReady(client)
            }
        }
    }

    func downstreamReady(_ client: UnsafeMutablePointer<Downstream>) {
        switch client.pointee.phase {
        case .head: readHead(client)
        case .exchange:
            if client.pointee.output != nil, !flushOutput(client) { return }
            guard client.pointee.phase == .exchange else { return }
            pumpRequest(client)
            // What the replica sent while the client took nothing.
            if client.pointee.phase == .exchange, let upstream = client.pointee.upstream { pumpResponse(upstream) }
        case .lingering: linger(client)
        case .closed: return
        }
    }

    private func downstreamTimedOut(_ client: UnsafeMutablePointer<Downstream>) {
        switch client.pointee.phase {
        case .head:
            if client.pointee.input != nil {
                observation.refused.series("headTooSlow").increment()
                answerItself(client, Problem(.requestTimeout, code: "http.headTooSlow"))
            } else {
                close(client)
            }
        case .exchange:
            // Either side has been silent for too long.
            if client.pointee.isAnswering {
                abandon(client)
            } else {
                answerItself(client, Problem(.requestTimeout, code: "http.bodyTooSlow"))
            }
        case .lingering: close(client)
        case .closed: return
        }
    }

    /// Ends a client connection and whatever it was at.
    func close(_ client: UnsafeMutablePointer<Downstream>) {
        guard client.pointee.phase != .closed else { return }
        client.pointee.phase = .closed
        if let upstream = client.pointee.upstream { discard(upstream) }
        releaseBlocks(client)
        if let previous = client.pointee.previous {
            previous.pointee.next = client.pointee.next
        } else {
            downstreams = client.pointee.next
        }
        client.pointee.next?.pointee.previous = client.pointee.previous
        client.pointee.channel.close()
        freeAtTurnEnd()
        endedDownstreams.append(client)
        downstreamCount -= 1
        observation.connections.subtract(1)
        if downstreamCount == 0, let waiter = emptied {
            emptied = nil
            waiter.resume()
        }
    }

    /// Gives a closed connection to a replica's memory back, once nobody can look at it any more.
    func bury(_ upstream: UnsafeMutablePointer<Upstream>) {
        freeAtTurnEnd()
        endedUpstreams.append(upstream)
    }

    /// Has the memory of what ends in this turn freed at its end: until then a step further up the stack, which called
    /// the one that closed, may still ask for the phase.
    private func freeAtTurnEnd() {
        guard endedDownstreams.isEmpty, endedUpstreams.isEmpty else { return }
        loop.atTurnEnd { [self] in
            for client in endedDownstreams {
                client.deinitialize(count: 1)
                client.deallocate()
            }
            for upstream in endedUpstreams {
                upstream.deinitialize(count: 1)
                upstream.deallocate()
            }
            endedDownstreams.removeAll(keepingCapacity: true)
            endedUpstreams.removeAll(keepingCapacity: true)
        }
    }

    func releaseBlocks(_ client: UnsafeMutablePointer<Downstream>) {
        blocks.give(&client.pointee.input)
        blocks.give(&client.pointee.request)
        blocks.give(&client.pointee.output)
    }

    /// Ends a connection whose answer has begun and cannot be finished: only its end can tell the client.
    func abandon(_ client: UnsafeMutablePointer<Downstream>) {
        client.pointee.keepAlive = false
        record(client)
        close(client)
    }

    /// Gives the client time to read its answer: closing with unread input would reset the connection.
    func beginLingering(_ client: UnsafeMutablePointer<Downstream>) {
        client.pointee.phase = .lingering
        client.pointee.channel.shutdownWriting()
        client.pointee.channel.setDeadline(loop.now + .seconds(2))
        linger(client)
    }

    private func linger(_ client: UnsafeMutablePointer<Downstream>) {
        var budget = 1 << 20
        while budget > 0 {
            switch client.pointee.channel.receive(into: readRoom) {
            case .bytes(let count): budget -= count
            case .wouldBlock: return
            case .end, .failed: return close(client)
            }
        }
        close(client)
    }

    // MARK: Draining

    func beginDraining() {
        isDraining = true
        var cursor = downstreams
        while let client = cursor {
            cursor = client.pointee.next
            client.pointee.isDraining = true
            if client.pointee.phase == .head && client.pointee.input == nil { close(client) }
        }
    }

    func closeAll() {
        while let client = downstreams { close(client) }
        for replica in balancer.replicas { closeIdle(replica) }
    }

    func closeIdle(_ replica: ReplicaState) {
        while let upstream = replica.idle { discard(upstream) }
    }

    /// Waits until the last client has gone; cuts off those that are left at `deadline`.
    func waitUntilEmpty(by deadline: Instant) async {
        if downstreamCount > 0 {
            let timer = loop.schedule(at: deadline) { [self] in closeAll() }
            await withUnsafeContinuation { emptied = $0 }
            loop.cancel(timer)
        }
        closeAll()
    }

    // MARK: Replicas

    func setReplicas(_ wanted: [EdgeProxy.Replica]) {
        let present = Dictionary(balancer.replicas.map { ($0.replica, $0) }) { first, _ in first }
        for state in balancer.replicas where !wanted.contains(state.replica) {
            state.isListed = false
            closeIdle(state)
        }
        balancer.replace(with: wanted.map { present[$0] ?? ReplicaState($0, observation: observation) })
    }

    func countFailure(_ replica: ReplicaState) {
        if replica.failed(at: loop.now, configuration: configuration) { observation.ejections.increment() }
    }
}
