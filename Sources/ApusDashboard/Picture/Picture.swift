/// The running system at one moment: its parts, and what passes between them.
public struct Picture: Codable, Sendable, Hashable {
    /// Something that works: an edge, a part, a cache, a store.
    public struct Node: Codable, Sendable, Hashable {
        /// Its name, unique in the picture, such as `storefront` or `store:shop`.
        public var id: String
        /// What it is called.
        public var name: String
        /// `clients`, `edge`, `web`, `service`, `process`, `cache` or `store`.
        public var kind: String
        /// What runs it, such as `S3-FIFO in memory` or `SQLite`.
        public var engine: String?
        /// The share of its busiest loop or thread that is in use, 0 to 1; `nil` where nothing says.
        public var utilisation: Double?
        /// How long work waits before it runs, 99 of 100, in seconds.
        public var queue: Double?
        /// Share of one core.
        public var cpu: Double?
        /// Resident memory, in bytes.
        public var memory: Double?
        /// Answers from a cache's memory among all look-ups, 0 to 1.
        public var hitRatio: Double?
        /// Whether it is the busiest of all.
        public var isBusiest: Bool = false
        /// Its replicas or shards.
        public var members: [Member] = []
    }

    /// A replica or a shard of a node.
    public struct Member: Codable, Sendable, Hashable {
        /// `storefront/0`, or a shard's number.
        public var name: String
        /// What it is doing.
        public var state: String
        /// The share of its busiest loop or thread that is in use, 0 to 1.
        public var utilisation: Double?
        /// How long work waits before it runs, in seconds.
        public var queue: Double?
        /// Share of one core.
        public var cpu: Double?
        /// Resident memory, in bytes.
        public var memory: Double?
        /// Starts beyond the first.
        public var restarts: Int?
        /// What is done a second: requests, or writes.
        public var rate: Double?
    }

    /// What passes from one node to another.
    public struct Arrow: Codable, Sendable, Hashable {
        /// Who asks.
        public var from: String
        /// Who answers.
        public var to: String
        /// Requests a second.
        public var rate: Double
        /// Half of them take at most this long, in seconds.
        public var p50: Double?
        /// 99 of 100 take at most this long, in seconds.
        public var p99: Double?
        /// Failures a second.
        public var errors: Double
        /// Second attempts a second.
        public var retries: Double
        /// What the times are of, where that is not each request.
        public var of: String?
    }

    /// The end of the stretch that it shows, in nanoseconds since 1970.
    public var time: Int64
    /// The length of the stretch, in seconds.
    public var window: Double
    /// Everything that works.
    public var nodes: [Node]
    /// What passes between.
    public var arrows: [Arrow]
    /// What is wrong.
    public var problems: [String]
}
