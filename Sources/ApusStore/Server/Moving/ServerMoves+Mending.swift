import ApusCore
import ApusRuntime

/// Putting right what a step left that did not come to its end.
extension ServerMoves {
    func mend(within deadline: Duration) async throws {
        let engines = try shards.every()
        for (to, target) in engines.enumerated() {
            try await target.look()
            let cut = try await Answer.read(target, deadline: deadline) { try ShardCut.read($0) }
            for (from, step) in cut.arrivals where engines.indices.contains(from) {
                let gone = try await Answer.read(engines[from], deadline: deadline) {
                    try Self.steps(Transaction($0), to, kind: 0)
                }
                if gone != step { try await mend(from: from, to: to, within: deadline) }
            }
        }
    }

    /// Takes away what a dead step brought from one shard to another.
    ///
    /// The source is held: a step that lives has come to its end then.
    func mend(from: Int, to: Int, within deadline: Duration) async throws {
        let (source, target, tables) = (try shards.engine(from), try shards.engine(to), tables)
        try await source.exclusively(deadline: deadline) { transaction in
            let gone = try Self.steps(transaction, to, kind: 0)
            let step = try Blocking.run {
                // A step that lives has its rows on the target, and waits for the source: only what is committed counts.
                let known = try await Answer.read(target, deadline: deadline) {
                    try Self.steps(Transaction($0), from, kind: 1)
                }
                if known == gone { return gone }
                return try await Answer.of { answer in
                    try await target.receive(deadline: deadline) {
                        answer.set(try Self.mend(from, to, gone, tables, $0))
                    }
                }
            }
            if step != gone { try Self.note(step, to, kind: 0, "", transaction) }
        }
    }

    /// Takes what came too much away on the target.
    ///
    /// - Returns: The count that both shards have then. No step has it: what was looked at before fits to nothing after.
    private static func mend(
        _ from: Int,
        _ to: Int,
        _ gone: Int64,
        _ tables: [TableStatements],
        _ transaction: borrowing Transaction
    ) throws -> Int64 {
        struct Noted: Row {
            let step: Int64
            let document: String
            init(from row: inout RowReader) throws {
                step = try row.next()
                document = try row.next()
            }
        }
        let noted: Noted? = try transaction.first(
            "SELECT step, document FROM apus_steps WHERE other = \(from) AND kind = 1 FOR UPDATE"
        )
        guard noted?.step ?? 0 >= gone else {
            throw StoreError(
                .corrupt,
                "shard \(to) knows of fewer steps from shard \(from) than that one; restore it from a backup"
            )
        }
        guard let noted, noted.step > gone else { return gone }
        if !noted.document.isEmpty {
            let arrival = try Arrival(text: noted.document)
            try WholeRow.takeAway(try arrival.entries(among: tables), tables, transaction)
        }
        try note(noted.step + 1, from, kind: 1, "", transaction)
        return noted.step + 1
    }
}
