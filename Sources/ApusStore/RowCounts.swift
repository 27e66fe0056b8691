public import ApusCore
import ApusRuntime

/// How many rows the tables of a store have.
public struct StoreRowCounts: Sendable, Hashable {
    /// Rows by table, then by shard; what was not counted in time is missing.
    public var tables: [String: [Int: Int]] = [:]
    /// The numbers of the shards.
    public var shards: [Int] = []
    /// Whether every table of every shard was counted.
    public var isComplete = true
}

extension Store {
    /// Counts the rows of all tables, each shard on its own reader thread.
    ///
    /// It reads every page of the tables or of an index, so it is for people who look, not for a program's requests.
    /// A statement is stopped at the deadline.
    ///
    /// - Parameters:
    ///   - limit: How long all of it may take.
    ///   - clock: Measures that.
    /// - Returns: What was counted until then.
    /// - Throws: ``StoreError`` with code `closed`.
    public func rowCounts(
        within limit: Duration = .seconds(3),
        clock: any Clock = SystemClock()
    ) async throws -> StoreRowCounts {
        let engines = try current().engines
        let deadline = clock.now() + limit
        return await withTaskGroup(of: (Int, [String: Int], Bool).self) { group in
            for (index, engine) in engines.enumerated() {
                group.addTask { await Self.count(engine, index, deadline, clock) }
            }
            var counts = StoreRowCounts(shards: Array(engines.indices))
            for await (index, rows, isComplete) in group {
                for (table, count) in rows { counts.tables[table, default: [:]][index] = count }
                counts.isComplete = counts.isComplete && isComplete
            }
            return counts
        }
    }

    private static func count(
        _ engine: any ShardEngine,
        _ index: Int,
        _ deadline: Instant,
        _ clock: any Clock
    ) async -> (Int, [String: Int], Bool) {
        var counts: [String: Int] = [:]
        func left() throws -> Duration {
            let left = deadline - clock.now()
            guard left > .zero else { throw StoreError(.deadlineExceeded, "rows are counted for a while only") }
            return left
        }
        do {
            let names = try await Answer.read(engine, deadline: try left()) { session -> [String] in
                var names: [String] = []
                try session.query(session.dialect.countableTables) { row in
                    names.append(try String.read(&row))
                    return true
                }
                return names
            }
            for name in names where Identifiers.isIdentifier(name) && !name.hasPrefix("apus_") {
                counts[name] = try await Answer.read(engine, deadline: try left()) { session -> Int in
                    var count = 0
                    // Not `count(*)`, which is one step to SQLite and cannot be stopped.
                    try session.query("SELECT count(1) FROM \(identifier: name)") { row in
                        count = try Int.read(&row)
                        return false
                    }
                    return count
                }
            }
            return (index, counts, true)
        } catch {
            return (index, counts, false)
        }
    }
}
