import ApusCache
import ApusCore
import ApusObserve
import ApusTesting

/// An error that a loader throws.
struct LoaderFailed: Error, Equatable {}

/// A cache with a clock of its own to turn.
struct Bench<Key: Hashable & Sendable, Value: Sendable> {
    let clock = ManualClock()
    let cache: Cache<Key, Value>

    init(
        _ configuration: CacheConfiguration,
        weigher: (@Sendable (Key, Value) -> Int)? = nil,
        engine: (any CacheEngine<Key, Value>)? = nil
    ) async throws {
        cache = Cache("test", configuration, weigher: weigher, engine: engine, metrics: Metrics())
        try await cache.open(BlockSite(dataFolder: "", clock: clock))
    }
}

extension CacheConfiguration {
    /// Exact lifetimes, for tests.
    static func plain(capacity: Int = 100, _ change: (inout CacheConfiguration) -> Void = { _ in })
        -> CacheConfiguration
    {
        var configuration = CacheConfiguration(capacity: capacity, lifetime: .seconds(100))
        configuration.lifetimeJitter = 0
        change(&configuration)
        return configuration
    }
}

/// Holds loaders until the test lets them go.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var arrivals: [(count: Int, waiter: CheckedContinuation<Void, Never>)] = []
        var arrived = 0
    }

    private let state = Lock(State())

    /// A loader comes here and waits.
    func pass() async {
        await withCheckedContinuation { waiter in
            let (isOpen, told) = state.withLock { state in
                state.arrived += 1
                let told = state.arrivals.filter { $0.count <= state.arrived }.map(\.waiter)
                state.arrivals.removeAll { $0.count <= state.arrived }
                if !state.isOpen { state.waiting.append(waiter) }
                return (state.isOpen, told)
            }
            for arrival in told { arrival.resume() }
            if isOpen { waiter.resume() }
        }
    }

    /// Waits until `count` loaders have come.
    func arrived(_ count: Int = 1) async {
        await withCheckedContinuation { waiter in
            let isThere = state.withLock { state in
                if state.arrived >= count { return true }
                state.arrivals.append((count, waiter))
                return false
            }
            if isThere { waiter.resume() }
        }
    }

    /// Lets all go, now and later.
    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.resume() }
    }
}

/// Waits for what another task is about to do, without a fixed time; a suite's time limit bounds it.
func eventually(_ condition: () async -> Bool) async {
    var looks = 0
    while !Task.isCancelled, await !condition() {
        looks += 1
        // Whoever waits long leaves the cores to those it waits for.
        if looks < 100 { await Task.yield() } else { try? await Task.sleep(for: .milliseconds(1)) }
    }
}

/// Counts, from any task.
final class Count: Sendable {
    private let state = Lock(0)
    var value: Int { state.withLock { $0 } }
    @discardableResult func up() -> Int {
        state.withLock { state in
            state += 1
            return state
        }
    }
}
