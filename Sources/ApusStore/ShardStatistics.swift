import ApusObserve
import CLinux

/// A shard's counters, written by its threads and read by anyone.
//
// `@unchecked Sendable` is sound because the cells are only touched by atomic operations.
@usableFromInline
final class ShardStatistics: @unchecked Sendable {
    enum Counter: Int, CaseIterable {
        case commits, requests, failures, queueNanoseconds, commitNanoseconds, scans, slow, refused, pointReads
    }

    private let cells: UnsafeMutablePointer<UInt64>
    /// From a write's arrival in the queue to its commit; `nil` for a shard that is none.
    let writeTimes: Histogram?
    /// Statements that took long; `nil` for a shard that is none.
    let slow: SlowStatements?

    init(writeTimes: Histogram? = nil, slow: SlowStatements? = nil) {
        self.writeTimes = writeTimes
        self.slow = slow
        cells = .allocate(capacity: Counter.allCases.count)
        cells.initialize(repeating: 0, count: Counter.allCases.count)
    }

    /// The counters of a shard, whose times of writes are in the process's metrics.
    convenience init(store: String, shard: Int, slow: SlowStatements) {
        let times = Metrics.process.histograms(
            "apus_store_write_duration_seconds",
            help: "From a write's arrival in a shard's queue to its commit.",
            bounds: .callDurations,
            labels: ["store", "shard"],
            seriesMax: 256
        )
        self.init(writeTimes: times.series(store, "\(shard)"), slow: slow)
    }

    deinit { cells.deallocate() }

    func add(_ counter: Counter, _ amount: Int = 1) {
        apus_atomic_add(cells + counter.rawValue, UInt64(truncatingIfNeeded: max(amount, 0)))
    }

    subscript(_ counter: Counter) -> Int { Int(apus_relaxed_load(cells + counter.rawValue)) }
}

/// What a store has done since it was opened, a part a shard.
public struct StoreStatistics: Sendable, Hashable {
    /// One shard's numbers.
    public struct Shard: Sendable, Hashable {
        /// The shard's number.
        public var index: Int
        /// Commits, each with one sync of the disk.
        public var commits: Int
        /// Requests that those commits made durable.
        public var requests: Int
        /// Requests that were undone, by their own error or the disk's.
        public var failures: Int
        /// Requests that were refused because the queue was full.
        public var refused: Int
        /// Requests that wait now.
        public var waiting: Int
        /// Nanoseconds that requests waited before they ran, in all.
        public var queueNanoseconds: Int
        /// Nanoseconds from the begin to the end of commits, in all.
        public var commitNanoseconds: Int
        /// Point reads done on loops.
        public var localReads: Int
        /// Reads answered by replicas, which are not among the others.
        public var replicaReads: Int
        /// Commits that the shard's follower does not have yet.
        public var followerLag: Int
        /// Reads done on the shard's threads.
        public var scans: Int
        /// Writes and scans that took longer than the configuration's `slowAfter`.
        public var slow: Int
        /// Requests a commit, on average.
        public var groupSize: Double { commits == 0 ? 0 : Double(requests) / Double(commits) }
    }

    /// The shards in order.
    public var shards: [Shard]
}
