public import ApusCore
public import ApusObserve

/// A cache whose entries carry tags, so that all entries of a tag can be forgotten at once, in every process.
///
///     let pages = TaggedCache<PageID, Page>("pages", CacheConfiguration(capacity: 10_000))
///     let page = try await pages.find(id, tags: ["supplier:\(supplier)"]) { try await render(id) }
///     try await pages.removeAll(tagged: "supplier:7")
///
/// A tag has a version, in a cache of its own beside the entries. An entry keeps the versions that its tags had before it
/// was loaded, and is good while they are the same: forgetting a tag is one write, whatever it has, and a value that was
/// read before it is not kept after it.
public final class TaggedCache<Key: Hashable & Sendable, Value: Sendable>: SharableBlock {
    /// `cache`; the engine is chosen by `CACHE_URL`.
    public static var kind: String { Cache<Key, Value>.kind }
    /// The cache's name within its system.
    public let name: String
    private let entries: Cache<Key, Tagged<Value>>
    private let versions: Cache<String, Int64>

    /// Declares a cache.
    ///
    /// - Parameters:
    ///   - name: Its name within the system; that of its tags' versions is the same with `-tags`.
    ///   - configuration: Size and lifetimes of the entries.
    ///   - tagsMax: How many tags' versions are held in memory; 10,000 unless given. An entry whose tag's version is held
    ///     nowhere any more is loaded anew.
    ///   - metrics: Where it counts.
    public init(
        _ name: String,
        _ configuration: CacheConfiguration = CacheConfiguration(),
        tagsMax: Int = 10_000,
        metrics: Metrics = .process
    ) {
        self.name = name
        entries = Cache(name, configuration, metrics: metrics)
        var tags = configuration
        tags.capacity = tagsMax
        // As long as no entry lives longer than its tags, a version that is gone says nothing of an entry that is there.
        tags.lifetime = configuration.lifetime.map { $0 * 2 + .seconds(1) }
        tags.lifetimeJitter = 0
        (tags.refreshAfter, tags.earlyRefresh) = (nil, nil)
        (tags.staleIfError, tags.staleWhileRevalidate) = (.zero, .zero)
        versions = Cache("\(name)-tags", tags, metrics: metrics)
    }

    /// Opens both halves.
    ///
    /// - Throws: As ``Cache/open(_:)``.
    public func open(_ site: BlockSite) async throws {
        try await versions.open(site)
        try await entries.open(site)
    }

    /// Closes both halves.
    public func close() async {
        await entries.close()
        await versions.close()
    }

    /// The entries' stock client.
    public var stockClient: String? { entries.stockClient }
    /// As its configuration says.
    public var isShared: Bool { entries.isShared }
    /// What is wrong with the tier behind, if anything is.
    public var problems: [String] { entries.problems }
    /// What the entries' half did and holds.
    public var statistics: CacheStatistics { entries.statistics }

    /// The value for `key`, from memory or from `load`; `nil` where `load` says that there is none.
    ///
    /// - Parameters:
    ///   - key: What is looked for.
    ///   - tags: What it belongs to; the same whenever the key is looked for.
    ///   - load: Gets it where it is missing, or one of its tags was forgotten since.
    /// - Returns: The value, `nil` for none.
    /// - Throws: What `load` throws; ``CacheError`` when too many wait; `CancellationError`.
    public func find(
        _ key: Key,
        tags: [String],
        load: @escaping @Sendable () async throws -> Value?
    ) async throws -> Value? {
        let current = try await versions(of: tags)
        let loader: @Sendable () async throws -> Tagged<Value>? = {
            // Asked again: what was forgotten while this waited for its turn is older than what is loaded now.
            let before = try await self.versions(of: tags)
            return Tagged(versions: before, value: try await load())
        }
        if let entry = try await entries.find(key, load: loader) {
            if entry.versions == current { return entry.value }
            // Others may have loaded it since, or have heard of the tag before this process.
            try? await entries.remove(key)
        }
        return try await entries.find(key, load: loader)?.value
    }

    /// Forgets `key`.
    ///
    /// - Throws: What the engine throws.
    public func remove(_ key: Key) async throws { try await entries.remove(key) }

    /// Forgets all entries with a tag, here and in every process that shares the cache.
    ///
    /// - Throws: What the engine throws; this process has forgotten them then all the same.
    public func removeAll(tagged tag: String) async throws {
        try await versions.set(Self.version(), for: tag)
    }

    /// Forgets everything.
    ///
    /// - Throws: What the engine throws.
    public func removeAll() async throws { try await entries.removeAll() }

    private func versions(of tags: [String]) async throws -> [Int64] {
        var found: [Int64] = []
        for tag in tags { found.append(try await versions.value(for: tag) { Self.version() }) }
        return found
    }

    private static func version() -> Int64 { Int64(bitPattern: SecureRandom.number()) }
}

/// A value with the versions that its tags had before it was loaded.
struct Tagged<Value: Sendable>: Sendable {
    var versions: [Int64]
    var value: Value?
}

extension Tagged: Encodable where Value: Encodable {}
extension Tagged: Decodable where Value: Decodable {}
