import ApusCache
import ApusCore
import ApusTesting
import Testing

@Suite(.timeLimit(.minutes(5)))
struct StaleTests {
    @Test func `a hit late in life starts one reload in the background`() async throws {
        let bench = try await Bench<Int, Int>(.plain { $0.refreshAfter = 0.8 })
        let cache = bench.cache
        let loads = Count()
        let gate = Gate()
        try await cache.set(0, for: 1)
        let load: @Sendable () async throws -> Int? = {
            let number = loads.up()
            await gate.pass()
            return number
        }
        bench.clock.advance(by: .seconds(79))
        #expect(try await cache.find(1, load: load) == 0)
        #expect(loads.value == 0)
        bench.clock.advance(by: .seconds(1))
        for _ in 0..<5 { #expect(try await cache.find(1, load: load) == 0) }
        await gate.arrived()
        #expect(loads.value == 1)
        gate.open()
        await eventually { cache.cached(1) == 1 }
        // The new value has a whole life.
        bench.clock.advance(by: .seconds(79))
        #expect(cache.cached(1) == 1)
    }

    @Test func `a stale value is served while it is reloaded, and not beyond its bound`() async throws {
        let bench = try await Bench<Int, Int>(.plain { $0.staleWhileRevalidate = .seconds(10) })
        let cache = bench.cache
        let loads = Count()
        let load: @Sendable () async throws -> Int? = { loads.up() }
        try await cache.set(0, for: 1)
        bench.clock.advance(by: .seconds(105))
        #expect(cache.cached(1) == nil)
        #expect(try await cache.find(1, load: load) == 0)
        #expect(cache.statistics.staleServed == 1)
        await eventually { cache.cached(1) == 1 }
        bench.clock.advance(by: .seconds(110))
        // Ten seconds past its life: this caller waits for the new one.
        #expect(try await cache.find(1, load: load) == 2)
    }

    @Test func `a value is served past its life where reloading fails, and reloads pause`() async throws {
        let bench = try await Bench<Int, Int>(
            .plain {
                $0.staleIfError = .seconds(30)
                $0.retryPause = .seconds(5)
            }
        )
        let cache = bench.cache
        let loads = Count()
        let load: @Sendable () async throws -> Int? = {
            loads.up()
            throw LoaderFailed()
        }
        try await cache.set(0, for: 1)
        bench.clock.advance(by: .seconds(101))
        for _ in 0..<4 { #expect(try await cache.find(1, load: load) == 0) }
        #expect(loads.value == 1)
        #expect(cache.statistics.staleServed == 4)
        bench.clock.advance(by: .seconds(6))
        #expect(try await cache.find(1, load: load) == 0)
        #expect(loads.value == 2)
        bench.clock.advance(by: .seconds(23))
        await #expect(throws: LoaderFailed.self) { try await cache.find(1, load: load) }
    }

    @Test func `an invalidation during a load keeps the old value out`() async throws {
        let bench = try await Bench<Int, String>(.plain())
        let cache = bench.cache
        let gate = Gate()
        let reader = Task {
            try await cache.value(for: 1) {
                await gate.pass()
                return "old"
            }
        }
        await gate.arrived()
        try await cache.remove(1)
        // A caller after the invalidation does not get the old load's result.
        #expect(try await cache.value(for: 1) { "new" } == "new")
        gate.open()
        // The one before it may.
        #expect(try await reader.value == "old")
        #expect(cache.cached(1) == "new")
        #expect(cache.statistics.refusals == 1)
    }

    @Test func `setting and emptying fence loads as well`() async throws {
        let bench = try await Bench<Int, String>(.plain())
        let cache = bench.cache
        let gate = Gate()
        let readers = (1...2).map { key in
            Task {
                try await cache.value(for: key) {
                    await gate.pass()
                    return "old"
                }
            }
        }
        await gate.arrived(2)
        try await cache.set("set", for: 1)
        gate.open()
        for reader in readers { #expect(try await reader.value == "old") }
        #expect(cache.cached(1) == "set")
        #expect(cache.cached(2) == "old")

        let second = Gate()
        let reader = Task {
            try await cache.value(for: 3) {
                await second.pass()
                return "old"
            }
        }
        await second.arrived()
        try await cache.removeAll()
        second.open()
        #expect(try await reader.value == "old")
        #expect(cache.cached(3) == nil)
        #expect(cache.statistics.entries == 0)
    }
}
