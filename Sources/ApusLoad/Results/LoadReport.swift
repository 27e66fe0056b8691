import ApusObserve

/// What a run came to: the document that `--json` prints, that `--compare` reads, and that the HTML page is made of.
///
/// Times are in seconds, rates a second, shares from 0 to 1.
public struct LoadReport: Codable, Sendable, Hashable {
    /// How latencies spread.
    public struct Latency: Codable, Sendable, Hashable {
        /// How many were measured.
        public var count = 0
        /// The mean.
        public var mean = 0.0
        /// What half of them did not exceed, and so on.
        public var p50 = 0.0
        /// 90%.
        public var p90 = 0.0
        /// 95%.
        public var p95 = 0.0
        /// 99%.
        public var p99 = 0.0
        /// 99.9%.
        public var p999 = 0.0
        /// The largest, exactly.
        public var max = 0.0

        /// None measured.
        public init() {}

        init(_ counts: LatencyCounts) {
            guard counts.count > 0 else { return }
            let snapshot = counts.snapshot
            let most = Double(counts.max) / 1e9
            func at(_ quantile: Double) -> Double { min((snapshot.quantile(quantile) ?? 0) / 1e9, most) }
            count = Int(counts.count)
            mean = (counts.mean ?? 0) / 1e9
            (p50, p90, p95) = (at(0.5), at(0.9), at(0.95))
            (p99, p999, max) = (at(0.99), at(0.999), most)
        }
    }

    /// What became of the requests of one kind, or of all.
    public struct Kind: Codable, Sendable, Hashable {
        /// Such as `GET /products/{product}`.
        public var name: String
        /// How many were due; each is answered or failed.
        public var requests: Int
        /// Those that came back in a second.
        public var rate: Double
        /// How many failed, for whatever reason.
        public var failed: Int
        /// The share that failed.
        public var errors: Double
        /// How many failed for each reason.
        public var failures: [String: Int]
        /// Answers by the first digit of their status.
        public var statuses: [String: Int]
        /// Bytes of the bodies that were received.
        public var bytes: Int
        /// From when the request was due to its answer's last byte.
        public var latency: Latency
    }

    /// What went on in one second or so.
    public struct Sample: Codable, Sendable, Hashable {
        /// When it ended, in seconds from the beginning of what counts.
        public var at: Double
        /// How long it was.
        public var seconds: Double
        /// Arrivals a second that were wanted then; nil in a closed loop.
        public var wanted: Double?
        /// Visitors or requests that came.
        public var arrivals: Int
        /// Requests that were answered or failed.
        public var requests: Int
        /// Requests that failed.
        public var failed: Int
        /// Visitors or requests under way at its end.
        public var underWay: Int
        /// How the latencies of this second spread.
        public var latency: Latency
        /// How late the generator was, at the 99th percentile.
        public var lag: Double
    }

    /// A bucket of the histogram.
    public struct Bucket: Codable, Sendable, Hashable {
        /// Its largest value.
        public var to: Double
        /// How many are in it.
        public var count: Int
    }

    /// A check of the scenario's.
    public struct Check: Codable, Sendable, Hashable {
        /// What was checked.
        public var what: String
        /// How often it held.
        public var passed: Int
        /// How often it did not.
        public var failed: Int
    }

    /// What the generator says of itself.
    public struct Generator: Codable, Sendable, Hashable {
        /// Its loops.
        public var loops: Int
        /// How late requests started for reasons of its own.
        public var lag: Latency
        /// The share of a core that its busiest loop used.
        public var busiest: Double
        /// Processor time of all its loops.
        public var cpuSeconds: Double
        /// Connections made.
        public var connects: Int
        /// Requests sent again since the target had closed an idle connection under them.
        public var resent: Int
    }

    /// The document's own version: 1.
    public var version = 1
    /// What was loaded.
    public var target: String
    /// The scenario's name.
    public var scenario: String
    /// How it was driven, in words.
    public var driver: String
    /// `open` or `closed`.
    public var loop: String
    /// What decided what chance decides.
    public var seed: UInt64
    /// When it began, in seconds since 1970.
    public var began: Double
    /// How long arrivals came.
    public var duration: Double
    /// The time over which rates are taken: until the last answer.
    public var elapsed: Double
    /// Visitors or requests that came, and how many a second were wanted.
    public var arrivals: Int
    /// Arrivals a second that were wanted, on average; nil in a closed loop.
    public var wanted: Double?
    /// Visitors that came to the end of their journey.
    public var finished: Int
    /// Visitors that gave up.
    public var abandoned: Int
    /// All requests together.
    public var all: Kind
    /// By kind, the most frequent first.
    public var kinds: [Kind]
    /// Second by second.
    public var samples: [Sample]
    /// The histogram of all latencies: buckets that hold something.
    public var histogram: [Bucket]
    /// The scenario's checks.
    public var checks: [Check]
    /// What was looked at after the run.
    public var findings: [Mix.Finding] = []
    /// The thresholds that were asked for.
    public var thresholds: [Threshold.Outcome] = []
    /// What the generator says of itself.
    public var generator: Generator
    /// Why the run proves nothing; empty for a valid one.
    public var invalid: [String]
    /// What a search for the limit found.
    public var limit: LimitFinding?

    /// Whether the figures can be trusted.
    public var isValid: Bool { invalid.isEmpty }
    /// Whether nothing that was asked for was missed.
    public var holds: Bool {
        isValid && thresholds.allSatisfy(\.holds) && findings.allSatisfy(\.holds)
    }
}

extension LoadReport.Kind {
    init(_ name: String, _ tally: KindTally, seconds: Double) {
        self.name = name
        requests = tally.requests
        failed = tally.failed
        rate = seconds > 0 ? Double(tally.requests) / seconds : 0
        errors = tally.requests > 0 ? Double(tally.failed) / Double(tally.requests) : 0
        failures = [:]
        for failure in Failure.allCases where tally.failures[failure.rawValue] > 0 {
            failures[failure.description] = tally.failures[failure.rawValue]
        }
        statuses = [:]
        for digit in 1...5 where tally.statuses[digit] > 0 { statuses["\(digit)xx"] = tally.statuses[digit] }
        bytes = tally.bytes
        latency = LoadReport.Latency(tally.latency)
    }
}

extension LoadReport {
    static func histogram(_ counts: LatencyCounts) -> [Bucket] {
        let snapshot = counts.snapshot
        return snapshot.counts.indices.filter { snapshot.counts[$0] > 0 }.map { index in
            let to = index < snapshot.bounds.count ? Double(snapshot.bounds[index]) / 1e9 : Double(counts.max) / 1e9
            return Bucket(to: to, count: Int(snapshot.counts[index]))
        }
    }
}
