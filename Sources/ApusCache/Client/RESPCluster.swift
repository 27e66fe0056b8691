import ApusCore
import ApusRuntime

/// A cluster as a client knows it: who has which slot, learned from the nodes and from what they say of commands.
final class RESPCluster: Sendable {
    private struct State {
        var map: ClusterMap?
        /// Who gave it.
        var answered: RESPNode?
        var refreshing: Task<Void, any Error>?
        /// When the map may be asked for again; monotonic nanoseconds.
        var refreshesFrom = Int64.min
        var followers: [Int: @Sendable ([RESPNode]) -> Void] = [:]
        var followerNumbers = 0
    }
    private let seeds: [RESPNode]
    private let state = Lock(State())

    /// The shortest time from one map to the next, however many commands are sent elsewhere meanwhile.
    static let refreshPause: Duration = .milliseconds(100)
    /// How often a command is sent on at once.
    private static let redirectsMax = 16
    private static let pauseFirst: Duration = .milliseconds(5)
    private static let pauseLongest: Duration = .milliseconds(100)
    private static let slots = RESPCommand("CLUSTER", "SLOTS")
    private static let asking = RESPCommand("ASKING")

    init(seeds: [RESPNode]) { self.seeds = seeds }

    // MARK: The map

    /// The masters, as they are known now.
    var masters: [RESPNode] { state.withLock { $0.map?.nodes ?? [] } }

    /// Who has a slot.
    ///
    /// - Throws: ``RESPClientError``; `CancellationError`.
    func node(ofSlot slot: Int?, _ lane: RESPLane, deadline: Int64) async throws -> RESPNode {
        while true {
            if let map = state.withLock({ $0.map }) {
                guard let slot else { return map.nodes[0] }
                if let node = map.node(ofSlot: slot) { return node }
                // Nobody has it: a node may be on its way up.
                try await pause(1, lane, deadline, "no node has slot \(slot)")
            }
            try await refresh(lane)
        }
    }

    /// Learns the map anew; at most once in ``refreshPause``, and once for any number of callers.
    ///
    /// It takes no longer than the configuration's `commandLimit`.
    func refresh(_ lane: RESPLane) async throws {
        let now = lane.loop.preciseNow().nanoseconds
        let task: Task<Void, any Error>? = state.withLock { state in
            if let running = state.refreshing { return running }
            if state.map != nil, now < state.refreshesFrom { return nil }
            let task = Task(executorPreference: lane.loop) { [self] in
                defer {
                    let next = (lane.loop.preciseNow() + Self.refreshPause).nanoseconds
                    self.state.withLock { state in
                        state.refreshing = nil
                        state.refreshesFrom = next
                    }
                }
                try await learn(lane)
            }
            state.refreshing = task
            return task
        }
        try await task?.value
    }

    private func learn(_ lane: RESPLane) async throws {
        var last: any Error = RESPClientError(.unreachable, "no node of the cluster can be reached")
        let (known, answered) = state.withLock { ($0.map?.nodes ?? [], $0.answered) }
        var candidates = known + seeds.filter { !known.contains($0) }
        // The one that answered last goes first, so that one that is frozen costs time once.
        if let answered, let index = candidates.firstIndex(of: answered) { candidates.swapAt(0, index) }
        let limit = (lane.loop.preciseNow() + lane.main.configuration.commandLimit).nanoseconds
        for (index, node) in candidates.enumerated() {
            let now = lane.loop.preciseNow().nanoseconds
            let deadline = now + (limit - now) / Int64(min(candidates.count - index, 3))
            do {
                let reply = try await lane.connection(to: node).ask(Self.slots, deadline: deadline)
                guard let map = ClusterMap(reply, of: node) else {
                    throw RESPClientError(.unreachable, "\(node) knows of no slots; has the cluster been created?")
                }
                let followers = state.withLock { state in
                    state.map = map
                    state.answered = node
                    return Array(state.followers.values)
                }
                for follower in followers { follower(map.nodes) }
                lane.forget(allBut: Set(map.nodes + seeds))
                return
            } catch let failure as RESPFailure where failure.text.contains("cluster support disabled") {
                throw RESPClientError(
                    .unreachable,
                    "\(node) is no cluster; write redis:// in place of redis+cluster://"
                )
            } catch {
                last = error
            }
        }
        throw last
    }

    private func moved(_ slot: Int, to node: RESPNode, _ lane: RESPLane) {
        state.withLock { $0.map?.move(slot, to: node) }
        // One slot seldom moves alone.
        refreshSoon(lane)
    }

    /// Learns the map anew without making anybody wait.
    func refreshSoon(_ lane: RESPLane) {
        let isDue = state.withLock { $0.refreshing == nil && lane.loop.preciseNow().nanoseconds >= $0.refreshesFrom }
        if isDue { Task(executorPreference: lane.loop) { [self] in try? await refresh(lane) } }
    }

    /// Calls `body` with the masters whenever the map was learned, until it is taken back.
    func follow(_ body: @escaping @Sendable ([RESPNode]) -> Void) -> Int {
        state.withLock { state in
            state.followerNumbers += 1
            state.followers[state.followerNumbers] = body
            return state.followerNumbers
        }
    }

    func unfollow(_ number: Int) { state.withLock { $0.followers[number] = nil } }

    // MARK: Commands

    /// The slot that a command's keys share; `nil` without keys.
    ///
    /// - Throws: ``RESPClientError`` with `keysApart`.
    static func slot(of command: RESPCommand) throws(RESPClientError) -> Int? {
        let words = RESPCommandKeys(command)
        var slot: Int?
        for key in words.keys {
            let own = ClusterSlot.of(key)
            if let slot, slot != own {
                throw RESPClientError(
                    .keysApart,
                    "the keys of \(words.name) are in slots \(slot) and \(own); give keys that belong together one {tag}"
                )
            }
            slot = own
        }
        return slot
    }

    /// Sends a command to whoever has its keys; on the lane's loop.
    func send(_ command: RESPCommand, _ lane: RESPLane, deadline: Int64) async throws -> RESPValue {
        let slot = try Self.slot(of: command)
        var (node, isAsking): (RESPNode?, Bool) = (nil, false)
        // A slot may take its time to move, and nodes theirs to agree on it: the deadline is the bound.
        var (redirects, pauses) = (0, 0)
        while true {
            if redirects == Self.redirectsMax {
                // To be sent on and on at once is no wait.
                try await pause(pauses, lane, deadline, "a command is sent on from node to node")
                (redirects, pauses) = (0, pauses + 1)
            }
            let target: RESPNode
            if let node { target = node } else { target = try await self.node(ofSlot: slot, lane, deadline: deadline) }
            do {
                let connection = try lane.connection(to: target)
                guard isAsking else { return try await connection.ask(command, deadline: deadline) }
                let replies = try await connection.ask([Self.asking, command], deadline: deadline)
                if case .error(let text)? = replies.last { throw RESPFailure(text) }
                return replies.last ?? .null
            } catch let failure as RESPFailure {
                (node, isAsking) = (nil, false)
                switch ClusterRedirect(failure, from: target) {
                case .moved(let slot, let other):
                    redirects += 1
                    moved(slot, to: other, lane)
                case .ask(let other):
                    redirects += 1
                    (node, isAsking) = (other, true)
                case .later:
                    try await pause(pauses, lane, deadline, failure.text)
                    (redirects, pauses) = (0, pauses + 1)
                case nil: throw failure
                }
            } catch let error as RESPClientError {
                // The node is gone or frozen; another may have its slots in a moment.
                refreshSoon(lane)
                guard error.isRepeatable else { throw error }
                (node, isAsking) = (nil, false)
                try await pause(pauses, lane, deadline, error.detail)
                (redirects, pauses) = (0, pauses + 1)
            }
        }
    }

    private func pause(_ attempt: Int, _ lane: RESPLane, _ deadline: Int64, _ reason: String) async throws {
        let length = min(Self.pauseFirst * (1 << min(attempt, 8)), Self.pauseLongest)
        let chance = Double(lane.loop.random() % 512) / 1024
        let until = (lane.loop.preciseNow() + length + length * chance).nanoseconds
        guard until < deadline else { throw RESPClientError(.timedOut, "the cluster is not ready: \(reason)") }
        try await lane.loop.sleep(until: Instant(nanoseconds: until))
    }

    /// Sends commands to their nodes at the same time, those of one node in a row; on the lane's loop.
    func send(_ commands: [RESPCommand], _ lane: RESPLane, deadline: Int64) async throws -> [RESPValue] {
        var groups: [RESPNode: [Int]] = [:]
        for (index, command) in commands.enumerated() {
            let node = try await self.node(ofSlot: Self.slot(of: command), lane, deadline: deadline)
            groups[node, default: []].append(index)
        }
        return try await withThrowingTaskGroup(of: [(Int, RESPValue)].self) { group in
            for (node, indexes) in groups {
                group.addTask(executorPreference: lane.loop) { [self] in
                    let part = indexes.map { commands[$0] }
                    let replies = try await send(part, to: node, lane, deadline: deadline)
                    return Array(zip(indexes, replies))
                }
            }
            var replies = [RESPValue](repeating: .null, count: commands.count)
            while let part = try await group.next() {
                for (index, reply) in part { replies[index] = reply }
            }
            return replies
        }
    }

    /// Sends commands to one node in a row; those that it does not serve follow one by one.
    private func send(
        _ commands: [RESPCommand],
        to node: RESPNode,
        _ lane: RESPLane,
        deadline: Int64
    ) async throws -> [RESPValue] {
        var replies: [RESPValue]
        do {
            replies = try await lane.connection(to: node).ask(commands, deadline: deadline)
        } catch let error as RESPClientError {
            refreshSoon(lane)
            guard error.isRepeatable else { throw error }
            // None of them was sent: each finds its way by itself.
            replies = commands.map { _ in .error("TRYAGAIN \(error.detail)") }
        }
        for (index, reply) in replies.enumerated() {
            guard case .error(let text) = reply else { continue }
            switch ClusterRedirect(RESPFailure(text), from: node) {
            case nil: continue
            case .moved(let slot, let other): moved(slot, to: other, lane)
            case .ask, .later: break
            }
            do {
                replies[index] = try await send(commands[index], lane, deadline: deadline)
            } catch let failure as RESPFailure {
                replies[index] = .error(failure.text)
            }
        }
        return replies
    }
}
