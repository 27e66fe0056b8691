import ApusCore

/// A cache without values: what would have been hit, had it been asked for these keys.
///
/// It runs the policies' own code, in as many parts as a ``Cache`` of that capacity has.
///
///     let simulation = CacheSimulation(capacity: 1000)
///     for key in keys { simulation.access(key) }
///     print(simulation.hitRatio)
public final class CacheSimulation {
    private let parts: [SimulatedPart]
    private let keyHash: KeyHash
    /// Reads so far.
    public private(set) var reads = 0
    /// Reads that would have been hits.
    public private(set) var hits = 0

    /// An empty cache.
    ///
    /// - Parameters:
    ///   - capacity: Its entries, 1 or more.
    ///   - policy: The policy it always has; `nil` for what a ``Cache`` does, which is to follow the best.
    ///   - seed: Of the keys' hashes; with the same one a run repeats itself.
    public init(capacity: Int, policy: CachePolicyKind? = nil, seed: UInt64 = 1) {
        precondition(capacity > 0, "a cache has room for 1 entry or more")
        var random = SeededRandom(seed: seed)
        keyHash = KeyHash(seed: random.next(), factor: random.next())
        parts = CacheParts.capacities(capacity, isWeighed: false).map { SimulatedPart(capacity: $0, policy) }
    }

    /// Hits over reads, 0 before the first.
    public var hitRatio: Double { reads == 0 ? 0 : Double(hits) / Double(reads) }

    /// The policies in the lead, part by part.
    public var leaders: [CachePolicyKind] { parts.map { $0.policy.leader } }

    /// Bytes that the policy takes to know what it does.
    public var policyBytes: Int { parts.reduce(0) { $0 + $1.policy.bytes } }

    /// Reads a key, and keeps it where it was not there.
    ///
    /// - Returns: Whether it was.
    @discardableResult
    public func access(_ key: Int) -> Bool {
        let hash = keyHash(key)
        let isHit = parts[CacheParts.number(hash, of: parts.count)].access(key, hash)
        reads += 1
        if isHit { hits += 1 }
        return isHit
    }
}

/// One part: a policy, and which key lies at which place.
private final class SimulatedPart {
    var policy: AdaptivePolicy
    private let capacity: Int
    private var places: [Int: Int] = [:]
    private var keys: [Int] = []
    private var freePlaces: [Int] = []

    init(capacity: Int, _ kind: CachePolicyKind?) {
        self.capacity = capacity
        if let kind {
            policy = AdaptivePolicy(weightMax: capacity, always: kind)
        } else {
            policy = AdaptivePolicy(weightMax: capacity)
        }
    }

    func access(_ key: Int, _ hash: UInt64) -> Bool {
        if let place = places[key] {
            policy.read(place)
            return true
        }
        let place = freePlaces.popLast() ?? keys.count
        if place == keys.count { keys.append(key) } else { keys[place] = key }
        places[key] = place
        policy.inserted(place, hash: hash, weight: 1)
        while policy.weight > capacity, let victim = policy.victim() {
            places[keys[victim]] = nil
            freePlaces.append(victim)
        }
        return false
    }
}
