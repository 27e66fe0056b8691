import ApusCore
import ApusObserve
import ApusTesting
import Testing

@testable import ApusCache

/// A shared tier's server in a dictionary, which can be away, or cut from those who watch it.
final class MemoryTierServer: TierServer {
    struct Away: Error {}
    fileprivate struct Item {
        var bytes: [UInt8]
        var version: UInt64
        var until: Instant?
    }
    struct State {
        fileprivate var items: [[UInt8]: Item] = [:]
        fileprivate var version: UInt64 = 0
        fileprivate var watchers: [(prefix: [UInt8], watcher: any TierWatcher)] = []
        var isAway = false
        var isCut = false
        var requests = 0
    }

    let clock: ManualClock
    let state = Lock(State())

    init(clock: ManualClock) { self.clock = clock }

    /// What a name holds.
    subscript(_ name: String) -> [UInt8]? {
        get { state.withLock { $0.items[Array(name.utf8)]?.bytes } }
        set {
            state.withLock { state in
                state.version += 1
                state.items[Array(name.utf8)] = newValue.map { Item(bytes: $0, version: state.version, until: nil) }
            }
        }
    }

    /// Lets the connection over which changes are told break and come again.
    func reconnect() {
        let watchers = state.withLock { state in
            state.isCut = false
            return state.watchers
        }
        for watcher in watchers { watcher.watcher.lostTrack() }
    }

    private func change<Result>(_ name: [UInt8], _ body: (inout State) -> (Result, changed: Bool)) throws -> Result {
        let now = clock.now()
        let (result, told) = try state.withLock { state in
            state.requests += 1
            if state.isAway { throw Away() }
            if let until = state.items[name]?.until, until <= now { state.items[name] = nil }
            let (result, changed) = body(&state)
            let told = changed && !state.isCut ? state.watchers.filter { name.starts(with: $0.prefix) } : []
            return (result, told)
        }
        for watcher in told { watcher.watcher.changed(name) }
        return result
    }

    private func put(_ bytes: [UInt8], _ name: [UInt8], _ lifetime: Duration?, in state: inout State) {
        state.version += 1
        state.items[name] = Item(bytes: bytes, version: state.version, until: lifetime.map { clock.now() + $0 })
    }

    func get(_ name: [UInt8]) async throws -> TierItem? {
        try change(name) { state in
            (state.items[name].map { TierItem(bytes: $0.bytes, token: $0.bytes) }, false)
        }
    }

    func add(_ bytes: [UInt8], as name: [UInt8], lifetime: Duration) async throws -> [UInt8]? {
        try change(name) { state in
            guard state.items[name] == nil else { return (nil, false) }
            put(bytes, name, lifetime, in: &state)
            return (bytes, true)
        }
    }

    func set(_ bytes: [UInt8], as name: [UInt8], lifetime: Duration?) async throws {
        try change(name) { state in
            put(bytes, name, lifetime, in: &state)
            return ((), true)
        }
    }

    func replace(_ token: [UInt8], with bytes: [UInt8], as name: [UInt8], lifetime: Duration?) async throws -> [UInt8]?
    {
        try change(name) { state in
            guard state.items[name]?.bytes == token else { return (nil, false) }
            put(bytes, name, lifetime, in: &state)
            return (bytes, true)
        }
    }

    func remove(_ name: [UInt8], ifStill token: [UInt8]) async throws {
        try change(name) { state in
            guard state.items[name]?.bytes == token else { return ((), false) }
            state.items[name] = nil
            return ((), true)
        }
    }

    func remove(_ name: [UInt8]) async throws {
        try change(name) { state in ((), state.items.removeValue(forKey: name) != nil) }
    }

    func removeAll(prefix: [UInt8]) async throws {
        let names = state.withLock { $0.items.keys.filter { $0.starts(with: prefix) } }
        for name in names { try await remove(name) }
    }

    func count(_ name: [UInt8], before: [UInt8], lifetime: Duration) async throws -> (now: Int, before: Int) {
        func number(_ bytes: [UInt8]?) -> Int { bytes.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0 }
        return try change(name) { state in
            let now = number(state.items[name]?.bytes) + 1
            put(Array("\(now)".utf8), name, lifetime, in: &state)
            return ((now, number(state.items[before]?.bytes)), true)
        }
    }

    func isAway(_ error: any Error) -> Bool { error is Away }

    func wait(_ pause: Duration) async throws {
        try Task.checkCancellation()
        await Task.yield()
    }

    func retain() {}
    func release() async {}

    func watch(_ prefix: [UInt8], _ watcher: any TierWatcher) async throws {
        state.withLock { $0.watchers.append((prefix, watcher)) }
    }

    func close(_ watcher: any TierWatcher) async {}
    func stockClient(prefix: String) -> String? { "memory \(prefix)*" }
    var problem: String? { state.withLock { $0.isAway } ? "it is away" : nil }
}

/// A process's cache in front of a shared tier, with a clock to turn.
struct Replica<Key: Hashable & Sendable, Value: Sendable> {
    let cache: Cache<Key, Value>

    init(
        _ server: MemoryTierServer,
        _ configuration: CacheConfiguration = .plain(),
        key: Key.Type = Key.self,
        value: Value.Type = Value.self
    ) async throws {
        cache = Cache("shared", configuration, metrics: Metrics())
        try await cache.open(BlockSite(dataFolder: "", clock: server.clock))
        try await cache.share(on: server, clock: server.clock)
    }
}
