import ApusCore

/// What this process knows of where slots lie on servers: the map as it was read, and what shards have said since.
///
/// It may be late. A shard itself says what has left it, so that who comes to the wrong one is sent on; what is known of a shard
/// never goes back.
final class ServerSlots: Sendable {
    /// What calls are routed by.
    let table: SlotTable
    private let known: Lock<Known>

    private struct Known {
        var states: [Int: ShardState] = [:]
        /// For each slot the plan by which it came where it is.
        var plans: [Int64]
        /// How often a shard was said to have got keys.
        var arrivals: [Int: Int] = [:]
    }

    /// - Parameters:
    ///   - table: Slots as the map says that they lie.
    ///   - plan: The last plan that is in it.
    init(_ table: SlotTable, plan: Int64) {
        self.table = table
        known = Lock(Known(plans: Array(repeating: plan, count: table.slots)))
    }

    /// How many of a shard's departures are known.
    func departures(from shard: Int) -> Int64 { known.withLock { $0.states[shard]?.departures ?? 0 } }
    /// The last thing that a shard said.
    func state(of shard: Int) -> ShardState? { known.withLock { $0.states[shard] } }
    /// The plan by which a slot came where it is.
    func plan(ofSlot slot: Int) -> Int64 { known.withLock { $0.plans.indices.contains(slot) ? $0.plans[slot] : 0 } }
    /// The last plan that anybody was heard of.
    var lastPlan: Int64 { known.withLock { $0.plans.max() ?? 0 } }
    /// The largest number of a change that is known.
    var lastVersion: Int64 { known.withLock { $0.states.values.map(\.version).max() ?? 0 } }
    /// Changes whenever a shard may have got keys.
    func arrivals(at shard: Int) -> Int { known.withLock { $0.arrivals[shard] ?? 0 } }

    /// Takes in what a shard says, by its own session.
    ///
    /// What is read of it in one transaction with this is of the same moment. `lock` is what the question ends with.
    @discardableResult
    func learn(_ session: any SQLSession, of shard: Int, behind lock: SQL = "") throws -> ShardState {
        let state: ShardState = try Transaction(session).one("\(sql: ShardState.query)\(sql: lock)")
        try learn(state, try departures(state, session, of: shard), of: shard)
        return state
    }

    /// The same by questions that stand alone, each asked by `ask`.
    func learn(of shard: Int, by ask: (SQL) async throws -> RowSource) async throws -> ShardState {
        guard let state = try await ask(ShardState.query).first(as: ShardState.self) else {
            throw StoreError(.corrupt, "apus_moving of shard \(shard) is empty; restore it from a backup")
        }
        var known = departures(from: shard)
        var left: [Departure] = []
        while state.departures > known {
            let more = try await ask(Departure.query(behind: known)).all(as: Departure.self)
            left += more
            guard let last = more.last, more.count == Departure.page else { break }
            known = last.number
        }
        try learn(state, left, of: shard)
        return state
    }

    /// The departures of a shard that are not known yet.
    func departures(_ state: ShardState, _ session: any SQLSession, of shard: Int) throws -> [Departure] {
        var known = departures(from: shard)
        var left: [Departure] = []
        while state.departures > known {
            let more: [Departure] = try Transaction(session).all(Departure.query(behind: known))
            left += more
            guard let last = more.last, more.count == Departure.page else { break }
            known = last.number
        }
        return left
    }

    /// Takes in what a shard says.
    ///
    /// - Parameters:
    ///   - state: What it says.
    ///   - left: The slots that left since its departures were last known, or more of them.
    ///   - shard: The shard.
    /// - Throws: ``StoreError`` with code `corrupt` for a shard or a slot that cannot be.
    func learn(_ state: ShardState, _ left: [Departure], of shard: Int) throws {
        try known.withLock { known in
            // News may overtake each other.
            if let before = known.states[shard], before.version >= state.version { return }
            let targets = left.map(\.to) + (state.leaving.map { [$0.to] } ?? [])
            guard left.allSatisfy({ known.plans.indices.contains($0.slot) }), targets.allSatisfy((0..<1024).contains),
                state.leaving.map({ known.plans.indices.contains($0.slot) }) ?? true
            else {
                throw StoreError(
                    .corrupt,
                    "shard \(shard) names a slot or a shard that cannot be; restore it from a backup"
                )
            }
            if let most = targets.max(), most >= table.shards { try table.grow(to: most + 1) }
            for departure in left where departure.plan > known.plans[departure.slot] {
                known.plans[departure.slot] = departure.plan
                try table.set(departure.slot, to: departure.to)
            }
            for target in targets { known.arrivals[target, default: 0] += 1 }
            known.states[shard] = state
            // One slot moves at a time: of several that are said to, the latest word counts, and the others' shards send on.
            let leaving = known.states.values.filter { $0.leaving != nil }.max { $0.version < $1.version }?.leaving
            try table.setMoving(leaving.map { ($0.slot, $0.to, $0.reached) })
        }
    }

    /// The shard that has a key which is not on `shard`, as far as that is known.
    ///
    /// What that shard says itself counts more than what calls are routed by, which know of one slot that moves.
    func home(of place: KeyPlace, not shard: Int) -> Int {
        let home = table.shard(of: place)
        guard home == shard else { return home }
        return known.withLock { known in
            guard let leaving = known.states[shard]?.leaving, leaving.slot == place.slot, place.hash < leaving.reached
            else { return home }
            return leaving.to
        }
    }

    /// Whether a key is on a shard, as far as that is known.
    ///
    /// Exact where nothing has left the shard since it was last heard of.
    func holds(_ place: KeyPlace, on shard: Int) -> Bool {
        guard place.isKnown else { return true }
        guard table.shard(of: place) == shard else { return false }
        if table.changes == 0 { return true }
        return known.withLock { known in
            guard let leaving = known.states[shard]?.leaving, leaving.slot == place.slot else { return true }
            return place.hash >= leaving.reached
        }
    }
}
