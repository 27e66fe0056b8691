/// What one process knows of a block beyond its metrics; told when somebody looks at the block.
public struct BlockDetail: Codable, Sendable, Hashable {
    /// A key of a cache that is looked up often.
    public struct HotKey: Codable, Sendable, Hashable {
        /// The key as text, at most 80 characters.
        public var key: String
        /// How often it was seen among the samples, lately.
        public var count: Double
        /// How much of this may be another key's.
        public var error: Double

        /// A key with how often it was seen.
        public init(key: String, count: Double, error: Double) {
            self.key = key
            self.count = count
            self.error = error
        }
    }

    /// A statement of a store that took long.
    public struct SlowStatement: Codable, Sendable, Hashable {
        /// Its text, with a mark for each value.
        public var text: String
        /// The shard.
        public var shard: Int
        /// How often it took long.
        public var count: Int
        /// The time of all those together, in seconds.
        public var seconds: Double
        /// The longest, in seconds.
        public var longest: Double
        /// When the last one ended, in nanoseconds since 1970.
        public var last: Int64

        /// A statement with how often it took long.
        public init(text: String, shard: Int, count: Int, seconds: Double, longest: Double, last: Int64) {
            self.text = text
            self.shard = shard
            self.count = count
            self.seconds = seconds
            self.longest = longest
            self.last = last
        }
    }

    /// How far a store's rows have moved to other shards.
    public struct Resharding: Codable, Sendable, Hashable {
        /// Slots that are where they are to be.
        public var slots: Int
        /// Slots that move.
        public var slotsInAll: Int
        /// How many shards there are when all is done.
        public var shards: Int
        /// True once all of it has moved: it is kept for the way back.
        public var isDone: Bool
        /// True on the way back.
        public var isBack: Bool
        /// When it began, in nanoseconds since 1970.
        public var begunAt: Int64

        /// A resharding that is under way, or is kept for the way back.
        public init(slots: Int, slotsInAll: Int, shards: Int, isDone: Bool, isBack: Bool, begunAt: Int64) {
            self.slots = slots
            self.slotsInAll = slotsInAll
            self.shards = shards
            self.isDone = isDone
            self.isBack = isBack
            self.begunAt = begunAt
        }
    }

    /// The hottest keys of this process, the hottest first.
    public var hotKeys: [HotKey] = []
    /// How many look-ups were looked at for them, lately.
    public var samples = 0.0
    /// Slow statements of this process.
    public var slow: [SlowStatement] = []
    /// From when on a statement counts as slow, in seconds.
    public var slowAfter: Double?
    /// A store's resharding; `nil` where nothing moves.
    public var resharding: Resharding?

    /// Nothing known.
    public init() {}
}

/// How many rows the tables of a store have, counted when somebody asked.
public struct RowCounts: Codable, Sendable, Hashable {
    /// A table on all shards.
    public struct Table: Codable, Sendable, Hashable {
        /// Its name.
        public var name: String
        /// Its rows on each shard, in the order of ``RowCounts/shards``; `nil` where it was not counted.
        public var rows: [Int?]

        /// A table with its rows.
        public init(name: String, rows: [Int?]) {
            self.name = name
            self.rows = rows
        }
    }

    /// When it was counted, in nanoseconds since 1970.
    public var time: Int64
    /// The numbers of the shards.
    public var shards: [Int]
    /// The tables by name.
    public var tables: [Table]
    /// Whether the time was enough to count everything.
    public var isComplete: Bool

    /// Counts from their parts.
    public init(time: Int64, shards: [Int], tables: [Table], isComplete: Bool) {
        self.time = time
        self.shards = shards
        self.tables = tables
        self.isComplete = isComplete
    }
}
