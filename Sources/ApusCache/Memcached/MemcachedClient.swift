import ApusCore
public import ApusRuntime

/// A client of one memcached or of several, by the meta protocol.
///
/// Keys are shared between the servers as clients of other languages share them. Each loop has one connection to each server,
/// on which commands go out together, and none waits for another's answer. A server that is gone is left alone for a while,
/// which grows with each failure; meanwhile the gutter, if there is one, keeps its keys for short lives.
///
/// A call's task may be cancelled; the call then still ends with its answer or at its deadline, whichever is first.
public final class MemcachedClient: Sendable {
    /// How it is bounded.
    public let configuration: MemcachedClientConfiguration
    private let pools: MemcachedPools

    /// A client that connects when it is first used, with connections of their own for each loop that uses it.
    ///
    /// Calls from elsewhere go by a loop of the client's own, which ends with ``end()``.
    ///
    /// - Parameter configuration: The servers, and bounds.
    /// - Throws: `ConfigurationError` for a configuration that makes no sense; `TLSError` for files that cannot be used.
    public init(_ configuration: MemcachedClientConfiguration) throws {
        let maker = try MemcachedPoolMaker(configuration)
        self.configuration = maker.configuration
        pools = MemcachedPools(maker)
    }

    /// A client that connects when it is first used.
    ///
    /// - Parameters:
    ///   - configuration: The servers, and bounds.
    ///   - loops: The loops that will have connections; calls from elsewhere go by the first of them.
    /// - Throws: `ConfigurationError` for a configuration that makes no sense; `TLSError` for files that cannot be used.
    public init(_ configuration: MemcachedClientConfiguration, loops: [EventLoop]) throws {
        precondition(!loops.isEmpty, "a client needs a loop")
        let maker = try MemcachedPoolMaker(configuration)
        self.configuration = maker.configuration
        pools = MemcachedPools(maker, loops: loops)
    }

    deinit {
        // Open connections hold themselves until they are closed.
        pools.close()
    }

    /// Closes all connections; calls that wait fail, and later ones too.
    public func close() { pools.close() }

    /// Closes all connections, and ends the loop that the client made for itself.
    public func end() async {
        pools.close()
        await pools.endOwnLoop()
    }

    /// The caller's loop, else one of the client's.
    func loop() throws -> EventLoop { try EventLoop.current ?? pools.pool().loop }

    // MARK: Reading

    /// What is kept of a key; `nil` where nothing is, or a value that was invalidated.
    ///
    /// - Throws: ``MemcachedError``.
    public func get(_ key: [UInt8]) async throws -> MemcachedItem? {
        Self.item(try await ask(.get, key))
    }

    /// What is kept of many keys, in their order; each server is asked once.
    ///
    /// - Throws: ``MemcachedError``, also where only some of the servers can be reached and there is no gutter.
    public func get(_ keys: [[UInt8]]) async throws -> [MemcachedItem?] {
        for key in keys { try check(key) }
        let answers = try await onPool { pool in try await pool.get(keys) }
        return try answers.map { answer in
            guard let answer else { return nil }
            try check(answer)
            return Self.item(answer)
        }
    }

    /// What is kept of a key, and whether this caller is the one to load it.
    ///
    /// The right to load passes on to another caller when `seconds` are over. An empty value counts as none while it is
    /// being loaded.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - seconds: How long a loader may take, in whole seconds, 1 at least.
    ///   - early: Below so many seconds of life left, one caller is told to refresh the value.
    /// - Returns: What is there, or what to do.
    /// - Throws: ``MemcachedError``.
    public func lease(_ key: [UInt8], for seconds: Int, early: Int? = nil) async throws -> MemcachedLease {
        let answer = try await ask(.lease(seconds: max(1, seconds), early: early), key)
        let response = answer.response
        let item = MemcachedItem(
            value: answer.value,
            flags: response.clientFlags,
            version: response.version ?? 0
        )
        if response.isStale { return .stale(item, mayLoad: response.mayLoad) }
        if answer.value.isEmpty, response.mayLoad { return .mayLoad(version: item.version) }
        if answer.value.isEmpty, response.isBeingLoaded { return .isBeingLoaded }
        return .fresh(item, mayRefresh: response.mayLoad)
    }

    // MARK: Storing

    /// Keeps a value.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - value: Its value.
    ///   - flags: A number that comes back with it.
    ///   - lifetime: How long it lives, rounded up to seconds; `nil` until it is evicted.
    /// - Throws: ``MemcachedError``.
    public func set(_ key: [UInt8], _ value: [UInt8], flags: UInt32 = 0, lifetime: Duration? = nil) async throws {
        _ = try await ask(store(.set, flags, lifetime), key, value)
    }

    /// Keeps a value where there is none; true where it did.
    ///
    /// - Throws: ``MemcachedError``.
    public func add(_ key: [UInt8], _ value: [UInt8], flags: UInt32 = 0, lifetime: Duration? = nil) async throws -> Bool
    {
        try await ask(store(.add, flags, lifetime), key, value).response.code == .done
    }

    /// Keeps a value where nobody has changed the old one since it had `version`.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - value: Its value.
    ///   - version: That of the item that was read, or of the lease.
    ///   - flags: A number that comes back with it.
    ///   - lifetime: How long it lives, rounded up to seconds; `nil` until it is evicted.
    ///   - keepsAsStale: Where the item was invalidated since, it is kept as a stale one that others may use meanwhile.
    /// - Returns: Whether it is kept, and why not.
    /// - Throws: ``MemcachedError``; the gutter does not take it over.
    public func compareAndSet(
        _ key: [UInt8],
        _ value: [UInt8],
        version: UInt64,
        flags: UInt32 = 0,
        lifetime: Duration? = nil,
        keepsAsStale: Bool = false
    ) async throws -> MemcachedOutcome {
        let answer = try await ask(store(.set, flags, lifetime, version, keepsAsStale), key, value)
        switch answer.response.code {
        case .done: return .stored
        case .exists: return .changed
        default: return .missing
        }
    }

    /// Adds to a number; where there is none it begins at `first`.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - step: What is added; 1 unless given.
    ///   - first: What a number begins with; 1 unless given.
    ///   - lifetime: How long a number lives from its beginning, rounded up to seconds; `nil` until it is evicted.
    /// - Returns: The number then.
    /// - Throws: ``MemcachedError``, `refused` also where the value is no number; the gutter does not take it over.
    public func count(_ key: [UInt8], by step: UInt64 = 1, from first: UInt64 = 1, lifetime: Duration? = nil)
        async throws -> UInt64
    {
        let seconds = lifetime.map(self.seconds) ?? 0
        let answer = try await ask(.count(by: step, first: first, seconds: seconds), key)
        // A number that has lost a digit may have a space behind it.
        let digits = answer.value.prefix { (0x30...0x39).contains($0) }
        guard let number = UInt64(String(decoding: digits, as: UTF8.self)) else {
            throw MemcachedError(.refused, "the server did not count", wasSent: true)
        }
        return number
    }

    /// Keeps a value as `set` and `add` do, or where nobody has changed the old one since it had `version`.
    ///
    /// - Returns: The new item's version; `nil` where it is not kept.
    func place(
        _ mode: MetaRequest.MetaMode,
        _ key: [UInt8],
        _ value: [UInt8],
        flags: UInt32,
        lifetime: Duration?,
        version: UInt64? = nil
    ) async throws -> UInt64? {
        let seconds = lifetime.map(self.seconds) ?? 0
        let kind = MetaRequest.Kind.place(mode, flags: flags, seconds: seconds, version: version)
        let answer = try await ask(kind, key, value)
        return answer.response.code == .done ? answer.response.version ?? 0 : nil
    }

    // MARK: Taking away

    /// Takes a key out; true where it was there.
    ///
    /// - Throws: ``MemcachedError``: where the key's server is gone, the old value may come back with it.
    @discardableResult
    public func delete(_ key: [UInt8]) async throws -> Bool {
        try await ask(.delete(version: nil), key).response.code == .done
    }

    /// Takes a key out where nobody has changed it since it had `version`; true where it did.
    ///
    /// - Throws: ``MemcachedError``; the gutter does not take it over.
    @discardableResult
    public func delete(_ key: [UInt8], version: UInt64) async throws -> Bool {
        try await ask(.delete(version: version), key).response.code == .done
    }

    /// Marks a value as old: one caller who asks for a lease is told to load it anew, and the others may use it meanwhile.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - lifetime: How long the old value may still be used; `nil` leaves it its life.
    /// - Returns: Whether there was one.
    /// - Throws: ``MemcachedError``: where the key's server is gone, the old value may come back with it.
    @discardableResult
    public func invalidate(_ key: [UInt8], usableFor lifetime: Duration? = nil) async throws -> Bool {
        try await ask(.invalidate(seconds: lifetime.map(seconds)), key).response.code == .done
    }

    // MARK: Asking

    private func store(
        _ mode: MetaRequest.MetaMode,
        _ flags: UInt32,
        _ lifetime: Duration?,
        _ version: UInt64? = nil,
        _ keepsAsStale: Bool = false
    ) -> MetaRequest.Kind {
        .set(
            mode,
            flags: flags,
            seconds: lifetime.map(seconds) ?? 0,
            version: version,
            keepsAsStale: keepsAsStale
        )
    }

    /// Whole seconds as memcached counts them: more than thirty days are a time of day.
    private func seconds(_ lifetime: Duration) -> Int {
        let seconds = max(1, Int((lifetime.nanoseconds + 999_999_999) / 1_000_000_000))
        guard seconds > 60 * 60 * 24 * 30 else { return seconds }
        let now = EventLoop.current?.clock.wallNanoseconds() ?? SystemClock().wallNanoseconds()
        return min(Int(now / 1_000_000_000) + seconds, Int(Int32.max))
    }

    private func ask(_ kind: MetaRequest.Kind, _ key: [UInt8], _ value: [UInt8] = []) async throws -> MetaAnswer {
        try check(key)
        guard value.count <= configuration.valueBytesMax else {
            throw MemcachedError(.notKept, "a value of \(value.count) B, at most \(configuration.valueBytesMax) B")
        }
        let request = MetaRequest(kind: kind)
        let answer = try await onPool { pool in try await pool.ask(request, key, value) }
        try check(answer)
        return answer
    }

    /// Runs `body` on the loop whose connections are used: the caller's, if it is one of them.
    private func onPool<Result: Sendable>(
        _ body: @escaping @Sendable (MemcachedPool) async throws -> Result
    ) async throws -> Result {
        let pool = try pools.pool()
        if pool.loop.isCurrent { return try await body(pool) }
        return try await Task(executorPreference: pool.loop) { try await body(pool) }.value
    }

    private func check(_ key: [UInt8]) throws(MemcachedError) {
        guard MetaRequest.isKey(key) else {
            throw MemcachedError(.badKey, "a key of \(key.count) B; 1 to 250 B without spaces are allowed")
        }
    }

    private func check(_ answer: MetaAnswer) throws(MemcachedError) {
        guard case .refused(let refusal, _) = answer.response.code else { return }
        switch refusal {
        case .server: throw MemcachedError(.notKept, "the server could not keep it", wasSent: true)
        case .client: throw MemcachedError(.refused, "the server refuses the command", wasSent: true)
        case .unknownCommand:
            throw MemcachedError(
                .refused,
                "the server has no meta commands; memcached has them from 1.6 on",
                wasSent: true
            )
        }
    }

    private static func item(_ answer: MetaAnswer) -> MemcachedItem? {
        guard case .value = answer.response.code, !answer.response.isStale else { return nil }
        // What was only made so that one caller loads it is nothing yet.
        if answer.value.isEmpty, answer.response.isBeingLoaded || answer.response.mayLoad { return nil }
        return MemcachedItem(
            value: answer.value,
            flags: answer.response.clientFlags,
            version: answer.response.version ?? 0
        )
    }
}
