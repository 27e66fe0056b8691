import ApusCache
import ApusCore
import ApusDashboard
import ApusHTTP
import ApusStore

/// What a process tells of its blocks when somebody looks at one: hot keys, slow statements, rows.
struct BlockLook: Sendable {
    let blocks: [any Block]

    private func block(_ kind: String, _ name: String) -> (any Block)? {
        blocks.first { type(of: $0).kind == kind && $0.name == name }
    }

    /// What this process knows of a block; `nil` where it has none of that name.
    func detail(of kind: String, _ name: String) async -> BlockDetail? {
        guard let block = block(kind, name) else { return nil }
        var detail = BlockDetail()
        if let cache = block as? any HotKeySource {
            let report = cache.hotKeys
            detail.samples = report.samples
            detail.hotKeys = report.keys.map { .init(key: $0.text, count: $0.count, error: $0.error) }
        }
        if let store = block as? Store {
            detail.resharding = (try? await store.resharding()).map { move in
                .init(
                    slots: move.slots,
                    slotsInAll: move.plan.slots,
                    shards: move.plan.shards,
                    isDone: move.isDone,
                    isBack: move.isBack,
                    begunAt: move.begunAt * 1_000_000_000
                )
            }
            detail.slowAfter = store.slowAfter.seconds
            detail.slow = store.slowStatements.map { slow in
                .init(
                    text: slow.text,
                    shard: slow.shard,
                    count: slow.count,
                    seconds: slow.total.seconds,
                    longest: slow.longest.seconds,
                    last: slow.last
                )
            }
        }
        return detail
    }

    /// Counts the rows of a store.
    ///
    /// - Throws: ``ChangeRefused`` where there is none of that name, or it is not open.
    func rows(of name: String) async throws(ChangeRefused) -> RowCounts {
        guard let store = block(Store.kind, name) as? Store else { throw ChangeRefused("there is no store \(name)") }
        do {
            let counts = try await store.rowCounts()
            return RowCounts(
                time: SystemClock().wallNanoseconds(),
                shards: counts.shards,
                tables: counts.tables.sorted { $0.key < $1.key }.map { table, rows in
                    RowCounts.Table(name: table, rows: counts.shards.map { rows[$0] })
                },
                isComplete: counts.isComplete
            )
        } catch {
            throw ChangeRefused("\(error)")
        }
    }

    /// Answers `/blocks/KIND/NAME` and `/blocks/store/NAME/rows` on a process's own socket.
    ///
    /// - Returns: False for every other path.
    func answers(_ exchange: Exchange) async throws -> Bool {
        let words = exchange.path.split(separator: UInt8(ascii: "/")).compactMap { word in
            Array(word).withUnsafeBytes { PercentCoding.decodeText($0) }
        }
        guard words.count >= 3, words[0] == "blocks" else { return false }
        if words.count == 4, words[1] == Store.kind, words[3] == "rows" {
            do {
                try Self.answer(try await rows(of: words[2]), exchange)
            } catch let error as ChangeRefused {
                throw Problem(.serviceUnavailable, code: "block.rows", detail: "\(error)")
            }
            return true
        }
        guard words.count == 3, let detail = await detail(of: words[1], words[2]) else { return false }
        try Self.answer(detail, exchange)
        return true
    }

    private static func answer(_ document: some Encodable, _ exchange: Exchange) throws {
        exchange.answer(type: "application/json", text: try JSONDocument.encode(document))
    }
}
