import ApusCore

/// Puts right what a step left that did not come to its end: its process was killed, or a disk was full.
///
/// The cursor decides: rows that were brought for keys that have not moved are taken away on the target, and rows of keys that
/// have moved are taken away on the source. Rows that came since are not touched: they are none of the step's.
struct MoveMender: Sendable {
    let shards: ShardList
    let tables: [TableStatements]

    /// The caller holds all of the ``StillGate``.
    ///
    /// - Throws: ``StoreError``; the step then stays open, and whoever asks next tries again.
    func mend() async throws {
        let table = shards.table
        guard let step = table.openStep else { return }
        // A step of this process may still be at it, behind a disk that hangs: each shard's writer ends it first.
        for shard in try shards.every() { try await shard.exclusively(deadline: ShardMover.patience) { _ in } }
        if let moving = table.moving, table.shard(ofSlot: moving.slot) == moving.to { try table.finish() }
        for (to, target) in try shards.every().enumerated() {
            guard let arrival = try await Answer.read(target, deadline: nil, { try Arrival.read($0) }) else { continue }
            if arrival.step != step { continue }
            let last = arrival.until.map { KeyPlace(slot: arrival.slot, hash: $0 - 1) }
            let owner = last.map(table.shard(of:)) ?? table.shard(ofSlot: arrival.slot)
            let wrong = owner == to ? try shards.engine(arrival.from) : target
            let (entries, tables) = (try arrival.entries(among: tables), tables)
            try await wrong.exclusively(deadline: ShardMover.patience) {
                try WholeRow.takeAway(entries, tables, $0)
            }
        }
        try table.endStep()
    }
}
