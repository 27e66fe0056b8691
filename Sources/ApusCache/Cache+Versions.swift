import ApusCore

/// What a key's entry was when it was looked at: for ``Cache/replace(_:with:for:lifetime:)``.
public struct CacheVersion: Sendable, Hashable {
    enum Place: Sendable, Hashable {
        /// The entry's number in this process's memory; 0 for none.
        case memory(UInt64)
        /// What the engine behind knows it by.
        case engine([UInt8])
    }
    let place: Place
}

/// Changing an entry only where nobody else has: compare and set.
///
/// ```swift
/// try await scores.update(player) { ($0 ?? 0) + 1 }     // in one go
///
/// let (basket, version) = try await baskets.versioned(id)
/// let isKept = try await baskets.replace(version, with: basket.adding(item), for: id)
/// ```
/// Where processes share the cache, the server behind decides, so that all of them see one order of changes. A cache may
/// lose an entry at any time: what must not be lost is kept elsewhere.
extension Cache {
    /// How often ``update(_:lifetime:_:)`` begins anew.
    private static var attemptsMax: Int { 256 }

    /// The value for a key, and what it can be replaced by.
    ///
    /// It is looked for where changes are decided: behind this process's memory, if anything is there.
    ///
    /// - Returns: The value, `nil` for none, and its version. That there is none has one too, which does not tell what came and
    ///   went in between.
    /// - Throws: What the engine throws; ``CacheError/Code/serverAway``, ``CacheError/Code/unsupported``.
    public func versioned(_ key: Key) async throws -> (value: Value?, version: CacheVersion) {
        if let engine {
            let (entry, token) = try await engine.versioned(key)
            return (entry?.value, CacheVersion(place: .engine(token)))
        }
        let hash = keyHash(key)
        var gone: [Part.Entry] = []
        let now = now()
        let (value, version) = part(hash).withLock { part in
            part.table.versioned(key, hash, at: now, gone: &gone)
        }
        return (value, CacheVersion(place: .memory(version)))
    }

    /// Keeps a value for a key where nobody has changed it since it had `version`; a load that runs will not bring another.
    ///
    /// - Parameters:
    ///   - version: As ``versioned(_:)`` gave it.
    ///   - value: The new value; `nil` keeps the knowledge that there is none.
    ///   - key: What it is found by.
    ///   - lifetime: Its life, with jitter; the configuration's unless given.
    /// - Returns: Whether it was kept; false where the key was changed, forgotten or pushed out since, and where the cache does not
    ///   keep what is so large.
    /// - Throws: What the engine throws: then it may have been kept.
    public func replace(
        _ version: CacheVersion,
        with value: Value?,
        for key: Key,
        lifetime: Duration? = nil
    ) async throws -> Bool {
        let hash = keyHash(key)
        let content = value.map { Content.value($0) } ?? .absent
        switch (version.place, engine) {
        case (.memory(let number), nil):
            var isKept = false
            let now = now()
            change(key, hash, where: { $0.table.isStill(number, key, hash, at: now) }) { part, gone in
                let evictions = put(content, key, hash, lifetime, &part, &gone)
                isKept = value == nil || !part.table.isStill(0, key, hash, at: now)
                return evictions
            }
            return isKept
        case (.engine(let token), let engine?):
            // Of two changes that end at the same time only the engine knows which was the later one: memory asks it.
            defer { invalidate(key) }
            return try await engine.replace(token, with: engineEntry(value, lifetime), for: key)
        default:
            // A version from before the cache was opened on another place.
            return false
        }
    }

    /// Changes a key's value by what it was, however many do so at once.
    ///
    /// - Parameters:
    ///   - key: What it is found by.
    ///   - lifetime: The new value's life, with jitter; the configuration's unless given.
    ///   - change: What becomes of a value, `nil` for none; called again where others were faster.
    /// - Returns: What is kept now.
    /// - Throws: What `change` throws, with nothing changed; ``CacheError/Code/contended`` where others were faster 256 times;
    ///   else as ``replace(_:with:for:lifetime:)``.
    @discardableResult
    public func update(
        _ key: Key,
        lifetime: Duration? = nil,
        _ change: (Value?) async throws -> Value?
    ) async throws -> Value? {
        for _ in 0..<Self.attemptsMax {
            try Task.checkCancellation()
            let (value, version) = try await versioned(key)
            let changed = try await change(value)
            if try await replace(version, with: changed, for: key, lifetime: lifetime) { return changed }
            await Task.yield()
        }
        throw CacheError(
            .contended,
            fault: .apus,
            isRetryable: true,
            detail: "cache \(name): changed by others \(Self.attemptsMax) times"
        )
    }

    /// What the engine behind is told; that there is none, where that is not to be kept, is over at once.
    func engineEntry(_ value: Value?, _ lifetime: Duration?) -> CacheEngineEntry<Value> {
        let absent = configuration.absentLifetime ?? .milliseconds(1)
        return CacheEngineEntry(value: value, lifetime: lifetime ?? (value == nil ? absent : configuration.lifetime))
    }

    /// Keeps what is known of a key for as long as it is good, or forgets it; returns how many others went.
    func put(
        _ content: Content,
        _ key: Key,
        _ hash: UInt64,
        _ lifetime: Duration?,
        _ part: inout Part,
        _ gone: inout [Part.Entry]
    ) -> Int {
        if let life = life(of: content, lifetime) { return keep(&part, key, hash, content, life, &gone) }
        part.table.remove(key, hash, gone: &gone)
        return 0
    }
}
