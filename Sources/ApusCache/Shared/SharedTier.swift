import ApusCore

/// A cache's entries on a server that all processes share.
///
/// A missing key is given to one process to load: it leaves a lease under the key's name, and whoever comes meanwhile
/// looks again until the value is there, the lease has run out, or its own patience has. A write or a removal takes the
/// lease away with it, so that what was read before is not kept after: the fence. All of it is done with compare and set,
/// without a script on the server.
final class SharedTier<Key: Hashable & Sendable, Value: Sendable>: CacheEngine, TierWatcher {
    /// What the names of a cache's entries begin with; the last part is the version of their form.
    static func prefix(of cache: String) -> String { "apus:\(cache):" }

    private let server: any TierServer
    private let coding: TierCoding<Key, Value>
    private let prefix: [UInt8]
    private let configuration: CacheConfiguration
    private let clock: any Clock
    private let rest: Lock<Rest>
    private let owed = OwedRemovals()
    /// Told of keys that somebody changed, and, with `nil`, that any may have changed.
    private let onChange: @Sendable (Key?) -> Void

    /// After failures the server is left alone for a while, so that its absence costs nobody a wait.
    private struct Rest {
        var failures = 0
        var until = Instant(nanoseconds: .min)
    }

    init(
        _ cache: String,
        on server: any TierServer,
        coding: TierCoding<Key, Value>,
        configuration: CacheConfiguration,
        clock: any Clock,
        onChange: @escaping @Sendable (Key?) -> Void
    ) {
        self.server = server
        self.coding = coding
        self.configuration = configuration
        self.clock = clock
        self.onChange = onChange
        prefix = Array(Self.prefix(of: cache).utf8)
        rest = Lock(Rest())
    }

    /// Begins to hear of changes.
    func open() async throws { try await server.watch(prefix, self) }

    func close() async {
        owed.close()
        await server.close(self)
    }

    var stockClient: String? { server.stockClient(prefix: String(decoding: prefix, as: UTF8.self)) }
    var problem: String? { server.problem }

    // MARK: Changes by others

    func changed(_ name: [UInt8]) {
        if let key = coding.key(of: name.dropFirst(prefix.count)) { onChange(key) }
    }

    func lostTrack() { onChange(nil) }

    // MARK: Looking

    func look(for key: Key, refreshing: Bool) async throws -> CacheEngineAnswer<Value> {
        if isResting { return .load(nil) }
        let name = try name(of: key)
        // The server may still have what this process has said is old.
        if owed.contains(name) { return .load(nil) }
        var pause = Duration.milliseconds(1)
        let patience = clock.now() + configuration.leaseLifetime
        while true {
            let item = try await reach { try await server.get(name) }
            let form = item.flatMap { TierForm($0.bytes) }
            if let item, let form, form.kind != .lease, let entry = entry(form) {
                return refreshing ? try await refresh(name, item, form, entry) : .found(entry)
            }
            if let form, form.kind == .lease, !isOver(form) {
                // Somebody else's reload is not waited for by one who has a value.
                if refreshing || clock.now() >= patience { return .load(nil) }
                try await server.wait(pause)
                pause = min(pause * 2, .milliseconds(20))
                continue
            }
            let lease = newLease()
            let life = configuration.leaseLifetime
            let token = try await reach {
                if let item { return try await server.replace(item.token, with: lease, as: name, lifetime: life) }
                return try await server.add(lease, as: name, lifetime: life)
            }
            if let token { return .load(Self.lease(.lease, token)) }
            if clock.now() >= patience { return .load(nil) }
        }
    }

    /// A value there is, for one who wants a newer one: the right to load it, unless somebody does.
    private func refresh(
        _ name: [UInt8],
        _ item: TierItem,
        _ form: TierForm,
        _ entry: CacheEngineEntry<Value>
    ) async throws -> CacheEngineAnswer<Value> {
        let now = wallMilliseconds
        if form.refreshingUntil > now || isYoung(entry) { return .found(entry) }
        var marked = form
        marked.refreshingUntil = now + leaseMilliseconds
        let bytes = marked.bytes
        let token = try await reach {
            try await server.replace(item.token, with: bytes, as: name, lifetime: entry.lifetime)
        }
        return token.map { .load(Self.lease(form.kind, $0)) } ?? .found(entry)
    }

    /// Whether somebody has reloaded it since the caller got its own: it is not due yet.
    private func isYoung(_ entry: CacheEngineEntry<Value>) -> Bool {
        guard let after = configuration.refreshAfter, let whole = configuration.lifetime, let left = entry.lifetime
        else {
            return false
        }
        return left > whole * (1 - after)
    }

    /// What is known of a lease: what it lies under, and the server's token.
    private static func lease(_ kind: TierForm.Kind, _ token: [UInt8]) -> CacheLease {
        CacheLease(token: [kind.rawValue] + token)
    }

    private func newLease() -> [UInt8] {
        var form = TierForm(.lease, until: SecureRandom.number())
        if !server.endsInTime { form.refreshingUntil = wallMilliseconds + leaseMilliseconds }
        return form.bytes
    }

    /// A lease whose server has not ended it yet.
    private func isOver(_ lease: TierForm) -> Bool {
        lease.refreshingUntil != 0 && lease.refreshingUntil <= wallMilliseconds
    }

    /// What a form says, `nil` where its time is up or it cannot be read.
    private func entry(_ form: TierForm) -> CacheEngineEntry<Value>? {
        var lifetime: Duration?
        if form.until != .max {
            let now = wallMilliseconds
            guard form.until > now else { return nil }
            lifetime = .milliseconds(Int64(clamping: form.until - now))
        }
        let loadTime = Duration.nanoseconds(Int64(form.loadMicroseconds) * 1000)
        if form.kind == .absent { return CacheEngineEntry(value: nil, lifetime: lifetime, loadTime: loadTime) }
        // A value of another version of the program is loaded anew.
        guard let value = try? coding.decode(form.payload) else { return nil }
        return CacheEngineEntry(value: value, lifetime: lifetime, loadTime: loadTime)
    }

    // MARK: Keeping

    func fill(_ entry: CacheEngineEntry<Value>, for key: Key, under lease: CacheLease) async throws -> Bool {
        let (name, bytes) = (try name(of: key), try bytes(of: entry))
        if isResting { return false }
        let token = Array(lease.token.dropFirst())
        return try await reach {
            try await server.replace(token, with: bytes, as: name, lifetime: entry.lifetime) != nil
        }
    }

    func giveUp(_ lease: CacheLease, for key: Key) async {
        guard let name = try? name(of: key) else { return }
        // The lease of a refresh is the old value, which stays.
        guard lease.token.first == TierForm.Kind.lease.rawValue else { return }
        // If this fails the lease ends by itself.
        if isResting { return }
        let token = Array(lease.token.dropFirst())
        try? await reach { try await server.remove(name, ifStill: token) }
    }

    func keep(_ entry: CacheEngineEntry<Value>, for key: Key) async throws {
        let (name, bytes) = (try name(of: key), try bytes(of: entry))
        do {
            try checkRest()
            try await reach { try await server.set(bytes, as: name, lifetime: entry.lifetime) }
        } catch {
            owe(name)
            throw error
        }
    }

    func versioned(_ key: Key) async throws -> (entry: CacheEngineEntry<Value>?, token: [UInt8]) {
        let name = try name(of: key)
        try checkRest()
        // The server may still have what this process has said is old.
        guard !owed.contains(name) else {
            throw CacheError(.serverAway, fault: .engine, isRetryable: true, detail: "a removal of the key is owed")
        }
        guard let item = try await reach({ try await server.get(name) }) else { return (nil, []) }
        try checkFirm(item.token)
        let form = TierForm(item.bytes)
        // What takes the place of a lease fences the load under it.
        return (form.flatMap { $0.kind == .lease ? nil : entry($0) }, item.token)
    }

    /// What is kept for a while in the place of a server that is gone is not compared and set: the server comes back with
    /// what it had.
    private func checkFirm(_ token: [UInt8]) throws {
        guard !server.isFirm(token) else { return }
        throw CacheError(
            .serverAway,
            fault: .engine,
            isRetryable: true,
            detail: server.problem ?? "the key's server is gone"
        )
    }

    func replace(_ token: [UInt8], with entry: CacheEngineEntry<Value>, for key: Key) async throws -> Bool {
        let (name, bytes) = (try name(of: key), try bytes(of: entry))
        try checkRest()
        if !token.isEmpty { return try await replace(token, bytes, name, entry.lifetime) }
        // Nothing was there: what is put there first has an end, whatever becomes of this process.
        let life = configuration.leaseLifetime
        guard let lease = try await reach({ try await server.add(newLease(), as: name, lifetime: life) }) else {
            return false
        }
        do {
            try checkFirm(lease)
            return try await replace(lease, bytes, name, entry.lifetime)
        } catch {
            // So that those who load the key need not wait for its end.
            try? await reach { try await server.remove(name, ifStill: lease) }
            throw error
        }
    }

    private func replace(
        _ token: [UInt8],
        _ bytes: [UInt8],
        _ name: [UInt8],
        _ lifetime: Duration?
    ) async throws -> Bool {
        do {
            let new = try await reach {
                try await server.replace(token, with: bytes, as: name, lifetime: lifetime)
            }
            guard let new else { return false }
            await server.replaced(name)
            // What was too large is not there.
            return !new.isEmpty
        } catch {
            // It may have been kept, and others may not hear of it.
            await server.replaced(name)
            throw error
        }
    }

    func remove(_ key: Key) async throws {
        let name = try name(of: key)
        do {
            try checkRest()
            try await reach { try await server.remove(name) }
        } catch {
            owe(name)
            throw error
        }
    }

    /// What could not be removed is, as soon as the server can be reached again.
    private func owe(_ name: [UInt8]) { owed.add(name, on: server) }

    func removeAll() async throws { try await reach { try await server.removeAll(prefix: prefix) } }

    // MARK: Parts

    private func name(of key: Key) throws -> [UInt8] { prefix + (try coding.name(of: key)) }

    private func bytes(of entry: CacheEngineEntry<Value>) throws -> [UInt8] {
        let until = entry.lifetime.map { wallMilliseconds + UInt64(max(1, $0.nanoseconds / 1_000_000)) } ?? .max
        let micros = UInt32(clamping: entry.loadTime.nanoseconds / 1000)
        guard let value = entry.value else { return TierForm(.absent, until: until, loadMicroseconds: micros).bytes }
        let payload = try coding.encode(value)
        return TierForm(.value, until: until, loadMicroseconds: micros, payload: payload[...]).bytes
    }

    /// The server failed a moment ago, and nobody waits for it.
    private var isResting: Bool { clock.now() < rest.withLock { $0.until } }

    private func checkRest() throws {
        guard isResting else { return }
        throw CacheError(
            .serverAway,
            fault: .engine,
            isRetryable: true,
            detail: server.problem ?? "it failed a moment ago"
        )
    }

    private var leaseMilliseconds: UInt64 { UInt64(configuration.leaseLifetime.nanoseconds / 1_000_000) }
    private var wallMilliseconds: UInt64 { UInt64(max(0, clock.wallNanoseconds() / 1_000_000)) }

    /// Asks the server, and leaves it alone for a while when it fails twice.
    private func reach<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            let result = try await body()
            rest.withLock { $0.failures = 0 }
            return result
        } catch {
            if server.isAway(error) {
                rest.withLock { rest in
                    rest.failures += 1
                    if rest.failures >= 2 {
                        rest.until = clock.now() + min(.milliseconds(100) * min(rest.failures, 20), .seconds(2))
                    }
                }
            }
            throw error
        }
    }
}
