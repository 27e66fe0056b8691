/// What a search for the limit found.
public struct LimitFinding: Codable, Sendable, Hashable {
    /// One rate that was tried.
    public struct Step: Codable, Sendable, Hashable {
        /// Arrivals a second that were wanted.
        public var rate: Double
        /// Answers a second.
        public var answered: Double
        /// Latency at the 50th percentile, in seconds.
        public var p50: Double
        /// Latency at the 99th percentile, in seconds.
        public var p99: Double
        /// The share of requests that failed.
        public var errors: Double
        /// Whether all thresholds were kept, with the load really given.
        public var holds: Bool
        /// Why not, or why the step proves nothing.
        public var why: String?
        /// Whether it was the generator that did not keep up.
        public var isGenerator = false
        /// What was busy meanwhile.
        public var bottleneck: Bottleneck?
    }

    /// What had to be kept.
    public var requirements: [String]
    /// The highest rate at which they were kept each time; 0 where they never were.
    public var knee: Double
    /// Where the knee lies: the highest rate that held each time, and the lowest that failed; the second is nil where none did.
    public var from: Double
    /// The lowest rate that failed.
    public var to: Double?
    /// What is safe to run at: 70% of the knee, so that a replica may be lost or a minute be busier than the mean.
    public var safe: Double
    /// How often the knee was tried, and how often it held.
    public var tries: Int
    /// How often it held.
    public var held: Int
    /// `high`, `medium` or `low`, and why.
    public var confidence: String
    /// Why.
    public var reason: String
    /// What was busiest where it broke.
    public var bottleneck: Bottleneck?
    /// Everything that was tried, in order.
    public var steps: [Step]
}
