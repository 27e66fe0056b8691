import ApusCore
import ApusObserve
import ApusRuntime

/// A shared tier on memcached, one server or several, or on the embedded server's port for its protocol.
///
/// Compare and set is memcached's own, by the version of an item; what a name is known by is where it lies, its version,
/// and its cache's generation. Memcached tells nobody of changes: they are told by ``CacheNews``, where the process runs in a
/// system that carries them, and without that near memory is bounded by its lifetime alone.
///
/// Where a server is gone and there is a gutter, that one has its keys for short lives. Leases lie there too, and end there:
/// what was loaded under one is compared and set where the lease lies. Removals and writes go to both; that the server is
/// gone is said all the same, since it may come back with the old value.
final class MemcachedTierServer: TierServer, CacheNewsListener {
    /// Longest wait for a reply: what a server that hangs costs before the client leaves it alone.
    static let replyLimit = RESPTierServer.replyLimit
    /// The largest entry; memcached keeps up to 1 MiB, its own head and the key included.
    static let entryBytesMax = 1_000_000

    private let main: MemcachedTierSide
    private let gutter: MemcachedTierSide?
    private let gutterLifetime: Duration
    private let tooLarge: Counter
    private let news: CacheNews
    private let state = Lock(State())

    private struct State {
        var watchers: [(prefix: [UInt8], watcher: any TierWatcher)] = []
        /// Asks the servers now and then whether they are there.
        var pulse: Task<Void, Never>?
        /// `nil` until they were asked.
        var problems: [String]?
        /// Uses by what does not watch.
        var uses = 0
        var isUnused: Bool { watchers.isEmpty && uses == 0 }
    }

    init(
        _ configuration: MemcachedClientConfiguration,
        replyLimit: Duration = replyLimit,
        metrics: Metrics = .process,
        news: CacheNews = .process
    ) throws {
        self.news = news
        var configuration = configuration
        (configuration.commandLimit, configuration.connectLimit) = (replyLimit, replyLimit)
        (configuration.pauseFirst, configuration.pauseLongest) = (.milliseconds(100), .seconds(2))
        configuration.valueBytesMax = 2 << 20
        gutterLifetime = configuration.gutterLifetime
        var beside = configuration
        (beside.servers, beside.gutter, configuration.gutter) = (configuration.gutter, [], [])
        main = try MemcachedTierSide(configuration)
        gutter = beside.servers.isEmpty ? nil : try MemcachedTierSide(beside)
        let refusals = metrics.counters(
            "apus_cache_tier_refusals_total",
            help: "Entries that the shared tier did not keep.",
            labels: ["reason"]
        )
        tooLarge = refusals.series("too-large")
    }

    // MARK: Values

    /// Where a name was found, and in which state.
    private struct Token {
        var isInGutter: Bool
        var version: UInt64
        var generation: UInt32

        init(_ isInGutter: Bool, _ version: UInt64, _ generation: UInt32) {
            (self.isInGutter, self.version, self.generation) = (isInGutter, version, generation)
        }

        init?(_ bytes: [UInt8]) {
            guard bytes.count == 13 else { return nil }
            func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
            self.init(bytes[0] == 1, number(1..<9), UInt32(truncatingIfNeeded: number(9..<13)))
        }

        var bytes: [UInt8] {
            var bytes: [UInt8] = [isInGutter ? 1 : 0]
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: version >> UInt64(shift)))
            }
            for shift in stride(from: 24, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: generation >> UInt32(shift)))
            }
            return bytes
        }
    }

    /// Asks a key's server, or where that is gone the gutter.
    private func reach<Result: Sendable>(
        _ body: (_ side: MemcachedTierSide, _ isGutter: Bool) async throws -> Result
    ) async throws -> Result {
        do {
            return try await body(main, false)
        } catch {
            guard let gutter, Self.isGone(error) else { throw error }
            return try await body(gutter, true)
        }
    }

    func get(_ name: [UInt8]) async throws -> TierItem? {
        try await reach { side, isGutter in
            guard let found = try await side.get(name) else { return nil }
            return TierItem(bytes: found.bytes, token: Token(isGutter, found.version, found.generation).bytes)
        }
    }

    func add(_ bytes: [UInt8], as name: [UInt8], lifetime: Duration) async throws -> [UInt8]? {
        try await reach { side, isGutter in
            let life = isGutter ? min(lifetime, gutterLifetime) : lifetime
            guard let new = try await side.add(bytes, as: name, lifetime: life) else { return nil }
            return Token(isGutter, new.version, new.generation).bytes
        }
    }

    func set(_ bytes: [UInt8], as name: [UInt8], lifetime: Duration?) async throws {
        guard isSmall(bytes) else { return try await remove(name) }
        do {
            try await main.set(bytes, as: name, lifetime: lifetime)
        } catch {
            if let gutter, Self.isGone(error) { try? await gutter.set(bytes, as: name, lifetime: gutterLife(lifetime)) }
            throw error
        }
        // What the gutter has is older; where it does not answer either, it has it for a short life.
        try? await gutter?.remove(name)
        news.tell(.changed(name: name))
    }

    /// As ``TierServer`` says; what is too large is not kept, and leaves nothing where it would have been.
    func replace(_ token: [UInt8], with bytes: [UInt8], as name: [UInt8], lifetime: Duration?) async throws -> [UInt8]?
    {
        guard let place = Token(token), let side = place.isInGutter ? gutter : main else { return nil }
        guard isSmall(bytes) else { return try await side.remove(name, ifStill: place.version) ? [] : nil }
        let version = try await side.replace(
            place.version,
            place.generation,
            with: bytes,
            as: name,
            lifetime: place.isInGutter ? gutterLife(lifetime) : lifetime
        )
        return version.map { Token(place.isInGutter, $0, place.generation).bytes }
    }

    func isFirm(_ token: [UInt8]) -> Bool { Token(token)?.isInGutter != true }

    func replaced(_ name: [UInt8]) async {
        try? await gutter?.remove(name)
        news.tell(.changed(name: name))
    }

    func remove(_ name: [UInt8], ifStill token: [UInt8]) async throws {
        guard let place = Token(token), let side = place.isInGutter ? gutter : main else { return }
        _ = try await side.remove(name, ifStill: place.version)
    }

    func remove(_ name: [UInt8]) async throws {
        do {
            try await main.remove(name)
        } catch {
            try? await gutter?.remove(name)
            throw error
        }
        try? await gutter?.remove(name)
        news.tell(.changed(name: name))
    }

    func removeAll(prefix: [UInt8]) async throws {
        do {
            try await main.removeAll(prefix: prefix)
        } catch {
            try? await gutter?.removeAll(prefix: prefix)
            throw error
        }
        try? await gutter?.removeAll(prefix: prefix)
        news.tell(.anything)
    }

    func count(_ name: [UInt8], before: [UInt8], lifetime: Duration) async throws -> (now: Int, before: Int) {
        try await reach { side, _ in try await side.count(name, before: before, lifetime: lifetime) }
    }

    private func gutterLife(_ lifetime: Duration?) -> Duration {
        lifetime.map { min($0, gutterLifetime) } ?? gutterLifetime
    }

    private func isSmall(_ bytes: [UInt8]) -> Bool {
        if bytes.count <= Self.entryBytesMax { return true }
        tooLarge.increment()
        return false
    }

    private static func isGone(_ error: any Error) -> Bool { (error as? MemcachedError)?.isServerGone == true }

    // MARK: The servers

    var endsInTime: Bool { false }

    /// The client itself leaves a server alone that fails; of several, the others go on.
    func isAway(_ error: any Error) -> Bool { main.client.configuration.servers.count == 1 && Self.isGone(error) }

    func wait(_ pause: Duration) async throws {
        let share = Double.random(in: 0.5...1)
        try await main.client.loop().sleep(for: .nanoseconds(Int64(Double(pause.nanoseconds) * share)))
    }

    func watch(_ prefix: [UInt8], _ watcher: any TierWatcher) async throws {
        state.withLock { state in
            if state.watchers.isEmpty { news.add(self) }
            state.watchers.append((prefix, watcher))
            if state.pulse == nil { state.pulse = Task(executorPreference: EventLoop.current) { await self.beat() } }
        }
        // So that a cache that was opened says at once whether its server is there.
        let limit = SystemClock().now() + Self.replyLimit
        while state.withLock({ $0.problems == nil }), SystemClock().now() < limit { try await wait(.milliseconds(2)) }
    }

    private func beat() async {
        while !Task.isCancelled {
            let problems = await main.problems().map { "\($0)" }
            state.withLock { $0.problems = problems }
            do { try await wait(.seconds(1)) } catch { return }
        }
    }

    func heard(_ item: CacheNews.Item) {
        let watchers = state.withLock { $0.watchers }
        switch item {
        case .changed(let name):
            for watcher in watchers where name.starts(with: watcher.prefix) { watcher.watcher.changed(name) }
        case .anything:
            for watcher in watchers { watcher.watcher.lostTrack() }
        }
    }

    func close(_ watcher: any TierWatcher) async {
        await end { $0.watchers.removeAll { $0.watcher === watcher } }
    }

    func retain() { state.withLock { $0.uses += 1 } }
    func release() async { await end { $0.uses -= 1 } }

    private func end(_ change: (inout State) -> Void) async {
        let (isLast, pulse) = state.withLock { state in
            change(&state)
            if state.watchers.isEmpty { news.remove(self) }
            defer { if state.watchers.isEmpty { state.pulse = nil } }
            return (state.isUnused, state.watchers.isEmpty ? state.pulse : nil)
        }
        pulse?.cancel()
        await pulse?.value
        guard isLast else { return }
        TierServers.process.forget(self)
        await main.client.end()
        await gutter?.client.end()
    }

    // MARK: For people

    func stockClient(prefix: String) -> String? {
        guard let server = main.client.configuration.servers.first, main.client.configuration.tls == nil,
            main.client.configuration.login == nil
        else { return nil }
        // memcached lists keys as a URL has them.
        let pattern = "key=\(prefix.replacing(":", with: "%3A"))"
        let list = #"printf 'lru_crawler metadump all\r\n' | nc -q 1 \#(server.host) \#(server.port)"#
        return "\(list) | grep '\(pattern)'"
    }

    var problem: String? {
        let problems = state.withLock { $0.watchers.isEmpty ? [] : $0.problems ?? ["it has not answered yet"] }
        guard !problems.isEmpty else { return nil }
        let configuration = main.client.configuration
        let servers = configuration.servers.map(\.description).joined(separator: ",")
        let which = problems.count < configuration.servers.count ? "for a part of the keys " : ""
        let url = "memcached\(configuration.tls == nil ? "" : "s")://\(servers)"
        return "\(url) does not serve, so \(which)each process caches alone: \(problems.joined(separator: "; "))"
    }
}
