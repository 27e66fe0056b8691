import ApusCore
import CSQLite

/// A statement that took long, with its text and without its values.
public struct SlowStatement: Sendable, Hashable {
    /// The text, with a mark for each value; `COMMIT` for the sync of the disk.
    public var text: String
    /// The shard.
    public var shard: Int
    /// How often it took longer than the configuration's `slowAfter`.
    public var count: Int
    /// The time of all those together.
    public var total: Duration
    /// The longest.
    public var longest: Duration
    /// When the last one ended, in nanoseconds since 1970.
    public var last: Int64
}

extension Store {
    /// Statements of writes and scans that took long since the store was opened, at most 64 texts a shard.
    ///
    /// Point reads on loops are bounded by their budget of steps and are not among them.
    public var slowStatements: [SlowStatement] {
        (try? current())?.engines.enumerated().flatMap { index, engine in
            engine.statistics.slow?.list(shard: index) ?? []
        } ?? []
    }

    /// From when on a statement counts as slow.
    public var slowAfter: Duration { configuration.slowAfter }
}

/// The slow statements of a shard: written by its threads where one took long, read by anyone.
final class SlowStatements: Sendable {
    /// Most texts kept; a further one takes the place of the one that was seen longest ago.
    static let textsMax = 64
    /// Longest text kept, in characters.
    static let textMax = 2000

    private struct Seen {
        var count = 0
        var total: Int64 = 0
        var longest: Int64 = 0
        var last: Int64 = 0
    }

    private let after: Int64
    private let clock: any Clock
    private let seen = Lock<[String: Seen]>([:])

    /// - Parameters:
    ///   - after: From when on a statement is slow.
    ///   - clock: Gives the time.
    init(after: Duration, clock: any Clock) {
        self.after = after.nanoseconds
        self.clock = clock
    }

    /// When a statement begins, in monotonic nanoseconds.
    func now() -> Int64 { clock.now().nanoseconds }

    /// Looks how long a statement took that began at `began`.
    @inline(__always)
    func ended(_ statement: OpaquePointer, since began: Int64) {
        let took = now() - began
        if took > after { note(sqlite3_sql(statement).map { String(cString: $0) } ?? "", took) }
    }

    /// The same for a statement whose engine has no text of it at hand.
    @inline(__always)
    func ended(_ sql: SQL, since began: Int64) {
        let took = now() - began
        if took > after { note(sql.text { "?\($0)" }, took) }
    }

    /// The same for what is no statement of the program's.
    func ended(_ text: String, since began: Int64) {
        let took = now() - began
        if took > after { note(text, took) }
    }

    @inline(never)
    private func note(_ text: String, _ took: Int64) {
        let last = clock.wallNanoseconds()
        let text = String(text.prefix(Self.textMax))
        seen.withLock { seen in
            if seen[text] == nil, seen.count >= Self.textsMax,
                let oldest = seen.min(by: { $0.value.last < $1.value.last })
            {
                seen[oldest.key] = nil
            }
            seen[text, default: Seen()].count += 1
            seen[text, default: Seen()].total += took
            seen[text, default: Seen()].longest = max(took, seen[text]?.longest ?? 0)
            seen[text, default: Seen()].last = last
        }
    }

    /// What was seen, the longest time in all first.
    func list(shard: Int) -> [SlowStatement] {
        seen.withLock { $0 }.map { text, seen in
            SlowStatement(
                text: text,
                shard: shard,
                count: seen.count,
                total: .nanoseconds(seen.total),
                longest: .nanoseconds(seen.longest),
                last: seen.last
            )
        }.sorted { ($0.total, $1.text) > ($1.total, $0.text) }
    }
}
