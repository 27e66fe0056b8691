import ApusCore
import ApusObserve
import ApusRuntime
import Glibc

/// What one loop knows of one replica.
final class ReplicaState {
    let replica: EdgeProxy.Replica
    let name: [UInt8]
    let statuses: InlineArray<5, Counter>
    /// Requests under way.
    var underWay = 0
    /// Connections that wait for a request; the last used is taken first.
    var idle: UnsafeMutablePointer<Upstream>?
    var idleCount = 0
    /// False once the replica has been taken off the list; it lives on until its last request has ended.
    var isListed = true
    /// False while health checks fail.
    var isHealthy = true
    private(set) var ejectedUntil = Instant(nanoseconds: 0)
    private var failuresInARow = 0
    private var ejectionsInARow = 0
    private var latency = 0.0
    private var latencyAt = Instant(nanoseconds: 0)
    /// How fast a high latency is forgotten, in nanoseconds.
    private static let decay = 10e9

    init(_ replica: EdgeProxy.Replica, observation: EdgeObservation) {
        self.replica = replica
        name = Array(replica.id.utf8)
        statuses = InlineArray { observation.requests.series(replica.id, "\($0 + 1)xx") }
    }

    func isUsable(at now: Instant) -> Bool { isHealthy && ejectedUntil <= now }

    /// What a further request would cost here: the peak of recent latencies, decaying, times the queue it joins.
    func cost(at now: Instant) -> Double {
        let age = Double((now - latencyAt).nanoseconds)
        return (latency * exp(-age / Self.decay) + 1) * Double(underWay + 1)
    }

    func answered(in duration: Duration, at now: Instant) {
        failuresInARow = 0
        ejectionsInARow = 0
        let sample = Double(duration.nanoseconds)
        let weight = exp(-Double((now - latencyAt).nanoseconds) / Self.decay)
        // A peak counts at once; a better time only as the peak fades.
        latency = sample > latency * weight ? sample : latency * weight + sample * (1 - weight)
        latencyAt = now
    }

    /// Counts a failure.
    ///
    /// - Returns: True when it takes the replica out.
    func failed(at now: Instant, configuration: EdgeConfiguration) -> Bool {
        failuresInARow += 1
        guard failuresInARow >= configuration.ejectionFailures else { return false }
        failuresInARow = 0
        let factor = 1 << min(ejectionsInARow, 5)
        ejectionsInARow += 1
        let time = min(configuration.ejectionTime.nanoseconds * Int64(factor), 30_000_000_000)
        ejectedUntil = now + .nanoseconds(time)
        return true
    }

    func passedCheck() {
        isHealthy = true
        ejectedUntil = Instant(nanoseconds: 0)
    }
}

/// Chooses among a loop's replicas.
struct Balancer {
    private(set) var replicas: [ReplicaState] = []
    private var turn = 0
    private var random: SeededRandom
    private let balancing: EdgeConfiguration.Balancing

    init(_ balancing: EdgeConfiguration.Balancing, seed: UInt64) {
        self.balancing = balancing
        random = SeededRandom(seed: seed)
    }

    mutating func replace(with replicas: [ReplicaState]) { self.replicas = replicas }

    /// A replica for a request, or `nil` where none is left.
    ///
    /// Replicas that are out are used only when all are: a doubtful answer is better than none.
    mutating func choose(at now: Instant, avoiding avoided: ReplicaState?) -> ReplicaState? {
        if replicas.isEmpty { return nil }
        if replicas.count == 1 { return replicas[0] }
        switch balancing {
        case .roundRobin:
            for _ in replicas {
                turn = (turn + 1) % replicas.count
                if replicas[turn].isUsable(at: now), replicas[turn] !== avoided { return replicas[turn] }
            }
        case .leastRequests:
            let usable = replicas.filter { $0.isUsable(at: now) && $0 !== avoided }
            if let best = usable.min(by: { $0.underWay < $1.underWay }) { return best }
        case .peakEWMA:
            if let chosen = chooseOfTwo(at: now, avoiding: avoided) { return chosen }
        }
        return replicas.first { $0 !== avoided && $0.isUsable(at: now) }
            ?? replicas.first { $0 !== avoided } ?? replicas[0]
    }

    private mutating func chooseOfTwo(at now: Instant, avoiding avoided: ReplicaState?) -> ReplicaState? {
        let bits = random.next()
        let count = UInt64(replicas.count)
        // Two different indexes out of one random number.
        let first = Int((bits >> 32) % count)
        let second = (first + 1 + Int((bits & 0xFFFF_FFFF) % (count - 1))) % replicas.count
        let firstFits = replicas[first].isUsable(at: now) && replicas[first] !== avoided
        let secondFits = replicas[second].isUsable(at: now) && replicas[second] !== avoided
        switch (firstFits, secondFits) {
        case (true, true):
            return replicas[first].cost(at: now) <= replicas[second].cost(at: now)
                ? replicas[first] : replicas[second]
        case (true, false): return replicas[first]
        case (false, true): return replicas[second]
        case (false, false): return nil
        }
    }
}

/// How many requests may be sent a second time: a share of those sent a first time.
struct RetryBudget {
    private var tokens: Double
    private let share: Double
    private static let tokensMax = 100.0

    init(share: Double) {
        self.share = share
        tokens = share > 0 ? 10 : 0
    }

    mutating func requestBegan() { tokens = min(tokens + share, Self.tokensMax) }

    mutating func take() -> Bool {
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
