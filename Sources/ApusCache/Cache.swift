public import ApusCore
public import ApusObserve
public import ApusRuntime

/// Keeps values that are costly to get, in this process, for every loop.
///
///     let products = Cache<ProductID, Product>("products", capacity: 50_000)
///     let product = try await products.value(for: id) { try await store.product(id) }
///
/// However many callers miss the same key at once, its loader runs once. An invalidation during a load keeps the old value
/// out. A cache is never the only copy of what matters.
public final class Cache<Key: Hashable & Sendable, Value: Sendable>: SharableBlock {
    @usableFromInline typealias Content = CacheContent<Value>
    @usableFromInline typealias Part = CachePart<Key, Value>

    /// `cache`; the engine is chosen by `CACHE_URL`.
    public static var kind: String { "cache" }
    /// The cache's name within its system.
    public let name: String
    /// How it is sized and how long entries live.
    public let configuration: CacheConfiguration
    let weigher: (@Sendable (Key, Value) -> Int)?
    let parts: [Lock<Part>]
    @usableFromInline let partCount: Int
    // What readers see of the parts, which own it; written once, here.
    @usableFromInline nonisolated(unsafe) let indexes: UnsafeMutablePointer<CacheIndex<Key, Value>>
    @usableFromInline let meter: CacheMeter
    @usableFromInline let hot = HotKeys<Key>()
    @usableFromInline let keyHash = KeyHash(seed: SecureRandom.number(), factor: SecureRandom.number())
    // Written by `open`, before anything uses the cache, as `Block` demands; behind a pointer, so that look-ups read it
    // without the checks that a property has which may change.
    @usableFromInline nonisolated(unsafe) let site: UnsafeMutablePointer<CacheSite<Key, Value>>

    /// Declares a cache.
    ///
    /// - Parameters:
    ///   - name: Its name within the system, and the value of the label `cache` in its metrics.
    ///   - configuration: Size and lifetimes.
    ///   - weigher: What an entry weighs, 1 or more, such as its bytes; 1 for each unless given. Called under a lock.
    ///   - metrics: Where it counts.
    /// - Precondition: The configuration makes sense; see ``CacheConfiguration/checked()``.
    public convenience init(
        _ name: String,
        _ configuration: CacheConfiguration = CacheConfiguration(),
        weigher: (@Sendable (Key, Value) -> Int)? = nil,
        metrics: Metrics = .process
    ) {
        self.init(name, configuration, weigher: weigher, engine: nil, metrics: metrics)
    }

    /// Declares a cache of at most `capacity` entries.
    public convenience init(_ name: String, capacity: Int, lifetime: Duration? = .seconds(300)) {
        self.init(name, CacheConfiguration(capacity: capacity, lifetime: lifetime))
    }

    /// Declares a cache of at most `capacityBytes`, where `weigher` says how many bytes an entry takes.
    public convenience init(
        _ name: String,
        capacityBytes: Int,
        lifetime: Duration? = .seconds(300),
        weigher: @escaping @Sendable (Key, Value) -> Int
    ) {
        self.init(name, CacheConfiguration(capacity: capacityBytes, lifetime: lifetime), weigher: weigher)
    }

    /// Declares a cache with an engine behind its memory.
    public init(
        _ name: String,
        _ configuration: CacheConfiguration,
        weigher: (@Sendable (Key, Value) -> Int)? = nil,
        engine: (any CacheEngine<Key, Value>)?,
        metrics: Metrics = .process
    ) {
        do {
            self.configuration = try configuration.checked()
        } catch {
            preconditionFailure("cache \(name): \(error)")
        }
        self.name = name
        self.weigher = weigher
        site = .allocate(capacity: 1)
        site.initialize(to: CacheSite(engine: engine))
        meter = CacheMeter(cache: name, metrics: metrics)
        parts = CacheParts.capacities(configuration.capacity, isWeighed: weigher != nil).map {
            Lock(Part(weightMax: $0))
        }
        partCount = parts.count
        indexes = .allocate(capacity: parts.count)
        for (number, part) in parts.enumerated() {
            (indexes + number).initialize(to: part.withLock { $0.table.index })
        }
        let gauges = [("entries", "Entries in the cache."), ("weight", "Weight of all entries in the cache.")]
        for (gauge, help) in gauges {
            metrics.observe("apus_cache_\(gauge)", help: help, labels: [("cache", name)]) { [weak self] in
                let statistics = self?.statistics
                return Double((gauge == "entries" ? statistics?.entries : statistics?.weight) ?? 0)
            }
        }
    }

    deinit {
        indexes.deallocate()
        site.deinitialize(count: 1)
        site.deallocate()
    }

    var engine: (any CacheEngine<Key, Value>)? { site.pointee.engine }

    /// Takes the site's clock, and the tier that its URL names: `memory:` for none, `redis://…` or `memcached://…` for one
    /// that is shared.
    ///
    /// A server that does not answer is no error: it is said in ``problems``, and until it comes the cache goes on alone.
    ///
    /// - Throws: `ConfigurationError` for a URL of another kind, and for keys or values that cannot leave the process.
    public func open(_ site: BlockSite) async throws {
        self.site.pointee.clock = site.clock is SystemClock ? nil : site.clock
        guard configuration.isShared else { return }
        if let server = try CacheEngineChoice(url: site.url).server() { try await share(on: server, clock: site.clock) }
    }

    /// Puts a shared tier behind the cache's memory.
    func share(on server: any TierServer, clock: any Clock) async throws {
        let tier = SharedTier<Key, Value>(
            name,
            on: server,
            coding: try TierCoding(cache: name),
            configuration: configuration,
            clock: clock,
            onChange: { [weak self] key in self?.changedElsewhere(key) }
        )
        site.pointee.engine = tier
        try await tier.open()
    }

    /// As its configuration says.
    public var isShared: Bool { configuration.isShared }

    /// What is wrong with the tier behind, if anything is.
    public var problems: [String] { (engine?.problem).map { [$0] } ?? [] }

    /// Cancels what is loading, waits for its end, and forgets everything; a closed cache loads no more.
    public func close() async {
        for part in parts {
            // What was kept dies here, outside of the lock.
            var gone: [Part.Entry] = []
            let loads = part.withLock { part in
                part.isClosed = true
                part.fenceAll()
                part.table.removeAll(gone: &gone)
                return part.running.values.joined().compactMap(\.task)
            }
            for load in loads { load.cancel() }
            for load in loads { await load.value }
        }
        await engine?.close()
    }

    /// The engine's stock client; none for the memory of a process.
    public var stockClient: String? { engine?.stockClient }

    // MARK: Looking up

    /// The value for `key`, from memory or from `load`; `nil` where `load` says that there is none, which is kept too.
    ///
    /// `load` runs in a task of its own, which carries on for the others when this caller is cancelled, and is cancelled
    /// with the last of them. Its errors go to all who wait.
    ///
    /// - Throws: What `load` throws; ``CacheError`` when too many wait; `CancellationError`.
    @inlinable
    public func find(_ key: Key, load: @escaping @Sendable () async throws -> Value?) async throws -> Value? {
        let hash = keyHash(key)
        switch look(key, hash) {
        case .fresh(let content, let refresh):
            countHit(key, hash)
            if refresh { reload(key, hash, load) }
            return try content.get()
        case .stale(let content, let refresh):
            countHit(key, hash)
            meter.stale.increment()
            if refresh { reload(key, hash, load) }
            return try content.get()
        case .missing:
            return try await wait(key, hash, load).get()
        }
    }

    /// The value for `key`, from memory or from `load`, which always has one.
    ///
    /// - Throws: What `load` throws; ``CacheError/Code/absent`` where another caller's loader said that there is none;
    ///   else as ``find(_:load:)``.
    @inlinable
    public func value(for key: Key, load: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let optional: @Sendable () async throws -> Value? = { try await load() }
        if let value = try await find(key, load: optional) { return value }
        throw absence
    }

    @usableFromInline
    var absence: CacheError {
        CacheError(.absent, fault: .caller, isRetryable: false, detail: "cache \(name)")
    }

    // MARK: Changing

    /// Keeps `value` for `key`, here and in the engine behind.
    ///
    /// - Parameters:
    ///   - value: The value; `nil` keeps the knowledge that there is none.
    ///   - key: What it is found by.
    ///   - lifetime: Its life, with jitter; the configuration's unless given.
    /// - Throws: What the engine throws; memory has the value then all the same.
    public func set(_ value: Value?, for key: Key, lifetime: Duration? = nil) async throws {
        let hash = keyHash(key)
        let content = value.map { Content.value($0) } ?? .absent
        change(key, hash) { put(content, key, hash, lifetime, &$0, &$1) }
        try await engine?.keep(engineEntry(value, lifetime), for: key)
    }

    /// Forgets `key`, here and in the engine behind; a load that runs will not bring an old value back.
    ///
    /// - Throws: What the engine throws; memory has forgotten the key then all the same.
    public func remove(_ key: Key) async throws {
        invalidate(key)
        guard let engine else { return }
        // Whoever asked the engine in the meantime may have got the old value.
        defer { invalidate(key) }
        try await engine.remove(key)
    }

    /// Forgets `key` in this process's memory; a load that runs will not bring an old value back.
    ///
    /// Never waits.
    public func invalidate(_ key: Key) {
        let hash = keyHash(key)
        change(key, hash) { part, gone in
            part.table.remove(key, hash, gone: &gone)
            return 0
        }
    }

    /// Forgets everything, here and in the engine behind; loads that run will not bring old values back.
    ///
    /// - Throws: What the engine throws; memory is empty then all the same.
    public func removeAll() async throws {
        invalidateAll()
        guard let engine else { return }
        defer { invalidateAll() }
        try await engine.removeAll()
    }

    private func invalidateAll() {
        for part in parts {
            var gone: [Part.Entry] = []
            part.withLock { part in
                part.fenceAll()
                part.table.removeAll(gone: &gone)
            }
        }
    }

    /// What the cache did and what it holds.
    public var statistics: CacheStatistics {
        var statistics = meter.statistics
        for part in parts {
            part.withLock { part in
                statistics.entries += part.table.count
                statistics.weight += part.table.weight
            }
        }
        return statistics
    }

    // MARK: Parts

    /// Which part a hash belongs to.
    @inlinable
    @inline(__always)
    func partNumber(_ hash: UInt64) -> Int {
        CacheParts.number(hash, of: partCount)
    }

    func part(_ hash: UInt64) -> Lock<Part> { parts[partNumber(hash)] }

    /// Counts a look-up that found something.
    @inlinable
    @inline(__always)
    func countHit(_ key: Key, _ hash: UInt64) {
        if meter.hits.incrementAndSample() { hot.note(key, hash, at: now()) }
    }

    /// Counts a look-up that found nothing.
    @inlinable
    @inline(__always)
    func countMiss(_ key: Key, _ hash: UInt64) {
        if meter.misses.incrementAndSample() { hot.note(key, hash, at: now()) }
    }

    /// The cache's time in nanoseconds: on a loop that of its turn.
    @inlinable
    @inline(__always)
    func now() -> Int64 {
        site.pointee.hasClock ? clockTime() : EventLoop.turnNanoseconds
    }

    @usableFromInline
    func clockTime() -> Int64 { (site.pointee.clock ?? SystemClock()).now().nanoseconds }

    /// Changes a part where a condition holds, fences the key's load, and lets what went die outside of the lock.
    func change(
        _ key: Key,
        _ hash: UInt64,
        where condition: (inout Part) -> Bool = { _ in true },
        _ body: (inout Part, inout [Part.Entry]) -> Int
    ) {
        var gone: [Part.Entry] = []
        let evictions = part(hash).withLock { part in
            guard condition(&part) else { return 0 }
            part.fence(key)
            part.table.drain()
            return body(&part, &gone)
        }
        meter.evictions.add(evictions)
    }

    /// Puts an entry into its part and makes room; returns how many others went.
    func keep(
        _ part: inout Part,
        _ key: Key,
        _ hash: UInt64,
        _ content: Content,
        _ life: CacheLife,
        _ gone: inout [Part.Entry]
    ) -> Int {
        var weight = 1
        if case .value(let value) = content, let weigher { weight = max(1, weigher(key, value)) }
        if !part.table.set(key, hash, content, life, weight: weight, at: now(), gone: &gone) {
            meter.refusals.increment()
        }
        return part.table.evict(gone: &gone)
    }

    /// How long an entry is good for what; `nil` where it is not to be kept.
    ///
    /// - Parameters:
    ///   - content: What is known.
    ///   - lifetime: How much longer it may be used; the configuration's unless given.
    ///   - loadTime: How long it took to load.
    /// - Returns: The life, which begins now.
    func life(of content: Content, _ lifetime: Duration?, loadTime: Duration = .zero) -> CacheLife? {
        let now = Instant(nanoseconds: now())
        let base: Duration?
        switch content {
        case .value: base = lifetime ?? configuration.lifetime
        case .absent:
            base = lifetime ?? configuration.absentLifetime
            if base == nil { return nil }
        case .failed:
            guard let life = configuration.errorLifetime.map(jittered) else { return nil }
            return CacheLife(until: now + life)
        }
        if configuration.nearLifetime == .zero { return nil }
        let end = base.map { now + jittered($0) }
        // The tier behind may change without word of it: then this is how old an entry can get.
        let near = engine == nil ? nil : now + configuration.nearLifetime
        guard let fresh = [end, near].compactMap({ $0 }).min() else { return .forever }
        guard case .value = content else { return CacheLife(until: fresh) }
        var life = CacheLife(until: fresh)
        life.revalidateUntil = (fresh + configuration.staleWhileRevalidate).nanoseconds
        life.errorUntil = (fresh + configuration.staleIfError).nanoseconds
        life.refreshAt = fresh.nanoseconds
        if fresh == near {
            // The tier behind may have a better one: it is asked, not the loader.
            life.revalidateUntil = fresh.nanoseconds
            life.refreshAt = .max
        }
        guard let end else { return life }
        if let share = configuration.refreshAfter, let whole = configuration.lifetime ?? base {
            life.refreshAt = end.nanoseconds - Int64((Double(whole.nanoseconds) * (1 - share)).rounded())
        } else if let eagerness = configuration.earlyRefresh {
            life.refreshSpan = Int64(min(Double(loadTime.nanoseconds) * eagerness, 0x1p57))
            life.refreshAt = end.nanoseconds - life.refreshSpan * Int64(CacheLife.refreshReach)
        }
        return life
    }

    /// A lifetime, a little longer or shorter at random.
    func jittered(_ lifetime: Duration) -> Duration {
        let jitter = 1 + Double.random(in: -1...1) * configuration.lifetimeJitter
        return .nanoseconds(Int64(min(Double(lifetime.nanoseconds) * jitter, 0x1p62)))
    }
}

/// Where a cache was opened.
@usableFromInline
struct CacheSite<Key: Hashable & Sendable, Value: Sendable> {
    /// Whether there is a clock: asked at each look-up, where a look at the clock itself would take a copy of it.
    @usableFromInline private(set) var hasClock = false
    /// The site's clock; `nil` means the machine's.
    var clock: (any Clock)? { didSet { hasClock = clock != nil } }
    /// The tier behind the cache's memory.
    var engine: (any CacheEngine<Key, Value>)?

    init(engine: (any CacheEngine<Key, Value>)?) { self.engine = engine }
}
