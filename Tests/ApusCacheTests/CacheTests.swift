import ApusCache
import ApusCore
import ApusTesting
import Testing

@Suite(.timeLimit(.minutes(5)))
struct CacheTests {
    @Test func `a value is loaded once and served until its life ends`() async throws {
        let bench = try await Bench<Int, String>(.plain())
        let loads = Count()
        for _ in 0..<3 {
            let value = try await bench.cache.value(for: 1) { "v\(loads.up())" }
            #expect(value == "v1")
        }
        #expect(bench.cache.cached(1) == "v1")
        bench.clock.advance(by: .seconds(99))
        #expect(bench.cache.cached(1) == "v1")
        bench.clock.advance(by: .seconds(1))
        #expect(bench.cache.cached(1) == nil)
        #expect(try await bench.cache.value(for: 1) { "v\(loads.up())" } == "v2")
        let statistics = bench.cache.statistics
        #expect(statistics.loads == 2)
        #expect(statistics.hits == 4)
        #expect(statistics.misses == 3)
        #expect(statistics.entries == 1)
    }

    @Test func `lives vary by the jitter and no more`() async throws {
        let bench = try await Bench<Int, Int>(.plain(capacity: 2000) { $0.lifetimeJitter = 0.1 })
        for key in 0..<1000 { try await bench.cache.set(key, for: key) }
        bench.clock.advance(by: .milliseconds(89_900))
        #expect((0..<1000).allSatisfy { bench.cache.cached($0) == $0 })
        bench.clock.advance(by: .milliseconds(10_100))
        let alive = (0..<1000).count { bench.cache.cached($0) != nil }
        #expect(alive > 350 && alive < 650)
        bench.clock.advance(by: .milliseconds(10_100))
        #expect((0..<1000).allSatisfy { bench.cache.cached($0) == nil })
    }

    @Test func `a thousand concurrent misses make one load`() async throws {
        let bench = try await Bench<Int, Int>(.plain())
        let loads = Count()
        let gate = Gate()
        let cache = bench.cache
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<1000 {
                group.addTask {
                    try await cache.value(for: 7) {
                        loads.up()
                        await gate.pass()
                        return 70
                    }
                }
            }
            await gate.arrived()
            await eventually { cache.statistics.misses == 1000 }
            gate.open()
            for try await value in group { #expect(value == 70) }
        }
        #expect(loads.value == 1)
        #expect(cache.statistics.loads == 1)
    }

    @Test func `more waiters than allowed are refused`() async throws {
        let bench = try await Bench<Int, Int>(.plain { $0.waitersMax = 2 })
        let gate = Gate()
        let cache = bench.cache
        let load: @Sendable () async throws -> Int? = {
            await gate.pass()
            return 1
        }
        async let first = cache.find(1, load: load)
        async let second = cache.find(1, load: load)
        await eventually { cache.statistics.misses == 2 }
        let error = await #expect(throws: CacheError.self) { try await cache.find(1, load: load) }
        #expect(error?.code == .overloaded)
        #expect(error?.isRetryable == true)
        gate.open()
        #expect(try await first == 1)
        #expect(try await second == 1)
    }

    @Test func `a cancelled waiter leaves and the load goes on; the last one's leaving ends it`() async throws {
        let bench = try await Bench<Int, Int>(.plain())
        let cache = bench.cache
        let gate = Gate()
        let wasCancelled = Count()
        let load: @Sendable () async throws -> Int? = {
            await gate.pass()
            if Task.isCancelled { wasCancelled.up() }
            return 1
        }
        let first = Task { try await cache.find(1, load: load) }
        await gate.arrived()
        let second = Task { try await cache.find(1, load: load) }
        await eventually { cache.statistics.misses == 2 }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        gate.open()
        #expect(try await second.value == 1)
        #expect(wasCancelled.value == 0)

        let nextGate = Gate()
        let nextLoad: @Sendable () async throws -> Int? = {
            await nextGate.pass()
            if Task.isCancelled { wasCancelled.up() }
            return 2
        }
        let last = Task { try await cache.find(2, load: nextLoad) }
        await nextGate.arrived()
        last.cancel()
        await #expect(throws: CancellationError.self) { try await last.value }
        nextGate.open()
        await eventually { wasCancelled.value == 1 }
        #expect(cache.cached(2) == nil)
        // A later caller does not join the load that was given up.
        #expect(try await cache.value(for: 2) { 3 } == 3)
    }

    @Test func `a caller that is cancelled before it asks gets nothing started`() async throws {
        let bench = try await Bench<Int, Int>(.plain())
        let cache = bench.cache
        let gate = Gate()
        let task = Task {
            await gate.pass()
            return try await cache.value(for: 1) { 1 }
        }
        await gate.arrived()
        task.cancel()
        gate.open()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(cache.statistics.loads == 0)
    }

    @Test func `a loader's error reaches all who wait and is not kept`() async throws {
        let bench = try await Bench<Int, Int>(.plain())
        let cache = bench.cache
        let gate = Gate()
        let load: @Sendable () async throws -> Int? = {
            await gate.pass()
            throw LoaderFailed()
        }
        let tasks = (0..<10).map { _ in Task { try await cache.find(1, load: load) } }
        await eventually { cache.statistics.misses == 10 }
        gate.open()
        for task in tasks { await #expect(throws: LoaderFailed.self) { try await task.value } }
        #expect(cache.statistics.loads == 1)
        #expect(cache.statistics.loadFailures == 1)
        #expect(try await cache.value(for: 1) { 5 } == 5)
    }

    @Test func `a declared error life keeps the error that long`() async throws {
        let bench = try await Bench<Int, Int>(.plain { $0.errorLifetime = .seconds(2) })
        let cache = bench.cache
        let loads = Count()
        let load: @Sendable () async throws -> Int? = {
            loads.up()
            throw LoaderFailed()
        }
        for _ in 0..<3 { await #expect(throws: LoaderFailed.self) { try await cache.find(1, load: load) } }
        #expect(loads.value == 1)
        bench.clock.advance(by: .seconds(2))
        await #expect(throws: LoaderFailed.self) { try await cache.find(1, load: load) }
        #expect(loads.value == 2)
    }

    @Test func `that a key has no value is kept for a life of its own`() async throws {
        let bench = try await Bench<Int, Int>(.plain { $0.absentLifetime = .seconds(3) })
        let cache = bench.cache
        let loads = Count()
        let load: @Sendable () async throws -> Int? = {
            loads.up()
            return nil
        }
        #expect(try await cache.find(1, load: load) == nil)
        #expect(try await cache.find(1, load: load) == nil)
        #expect(loads.value == 1)
        let error = await #expect(throws: CacheError.self) {
            let certain: @Sendable () async throws -> Int = { 1 }
            _ = try await cache.value(for: 1, load: certain)
        }
        #expect(error?.code == .absent)
        bench.clock.advance(by: .seconds(3))
        #expect(try await cache.find(1, load: load) == nil)
        #expect(loads.value == 2)
    }

    @Test func `an entry too heavy for its part is not kept, and takes the old one with it`() async throws {
        let bench = try await Bench<Int, String>(.plain(capacity: 10), weigher: { $1.utf8.count })
        try await bench.cache.set("abc", for: 1)
        #expect(bench.cache.cached(1) == "abc")
        try await bench.cache.set(String(repeating: "x", count: 11), for: 1)
        #expect(bench.cache.cached(1) == nil)
        #expect(bench.cache.statistics.refusals == 1)
        #expect(bench.cache.statistics.weight == 0)
    }

    @Test func `a closed cache ends its loads, forgets, and loads no more`() async throws {
        let bench = try await Bench<Int, Int>(.plain())
        let cache = bench.cache
        let gate = Gate()
        try await cache.set(1, for: 1)
        let loading = Task {
            try await cache.value(for: 2) {
                await gate.pass()
                try Task.checkCancellation()
                return 2
            }
        }
        await gate.arrived()
        let closing = Task { await cache.close() }
        await eventually { cache.statistics.entries == 0 }
        gate.open()
        await closing.value
        await #expect(throws: CancellationError.self) { try await loading.value }
        let error = await #expect(throws: CacheError.self) { try await cache.value(for: 3) { 3 } }
        #expect(error?.code == .closed)
        await cache.close()
    }

    @Test(arguments: ["http://localhost", "memory:large", "postgres://u:secret@h/d"])
    func `a URL that names no engine is refused without showing more than its scheme`(url: String) async {
        let cache = Cache<Int, Int>("test", capacity: 10)
        let error = await #expect(throws: ConfigurationError.self) {
            try await cache.open(BlockSite(url: url, dataFolder: ""))
        }
        #expect(error?.accepted.hasPrefix("memory:, redis://") == true)
        #expect(error?.value.contains("secret") == false)
    }

    @Test func `a configuration that makes no sense is refused by field`() {
        func field(_ change: (inout CacheConfiguration) -> Void) -> String? {
            var configuration = CacheConfiguration()
            change(&configuration)
            do { _ = try configuration.checked() } catch { return error.field }
            return nil
        }
        #expect(field { $0.capacity = 0 } == "capacity")
        #expect(field { $0.lifetime = .zero } == "lifetime")
        #expect(field { $0.lifetimeJitter = 1 } == "lifetimeJitter")
        #expect(field { $0.refreshAfter = 1 } == "refreshAfter")
        #expect(field { $0.waitersMax = 0 } == "waitersMax")
        #expect(field { $0.staleIfError = .seconds(-1) } == "staleIfError")
        #expect(field { _ in } == nil)
    }
}
