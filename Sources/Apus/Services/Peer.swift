import ApusCore
import ApusRuntime

/// One endpoint of a service, as one loop sees it.
final class Peer {
    let service: String
    let endpoint: ServiceDirectory.Endpoint
    private unowned let peers: Peers
    private let system: ApusActorSystem
    private var connection: CallerConnection?
    private var failures = 0
    private var timeouts = 0
    /// Calls in a row without an answer after which an endpoint counts as stuck.
    static let timeoutsMax = 5
    /// Until then it is left alone, unless there is nobody else to ask.
    private(set) var ejectedUntil = Instant(nanoseconds: 0)

    init(_ endpoint: ServiceDirectory.Endpoint, peers: Peers, system: ApusActorSystem) {
        self.service = peers.service
        self.endpoint = endpoint
        self.peers = peers
        self.system = system
    }

    /// Calls under way.
    var inFlight: Int { connection?.inFlight ?? 0 }

    /// True where a call can be made now; a connection is made when it is.
    func isUsable(_ now: Instant) -> Bool {
        if let connection { return connection.hasRoom }
        return ejectedUntil <= now
    }

    /// The connection, begun if there is none; `nil` where the kernel refuses at once.
    func connected(_ now: Instant) -> CallerConnection? {
        if let connection { return connection }
        do {
            let channel = try Channel.startConnecting(to: endpoint.address, on: system.loop)
            if case .unix = endpoint.address, let uid = channel.peerUserID, uid != system.userID {
                channel.close()
                eject(now)
                return nil
            }
            let made = CallerConnection(channel, peer: self, system: system)
            connection = made
            made.open(handshakeBy: now + system.settings.handshakeTimeout)
            return made
        } catch {
            eject(now)
            return nil
        }
    }

    private func eject(_ now: Instant) {
        failures += 1
        ejectedUntil = now + Backoff.pause(after: failures, using: &system.random)
        system.counters.ejections += 1
    }

    // MARK: What its connection says

    func welcomed() { failures = 0 }

    @inline(__always)
    func answered() { timeouts = 0 }

    /// A call got no answer in time.
    ///
    /// One that answers nothing any more is left alone for a while; what it has under
    /// way may still come back.
    func timedOut() {
        timeouts += 1
        guard timeouts >= Self.timeoutsMax, let stuck = connection else { return }
        timeouts = 0
        connection = nil
        eject(system.loop.now)
        stuck.leave()
        peers.changed()
    }

    /// The callee takes no more calls: others are asked until the directory says it is gone, or it is back.
    func left() {
        connection = nil
        eject(system.loop.now)
        peers.changed()
    }

    func lost(_ lost: CallerConnection, wasWelcomed: Bool) {
        guard connection === lost else { return }
        connection = nil
        // One that worked is tried again at once; it is left alone when that fails.
        if !wasWelcomed { eject(system.loop.now) }
        peers.changed()
    }

    func callEnded() { peers.changed() }

    /// The directory no longer names it.
    func remove() {
        connection?.leave()
        connection = nil
    }
}

/// The endpoints of one service, and who waits for one of them.
final class Peers {
    let service: String
    private let system: ApusActorSystem
    private var members: [Peer] = []
    private var waiting: [Waiter] = []
    private var wakeTimer: EventLoop.Timer?
    private var wakeAt = Instant.distantFuture
    var budget: RetryBudget

    init(_ service: String, system: ApusActorSystem) {
        self.service = service
        self.system = system
        budget = RetryBudget(now: system.loop.now)
    }

    /// Takes the members the directory names; those it no longer names finish what they have.
    func replace(with endpoints: [ServiceDirectory.Endpoint]) {
        for peer in members where !endpoints.contains(peer.endpoint) { peer.remove() }
        members = endpoints.map { endpoint in
            members.first { $0.endpoint == endpoint } ?? Peer(endpoint, peers: self, system: system)
        }
        changed()
    }

    /// The better of two members picked at random, by calls under way; never `avoided` while there is another.
    ///
    /// - SeeAlso: Mitzenmacher, "The power of two choices in randomized load balancing", 2001.
    func pick(_ now: Instant, avoiding avoided: Peer? = nil) -> Peer? {
        var usable = 0
        for peer in members where peer !== avoided && peer.isUsable(now) { usable += 1 }
        guard usable > 0 else { return avoided.flatMap { peer in peer.isUsable(now) && isMember(peer) ? peer : nil } }
        if usable == 1 { return nth(0, now, avoided) }
        let first = Int.random(in: 0..<usable, using: &system.random)
        var second = Int.random(in: 0..<(usable - 1), using: &system.random)
        if second >= first { second += 1 }
        guard let one = nth(first, now, avoided), let other = nth(second, now, avoided) else { return nil }
        return other.inFlight < one.inFlight ? other : one
    }

    /// True where all who could be asked have as many calls as they take.
    var hasMembersWithoutRoom: Bool { members.contains { $0.inFlight > 0 } }
    /// Calls that wait for a member with room.
    var waitingCount: Int { waiting.count }

    private func isMember(_ peer: Peer) -> Bool { members.contains { $0 === peer } }

    private func nth(_ wanted: Int, _ now: Instant, _ avoided: Peer?) -> Peer? {
        var index = 0
        for peer in members where peer !== avoided && peer.isUsable(now) {
            if index == wanted { return peer }
            index += 1
        }
        return nil
    }

    // MARK: Waiting

    /// A call that waits until a member has room.
    private final class Waiter {
        var continuation: UnsafeContinuation<Bool, Never>?
        var timer: EventLoop.Timer?
        func resume(_ mayTry: Bool) {
            continuation?.resume(returning: mayTry)
            continuation = nil
        }
    }

    /// Waits until a call is worth trying again.
    ///
    /// - Returns: False where the deadline came first, or as many wait as may.
    func wait(until deadline: Instant) async -> Bool {
        guard waiting.count < system.settings.waitersMax else { return false }
        let waiter = Waiter()
        let place = Place(peers: self, waiter: waiter)
        let loop = system.loop
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                waiter.continuation = continuation
                waiting.append(waiter)
                waiter.timer = loop.schedule(at: deadline) { place.giveUp() }
                wakeWhenReadmitted()
            }
        } onCancel: {
            loop.execute { place.giveUp() }
        }
    }

    /// A waiter's place in the queue, for its timer and its cancellation.
    //
    // `@unchecked Sendable` is sound because both come back to the loop, where queue and waiter live.
    private struct Place: @unchecked Sendable {
        let peers: Peers
        let waiter: Waiter
        func giveUp() {
            guard waiter.continuation != nil else { return }
            peers.waiting.removeAll { $0 === waiter }
            if let timer = waiter.timer { peers.system.loop.cancel(timer) }
            waiter.resume(false)
        }
    }

    /// Something has changed for the better, perhaps: as many waiters try again as there is room for.
    func changed() {
        if waiting.isEmpty { return }
        let now = system.loop.now
        guard members.contains(where: { $0.isUsable(now) }) else { return wakeWhenReadmitted() }
        let waiter = waiting.removeFirst()
        if let timer = waiter.timer { system.loop.cancel(timer) }
        waiter.resume(true)
    }

    /// A waiter took its turn; the next one may find room too.
    func passOn() { changed() }

    private func wakeWhenReadmitted() {
        let now = system.loop.now
        guard let next = members.filter({ $0.inFlight == 0 }).map(\.ejectedUntil).filter({ $0 > now }).min() else {
            return
        }
        guard next < wakeAt else { return }
        if let wakeTimer { system.loop.cancel(wakeTimer) }
        wakeAt = next
        let all = AllWaiters(peers: self)
        wakeTimer = system.loop.schedule(at: next) { all.wake() }
    }

    // `@unchecked Sendable` is sound for the same reason.
    private struct AllWaiters: @unchecked Sendable {
        let peers: Peers
        func wake() {
            peers.wakeAt = .distantFuture
            peers.wakeTimer = nil
            peers.changed()
        }
    }

    /// Lets everybody go; nothing more is called.
    func close() {
        for peer in members { peer.remove() }
        members = []
        for waiter in waiting {
            if let timer = waiter.timer { system.loop.cancel(timer) }
            waiter.resume(false)
        }
        waiting = []
        if let wakeTimer { system.loop.cancel(wakeTimer) }
        wakeTimer = nil
    }
}
