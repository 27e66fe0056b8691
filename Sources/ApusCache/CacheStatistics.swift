import ApusCore
public import ApusObserve

/// What a cache did since it was made, and what it holds.
public struct CacheStatistics: Sendable, Hashable {
    /// Look-ups answered from memory, stale answers included.
    public var hits = 0
    /// Look-ups that found nothing to serve.
    public var misses = 0
    /// Calls of loaders.
    public var loads = 0
    /// Loads that failed.
    public var loadFailures = 0
    /// Time spent in loaders.
    public var loadTime: Duration = .zero
    /// Answers older than their life, served while reloading or because reloading failed.
    public var staleServed = 0
    /// Entries pushed out for lack of room.
    public var evictions = 0
    /// Values that were not kept because one is heavier than a part of the cache, or was invalidated while it loaded.
    public var refusals = 0
    /// Calls of the engine behind that failed.
    public var engineFailures = 0
    /// Entries held, expired ones that were not yet swept included.
    public var entries = 0
    /// The sum of their weights.
    public var weight = 0

    /// Hits over look-ups, 0 before the first.
    public var hitRatio: Double { hits + misses == 0 ? 0 : Double(hits) / Double(hits + misses) }
}

/// The counters of one cache, in the process's metrics.
@usableFromInline
struct CacheMeter: Sendable {
    @usableFromInline let hits, misses, loads, loadFailures, stale, evictions, refusals, engineFailures: Counter
    let loadTime: Histogram

    init(cache: String, metrics: Metrics) {
        func counter(_ name: String, _ help: String) -> Counter {
            metrics.counters("apus_cache_\(name)_total", help: help, labels: ["cache"]).series(cache)
        }
        hits = counter("hits", "Look-ups answered from the cache.")
        misses = counter("misses", "Look-ups that found nothing to serve.")
        loads = counter("loads", "Calls of the cache's loaders.")
        loadFailures = counter("load_failures", "Loads that failed.")
        stale = counter("stale_served", "Answers older than their life.")
        evictions = counter("evictions", "Entries pushed out for lack of room.")
        refusals = counter("refusals", "Values that were not kept: too heavy, or invalidated while loading.")
        engineFailures = counter("engine_failures", "Failed calls of the engine behind the cache.")
        let times = metrics.histograms(
            "apus_cache_load_duration_seconds",
            help: "Time that loaders took.",
            bounds: [
                100_000, 1_000_000, 5_000_000, 25_000_000, 100_000_000, 500_000_000, 2_500_000_000, 10_000_000_000,
            ],
            labels: ["cache"]
        )
        loadTime = times.series(cache)
    }

    var statistics: CacheStatistics {
        var statistics = CacheStatistics()
        statistics.hits = Int(hits.value)
        statistics.misses = Int(misses.value)
        statistics.loads = Int(loads.value)
        statistics.loadFailures = Int(loadFailures.value)
        statistics.loadTime = .nanoseconds(Int64(clamping: loadTime.snapshot().sum))
        statistics.staleServed = Int(stale.value)
        statistics.evictions = Int(evictions.value)
        statistics.refusals = Int(refusals.value)
        statistics.engineFailures = Int(engineFailures.value)
        return statistics
    }
}
