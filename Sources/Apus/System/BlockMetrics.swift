import ApusCore
import ApusObserve
import ApusRuntime
import ApusStore

/// What the blocks of a process count, where `/metrics` and the dashboard find it.
enum BlockMetrics {
    /// Registers the instruments of an open block.
    static func observe(_ block: any Block, in folder: String) {
        if let store = block as? Store { observe(store, in: folder) }
    }

    private static func observe(_ store: Store, in folder: String) {
        typealias Shard = StoreStatistics.Shard
        let totals: [(name: String, help: String, read: @Sendable (Shard) -> Double)] = [
            ("commits", "Commits, each with one sync of the disk.", { Double($0.commits) }),
            ("writes", "Requests that commits made durable.", { Double($0.requests) }),
            ("failures", "Requests that were undone.", { Double($0.failures) }),
            ("refused", "Requests refused because the queue was full.", { Double($0.refused) }),
            ("queue_seconds", "Time that requests waited before they ran.", { Double($0.queueNanoseconds) / 1e9 }),
            ("commit_seconds", "Time from the begin to the end of commits.", { Double($0.commitNanoseconds) / 1e9 }),
            ("local_reads", "Point reads done on loops.", { Double($0.localReads) }),
            ("replica_reads", "Reads that replicas answered.", { Double($0.replicaReads) }),
            ("scans", "Reads done on a shard's threads.", { Double($0.scans) }),
            ("reads", "Reads, wherever.", { Double($0.localReads + $0.replicaReads + $0.scans) }),
            ("slow", "Writes and scans that took long.", { Double($0.slow) }),
        ]
        let slots = SlotCounts(store)
        // More shards may come while the store is open.
        let last = LastStatistics(store)
        last.eachShard { shard in
            let labels = [("store", store.name), ("shard", "\(shard)")]
            for total in totals {
                Metrics.process.observeTotal("apus_store_\(total.name)_total", help: total.help, labels: labels) {
                    last.shard(shard).map(total.read) ?? 0
                }
            }
            Metrics.process.observe("apus_store_waiting", help: "Writes that wait now.", labels: labels) {
                Double(last.shard(shard)?.waiting ?? 0)
            }
            Metrics.process.observe(
                "apus_store_follower_lag",
                help: "Commits that the shard's follower does not have yet.",
                labels: labels
            ) { Double(last.shard(shard)?.followerLag ?? 0) }
            let path = "\(folder)/shard-\(String(repeating: "0", count: max(0, 4 - "\(shard)".count)))\(shard).sqlite"
            Metrics.process.observe("apus_store_bytes", help: "The shard's file and its log.", labels: labels) {
                Double((Files.status(path)?.size ?? 0) + (Files.status("\(path)-wal")?.size ?? 0))
            }
            Metrics.process.observe("apus_store_slots", help: "Slots that lie on the shard.", labels: labels) {
                Double(slots.count(on: shard))
            }
        }
    }

    /// How many slots each shard has, counted anew when some have moved.
    private final class SlotCounts: Sendable {
        private let store: Store
        private let last = Lock<(version: Int, counts: [Int])>((-1, []))

        init(_ store: Store) { self.store = store }

        func count(on shard: Int) -> Int {
            guard let map = try? store.map else { return 0 }
            return last.withLock { last in
                let version = map.version
                if last.version != version {
                    var counts = Array(repeating: 0, count: map.shards)
                    for slot in 0..<map.sharding.slots {
                        let shard = map.shard(ofSlot: slot)
                        if shard < counts.count { counts[shard] += 1 }
                    }
                    last = (version, counts)
                }
                return shard < last.counts.count ? last.counts[shard] : 0
            }
        }
    }

    /// The store's statistics, read once for all the metrics that are made of them.
    private final class LastStatistics: Sendable {
        private struct State {
            var read = Instant(nanoseconds: .min)
            var shards: [StoreStatistics.Shard] = []
            var observed = 0
            var observe: @Sendable (Int) -> Void = { _ in }
        }
        private let store: Store
        private let state = Lock(State())

        init(_ store: Store) { self.store = store }

        /// Calls `observe` for each shard, now and when more come.
        func eachShard(_ observe: @escaping @Sendable (Int) -> Void) {
            state.withLock { $0.observe = observe }
            look()
        }

        private func look() {
            let shards = store.statistics().shards
            let (new, observe) = state.withLock { state in
                let new = state.observed..<max(state.observed, shards.count)
                state.observed = new.upperBound
                return (new, state.observe)
            }
            for shard in new { observe(shard) }
        }

        func shard(_ index: Int) -> StoreStatistics.Shard? {
            let now = SystemClock().now()
            let (shard, isMore) = state.withLock { state -> (StoreStatistics.Shard?, Bool) in
                if state.shards.isEmpty || now.nanoseconds - 100_000_000 > state.read.nanoseconds {
                    state.read = now
                    state.shards = store.statistics().shards
                }
                return (
                    index < state.shards.count ? state.shards[index] : nil, state.shards.count > state.observed
                )
            }
            // Not now: whoever reads the metrics is at it.
            if isMore { Task { look() } }
            return shard
        }
    }
}
