import ApusCore
import ApusRuntime

/// Hears of keys that change on the server, so that what is kept near can be dropped.
///
/// It rests on client-side caching in its broadcasting mode: the server tells of every change of a key that begins with one of the
/// prefixes, whoever made it. In a cluster every master is listened to, and it is established while all are.
///
/// - SeeAlso: Redis, "Client-side caching in Redis", "Broadcasting mode".
public final class RESPTracking: Sendable {
    /// What is done when something happens, on an event loop's thread: it must not block.
    public struct Handlers: Sendable {
        /// These keys have changed or are gone; `nil` for all keys there are.
        public var onInvalidate: @Sendable ([[UInt8]]?) -> Void
        /// From now on changes may be missed.
        ///
        /// Once after each `onEstablished`, at latest `lossLimit` after the last sign of life.
        public var onLost: @Sendable (any Error) -> Void
        /// From now on every change is heard; what was read before this may be old.
        public var onEstablished: @Sendable () -> Void

        /// Handlers of all three.
        public init(
            onInvalidate: @escaping @Sendable ([[UInt8]]?) -> Void,
            onLost: @escaping @Sendable (any Error) -> Void,
            onEstablished: @escaping @Sendable () -> Void
        ) {
            self.onInvalidate = onInvalidate
            self.onLost = onLost
            self.onEstablished = onEstablished
        }
    }

    private struct State {
        /// The feed to each master; the only server is `nil`.
        var feeds: [RESPNode?: RESPFeed] = [:]
        var heard: Set<RESPNode?> = []
        /// The masters are known.
        var isComplete = false
        var isEstablished = false
        var isClosed = false
        var follower: Int?
    }

    private let core: RESPClientCore
    private let loop: EventLoop
    private let handlers: Handlers
    private let command: RESPCommand
    private let state = Lock(State())

    init(_ core: RESPClientCore, on loop: EventLoop, prefixes: [[UInt8]], _ handlers: Handlers) {
        self.core = core
        self.loop = loop
        self.handlers = handlers
        let words = prefixes.flatMap { [RESPArgument.text("PREFIX"), .bytes($0)] }
        command = RESPCommand("CLIENT", ["TRACKING", "ON", "BCAST"] + words)
    }

    deinit { close() }

    /// Whether every change is heard now.
    public var isEstablished: Bool { state.withLock { $0.isEstablished } }

    /// Why not, as far as it is known.
    public var problem: RESPClientError? {
        state.withLock { $0.feeds.values.compactMap(\.problem).first }
    }

    /// Hears nothing more; no handler is called once the loop has turned.
    public func close() {
        let (feeds, follower) = state.withLock { state in
            state.isClosed = true
            defer { state.feeds = [:] }
            return (Array(state.feeds.values), state.follower)
        }
        if let follower { core.cluster?.unfollow(follower) }
        for feed in feeds { core.end(feed) }
    }

    // MARK: Whom to listen to

    func start() throws {
        guard let cluster = core.cluster else {
            state.withLock { $0.isComplete = true }
            return try listen(to: nil)
        }
        let follower = cluster.follow { [weak self] masters in
            guard let self else { return }
            loop.execute { self.mastersAre(masters) }
        }
        state.withLock { $0.follower = follower }
        // The first map comes with the first of them that answers.
        learn()
    }

    private func learn() {
        guard let cluster = core.cluster else { return }
        Task(executorPreference: loop) { [weak self, core, loop] in
            let lane = try core.lanes.lane(of: loop) { RESPLane($0, core) }
            while self?.state.withLock({ $0.isClosed }) == false {
                if (try? await cluster.refresh(lane)) != nil { return }
                try await loop.sleep(for: core.configuration.pauseLongest)
            }
        }
    }

    /// The masters changed: those that are new are listened to, those that are gone are not.
    private func mastersAre(_ masters: [RESPNode]) {
        let (gone, new, isClosed) = state.withLock { state in
            state.isComplete = true
            let gone = state.feeds.filter { node, _ in !masters.contains { $0 == node } }
            for node in gone.keys {
                state.feeds[node] = nil
                state.heard.remove(node)
            }
            return (Array(gone.values), masters.filter { state.feeds[$0] == nil }, state.isClosed)
        }
        for feed in gone { core.end(feed) }
        if isClosed { return }
        for node in new { try? listen(to: node) }
        judge(RESPClientError(.connectionLost, "the cluster has other masters now"))
    }

    private func listen(to node: RESPNode?) throws {
        var interest = RESPFeed.Interest()
        interest.commands = [command]
        interest.needsRESP3 = true
        interest.onPush = { [handlers] value in
            guard let words = value.elements, words.count == 2, words[0].text == "invalidate" else { return }
            handlers.onInvalidate(words[1].elements?.compactMap(\.bytes))
        }
        interest.onEstablished = { [weak self] in self?.heard(node, true, nil) }
        interest.onLost = { [weak self] error in self?.heard(node, false, error) }
        interest.onBeat = { [weak self] in self?.lookAround() }
        let feed = try core.feed(to: node, on: loop, interest)
        state.withLock { $0.feeds[node] = feed }
        feed.start()
    }

    /// A master that takes over says nothing to those who do not listen to it: the map is looked at with every sign of life.
    private func lookAround() {
        guard let cluster = core.cluster, let lane = core.lanes.current else { return }
        cluster.refreshSoon(lane)
    }

    private func heard(_ node: RESPNode?, _ isHeard: Bool, _ error: RESPClientError?) {
        state.withLock { state in
            state.heard.remove(node)
            if isHeard { state.heard.formUnion([node]) }
        }
        judge(error ?? RESPClientError(.connectionLost, "a connection was lost"))
    }

    /// Tells whether all is heard now, where that has changed.
    private func judge(_ error: RESPClientError) {
        let (was, isNow, isClosed) = state.withLock { state in
            let was = state.isEstablished
            state.isEstablished =
                state.isComplete && !state.feeds.isEmpty && state.feeds.keys.allSatisfy { state.heard.contains($0) }
            return (was, state.isEstablished, state.isClosed)
        }
        if isClosed || was == isNow { return }
        if isNow { handlers.onEstablished() } else { handlers.onLost(error) }
    }
}

extension RESPClient {
    /// Hears of keys that change, on connections of its own, until it is closed.
    ///
    /// A connection that is lost is made again; ``RESPTracking/Handlers`` are told of both. The keys of the client's own writes are
    /// told too.
    ///
    /// - Parameters:
    ///   - prefixes: What the keys begin with; none for all keys. None may begin with another.
    ///   - handlers: What to do; they are called in order, on one loop's thread.
    /// - Returns: What keeps listening; it ends with ``RESPTracking/close()`` or with the client.
    /// - Throws: ``RESPClientError`` after ``close()``.
    public func track(prefixes: [[UInt8]], _ handlers: RESPTracking.Handlers) throws -> RESPTracking {
        let tracking = RESPTracking(core, on: try core.loop(), prefixes: prefixes, handlers)
        try tracking.start()
        return tracking
    }
}
