import ApusCore

/// What a shard on a server says of the keys that leave it.
///
/// It is one row of `apus_moving`, which each step of a resharding changes in the transaction that takes its keys away. Whoever
/// shares the table's lock keeps steps from happening, and a step keeps all of them out.
struct ShardState: Sendable, Equatable, Row {
    /// The slot that leaves now, where it goes, and the hash of its first key that is still here.
    struct Leaving: Sendable, Equatable {
        var slot: Int
        var to: Int
        var reached: UInt64
    }

    /// Grows with every change; of two shards' changes the later one has the larger number.
    var version: Int64
    /// Whether keys leave, or may begin to at any moment.
    var isOpen: Bool
    var leaving: Leaving?
    /// Slots that have left so far, ever: rows of `apus_left` are numbered by it.
    var departures: Int64

    static let query: SQL =
        "SELECT version, is_open, slot, target, reached, departures FROM apus_moving WHERE id = 1"

    init(version: Int64, isOpen: Bool, leaving: Leaving?, departures: Int64) {
        self.version = version
        self.isOpen = isOpen
        self.leaving = leaving
        self.departures = departures
    }

    init(from row: inout RowReader) throws {
        version = try row.next()
        isOpen = try row.next(Int.self) != 0
        let (slot, target, reached): (Int?, Int?, Int64?) = (try row.next(), try row.next(), try row.next())
        departures = try row.next()
        if let slot, let target, let reached {
            leaving = Leaving(slot: slot, to: target, reached: Self.hash(reached))
        } else {
            leaving = nil
        }
    }

    /// Hashes are unsigned, a database's numbers are not: the same order for both.
    static func number(_ hash: UInt64) -> Int64 { Int64(bitPattern: hash ^ 1 << 63) }
    static func hash(_ number: Int64) -> UInt64 { UInt64(bitPattern: number) ^ 1 << 63 }

    /// Makes the tables in which a shard keeps all that.
    ///
    /// `apus_left` says where slots went that have left, and by which plan; `apus_steps` how many steps there were to each other
    /// shard (kind 0) and from it (kind 1), with what the last one brought.
    ///
    /// - Throws: ``StoreError``.
    static func makeTables(_ session: any MigrationSession) throws {
        try session.run(
            """
            CREATE TABLE IF NOT EXISTS apus_left (slot INTEGER NOT NULL, target INTEGER NOT NULL, plan INTEGER NOT NULL,
              number INTEGER NOT NULL, PRIMARY KEY (slot));
            CREATE TABLE IF NOT EXISTS apus_steps (other INTEGER NOT NULL, kind INTEGER NOT NULL, step INTEGER NOT NULL,
              document TEXT NOT NULL, PRIMARY KEY (other, kind));
            CREATE TABLE IF NOT EXISTS apus_moving (id INTEGER NOT NULL, version INTEGER NOT NULL,
              is_open INTEGER NOT NULL, slot INTEGER, target INTEGER, reached INTEGER, departures INTEGER NOT NULL,
              opened_at INTEGER NOT NULL, PRIMARY KEY (id))
            """
        )
        let isThere: Int? = try Transaction(session).first("SELECT 1 FROM apus_moving WHERE id = 1")
        if isThere != nil { return }
        _ = try session.execute(
            "INSERT INTO apus_moving (id, version, is_open, departures, opened_at) VALUES (1, 0, 0, 0, 0)"
        )
    }
}

/// A slot that has left a shard.
struct Departure: Sendable, Row {
    var slot: Int
    var to: Int
    /// The plan by which it left; a later plan's word counts.
    var plan: Int64
    /// The how manyth of its shard's departures it is.
    var number: Int64

    init(slot: Int, to: Int, plan: Int64, number: Int64 = 1) {
        self.slot = slot
        self.to = to
        self.plan = plan
        self.number = number
    }

    init(from row: inout RowReader) throws {
        slot = try row.next()
        to = try row.next()
        plan = try row.next()
        number = try row.next()
    }

    /// Rows of one answer.
    static let page = 1000

    /// Some of those behind the first `known`.
    static func query(behind known: Int64) -> SQL {
        "SELECT slot, target, plan, number FROM apus_left WHERE number > \(known) ORDER BY number LIMIT \(page)"
    }
}

/// How many steps a shard has seen, by the other shard: what two shards say of each other fits together at one moment alone.
struct ShardCut: Sendable {
    /// Steps to others, and from others.
    var departures: [Int: Int64] = [:]
    var arrivals: [Int: Int64] = [:]

    static func read(_ session: any SQLSession) throws -> ShardCut {
        var cut = ShardCut()
        try session.query("SELECT other, kind, step FROM apus_steps") { row in
            let (other, kind, step): (Int, Int, Int64) = (try row.next(), try row.next(), try row.next())
            if kind == 0 { cut.departures[other] = step } else { cut.arrivals[other] = step }
            return true
        }
        return cut
    }

    /// The first two shards that were not looked at between the same steps; `nil` where each row was seen once.
    ///
    /// Shards that were not looked at say nothing.
    static func gap(_ cuts: [Int: ShardCut]) -> (from: Int, to: Int)? {
        for (shard, cut) in cuts.sorted(by: { $0.key < $1.key }) {
            for (to, step) in cut.departures {
                if let other = cuts[to], other.arrivals[shard] ?? 0 != step { return (shard, to) }
            }
            for (from, step) in cut.arrivals {
                if let other = cuts[from], other.departures[shard] ?? 0 != step { return (from, shard) }
            }
        }
        return nil
    }

    /// The highest number of a shard that it names.
    var shardMax: Int { max(departures.keys.max() ?? 0, arrivals.keys.max() ?? 0) }
}
