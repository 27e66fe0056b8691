import ApusCore

/// Some neighbouring slots that go from one shard to another.
public struct SlotMove: Sendable, Hashable, Codable {
    /// The first slot.
    public var slot: Int
    /// How many there are.
    public var count: Int
    /// The shard they leave.
    public var from: Int
    /// The shard they go to.
    public var to: Int

    /// The slots.
    var slots: Range<Int> { slot..<slot + count }
}

/// Which slots go where, and how many shards there are then.
public struct MovePlan: Sendable, Hashable, Codable {
    /// How many shards the map has when all is done.
    public var shards: Int
    /// What moves, in this order.
    public var moves: [SlotMove]

    /// The plan that has the same slots back where they were.
    var back: MovePlan {
        MovePlan(
            shards: shards,
            moves: moves.reversed().map { SlotMove(slot: $0.slot, count: $0.count, from: $0.to, to: $0.from) }
        )
    }

    /// How many slots move.
    public var slots: Int { moves.reduce(0) { $0 + $1.count } }

    /// Spreads the slots over another number of shards, and moves no more of them than it must.
    ///
    /// Each shard that stays keeps its first slots up to its share; those of shards that go, and what is over, fill
    /// the others in order. Shards then differ by one slot at most.
    ///
    /// - Parameters:
    ///   - assignment: The shard of each slot.
    ///   - shards: How many there are to be, 1 or more and no more than slots.
    /// - Returns: What moves.
    static func spread(_ assignment: [Int], over shards: Int) -> MovePlan {
        let slots = assignment.count
        let share = (0..<shards).map { slots * ($0 + 1) / shards - slots * $0 / shards }
        var has = Array(repeating: 0, count: shards)
        // What is over at its shard, in the order of slots.
        var over: [Int] = []
        for (slot, shard) in assignment.enumerated() {
            if shard < shards, has[shard] < share[shard] { has[shard] += 1 } else { over.append(slot) }
        }
        var target = 0
        var moves: [SlotMove] = []
        for slot in over {
            while has[target] == share[target] { target += 1 }
            has[target] += 1
            append(SlotMove(slot: slot, count: 1, from: assignment[slot], to: target), to: &moves)
        }
        return MovePlan(shards: shards, moves: moves)
    }

    /// Moves some slots to one shard, which may be the next new one; those that are there stay.
    static func gather(_ slots: some Sequence<Int>, of assignment: [Int], to shard: Int, shards: Int) -> MovePlan {
        var moves: [SlotMove] = []
        for slot in slots where assignment[slot] != shard {
            append(SlotMove(slot: slot, count: 1, from: assignment[slot], to: shard), to: &moves)
        }
        return MovePlan(shards: max(shards, shard + 1), moves: moves)
    }

    /// Brings every slot to the shard that `targets` has for it.
    static func bring(_ targets: [Int], from assignment: [Int], shards: Int) -> MovePlan {
        var moves: [SlotMove] = []
        for (slot, shard) in targets.enumerated() where assignment[slot] != shard {
            append(SlotMove(slot: slot, count: 1, from: assignment[slot], to: shard), to: &moves)
        }
        return MovePlan(shards: shards, moves: moves)
    }

    private static func append(_ move: SlotMove, to moves: inout [SlotMove]) {
        if let last = moves.indices.last, moves[last].from == move.from, moves[last].to == move.to,
            moves[last].slots.upperBound == move.slot
        {
            moves[last].count += 1
        } else {
            moves.append(move)
        }
    }
}
