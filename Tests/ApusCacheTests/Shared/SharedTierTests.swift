import ApusCore
import ApusTesting
import Testing

@testable import ApusCache

@Suite(.timeLimit(.minutes(5)))
struct SharedTierTests {
    let clock = ManualClock()
    let server: MemoryTierServer

    init() { server = MemoryTierServer(clock: clock) }

    private func replica(_ configuration: CacheConfiguration = .plain()) async throws -> Cache<Int, String> {
        try await Replica(server, configuration).cache
    }

    @Test func `a thousand misses over four processes are one load`() async throws {
        var replicas: [Cache<Int, String>] = []
        for _ in 0..<4 { replicas.append(try await replica()) }
        let loads = Count()
        let gate = Gate()
        try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<1000 {
                let cache = replicas[number % 4]
                group.addTask {
                    try await cache.value(for: 7) {
                        loads.up()
                        await gate.pass()
                        return "loaded"
                    }
                }
            }
            await gate.arrived()
            gate.open()
            for try await value in group { #expect(value == "loaded") }
        }
        #expect(loads.value == 1)
        for cache in replicas { #expect(cache.statistics.engineFailures == 0) }
    }

    @Test func `a dead loader's lease passes on, and its late value is not kept`() async throws {
        let (first, second) = (try await replica(), try await replica())
        let gate = Gate()
        async let late = first.value(for: 1) {
            await gate.pass()
            return "late"
        }
        await gate.arrived()
        async let patient = second.value(for: 1) { "second" }
        await eventually { server.state.withLock { $0.requests } > 4 }
        clock.advance(by: .seconds(3))
        #expect(try await patient == "second")
        gate.open()
        #expect(try await late == "late")
        // Its lease is gone, so that nobody else sees what it brought.
        await eventually { first.cached(1) == nil }
        let third = try await replica()
        #expect(try await third.value(for: 1) { "third" } == "second")
    }

    @Test func `a value read before an invalidation is not kept after it, by anyone`() async throws {
        let (first, second) = (try await replica(), try await replica())
        for change in ["remove", "set", "local"] {
            let gate = Gate()
            async let old = first.value(for: 1) {
                await gate.pass()
                return "old"
            }
            await gate.arrived()
            switch change {
            case "remove": try await second.remove(1)
            case "set": try await second.set("new", for: 1)
            default: try await first.remove(1)
            }
            gate.open()
            #expect(try await old == "old")
            await eventually { first.cached(1) != "old" }
            let expected = change == "set" ? "new" : "loaded again"
            #expect(try await first.value(for: 1) { "loaded again" } == expected)
            #expect(try await second.value(for: 1) { "loaded again" } == expected)
            try await second.remove(1)
        }
    }

    @Test func `a write is seen by every process's memory`() async throws {
        let (first, second) = (try await replica(), try await replica())
        try await first.set("one", for: 1)
        #expect(try await second.value(for: 1) { "loaded" } == "one")
        #expect(second.cached(1) == "one")
        try await first.set("two", for: 1)
        #expect(second.cached(1) == nil)
        #expect(try await second.value(for: 1) { "loaded" } == "two")
        try await first.removeAll()
        #expect(try await second.value(for: 1) { "loaded" } == "loaded")
    }

    @Test func `cut from the news, memory is no older than its bound`() async throws {
        let configuration = CacheConfiguration.plain { $0.nearLifetime = .seconds(3) }
        let (first, second) = (try await replica(configuration), try await replica(configuration))
        try await first.set("one", for: 1)
        #expect(try await second.value(for: 1) { "loaded" } == "one")
        server.state.withLock { $0.isCut = true }
        try await first.set("two", for: 1)
        clock.advance(by: .nanoseconds(2_999_999_999))
        #expect(second.cached(1) == "one")
        clock.advance(by: .nanoseconds(1))
        #expect(second.cached(1) == nil)
        #expect(try await second.value(for: 1) { "loaded" } == "two")
        // When the news come again, what was missed is gone at once.
        try await first.set("three", for: 1)
        #expect(second.cached(1) == "two")
        server.reconnect()
        #expect(try await second.value(for: 1) { "loaded" } == "three")
    }

    @Test func `without its server a cache goes on alone, and asks again after a while`() async throws {
        let cache = try await replica(.plain { $0.nearLifetime = .seconds(1) })
        server.state.withLock { $0.isAway = true }
        #expect(cache.problems == ["it is away"])
        for key in 0..<50 { #expect(try await cache.value(for: key) { "alone" } == "alone") }
        #expect(cache.cached(49) == "alone")
        // Two failures, then the server is left in peace.
        #expect(cache.statistics.engineFailures == 2)
        #expect(server.state.withLock { $0.requests } == 2)
        server.state.withLock { $0.isAway = false }
        clock.advance(by: .seconds(2))
        #expect(try await cache.value(for: 50) { "shared" } == "shared")
        await eventually { server["apus:shared:50"].flatMap(TierForm.init)?.kind == .value }
        #expect(cache.problems == [])
    }

    @Test func `what could not be removed is, once the server is back, and not used until then`() async throws {
        let (first, second) = (try await replica(), try await replica())
        try await first.set("old", for: 1)
        let old = server["apus:shared:1"]
        server.state.withLock { $0.isAway = true }
        await #expect(throws: MemoryTierServer.Away.self) { try await first.remove(1) }
        server.state.withLock { $0.isAway = false }
        #expect(try await first.value(for: 1) { "new" } == "new")
        await eventually { server["apus:shared:1"] != old }
        #expect(try await second.value(for: 1) { "newer" } != "old")
    }

    @Test func `a load that its own lease's news detached is fenced all the same`() async throws {
        let (first, second) = (try await replica(), try await replica())
        for change in ["invalidate", "remove", "set"] {
            let gate = Gate()
            async let old = first.value(for: 1) {
                await gate.pass()
                return "old"
            }
            await gate.arrived()
            // As the server tells of every write, also of one's own lease.
            first.changedElsewhere(1)
            switch change {
            case "invalidate": first.invalidate(1)
            case "remove": try await first.remove(1)
            default: try await first.set("new", for: 1)
            }
            gate.open()
            #expect(try await old == "old")
            let expected = change == "set" ? "new" : "loaded again"
            #expect(try await first.value(for: 1) { "loaded again" } == expected)
            #expect(try await second.value(for: 1) { "loaded again" } == expected)
            try await second.remove(1)
        }
    }

    @Test func `a load that is cancelled gives its lease back`() async throws {
        let (first, second) = (try await replica(), try await replica())
        let gate = Gate()
        let loading = Task {
            try await first.value(for: 1) {
                await gate.pass()
                try Task.checkCancellation()
                return "never"
            }
        }
        await gate.arrived()
        loading.cancel()
        gate.open()
        await #expect(throws: CancellationError.self) { _ = try await loading.value }
        // Without turning the clock: the lease has not run out.
        await eventually { server["apus:shared:1"] == nil }
        #expect(try await second.value(for: 1) { "second" } == "second")
    }

    @Test func `while its server is left alone, changes wait for nothing and are owed`() async throws {
        let cache = try await replica()
        server.state.withLock { $0.isAway = true }
        for key in 0..<3 { _ = try await cache.value(for: key) { "alone" } }
        let asked = server.state.withLock { $0.requests }
        let error = await #expect(throws: CacheError.self) { try await cache.remove(7) }
        #expect(error?.code == .serverAway && error?.isRetryable == true)
        #expect(server.state.withLock { $0.requests } >= asked)
        server["apus:shared:7"] = TierForm(.value, until: .max, payload: try WireBytesOf.text("old")[...]).bytes
        server.state.withLock { $0.isAway = false }
        await eventually { server["apus:shared:7"] == nil }
    }

    @Test func `that a key has no value is shared, and a loader's error is not`() async throws {
        let (first, second) = (try await replica(), try await replica())
        #expect(try await first.find(1) { nil } == nil)
        await eventually { server["apus:shared:1"].flatMap(TierForm.init)?.kind == .absent }
        #expect(try await second.find(1) { "loaded" } == nil)
        await #expect(throws: LoaderFailed.self) { _ = try await first.find(2) { throw LoaderFailed() } }
        // The lease was given back: nobody waits for it.
        await eventually { server["apus:shared:2"] == nil }
        #expect(try await second.find(2) { "loaded" } == "loaded")
    }

    @Test func `what cannot be read is loaded anew`() async throws {
        let cache = try await replica()
        let good = TierForm(.value, until: .max, payload: try WireBytesOf.text("good")[...]).bytes
        let bad: [[UInt8]] = [[], [1], Array(good.dropLast()), [0x56, 9] + good.dropFirst(2), good + [0]]
        for (key, bytes) in bad.enumerated() {
            server["apus:shared:\(key)"] = bytes
            #expect(try await cache.value(for: key) { "loaded" } == "loaded")
            await eventually { server["apus:shared:\(key)"].flatMap(TierForm.init)?.kind == .value }
        }
        server["apus:shared:9"] = good
        #expect(try await cache.value(for: 9) { "loaded" } == "good")
    }

    @Test func `one process reloads what others still use`() async throws {
        let configuration = CacheConfiguration.plain {
            $0.refreshAfter = 0.5
            $0.nearLifetime = .seconds(1000)
        }
        let (first, second) = (try await replica(configuration), try await replica(configuration))
        #expect(try await first.value(for: 1) { "one" } == "one")
        await eventually { server["apus:shared:1"].flatMap(TierForm.init)?.kind == .value }
        #expect(try await second.value(for: 1) { "other" } == "one")
        #expect(try await first.value(for: 1) { "other" } == "one")
        clock.advance(by: .seconds(60))
        let gate = Gate()
        let loads = Count()
        for cache in [first, second, first, second] {
            #expect(
                try await cache.value(for: 1) {
                    loads.up()
                    await gate.pass()
                    return "two"
                } == "one"
            )
        }
        await gate.arrived()
        gate.open()
        for cache in [first, second] {
            await eventually { (try? await cache.value(for: 1) { "three" }) == "two" }
        }
        #expect(loads.value == 1)
    }

    @Test func `early reloads come by chance, the likelier the nearer the end`() {
        var life = CacheLife(until: Instant(nanoseconds: 2000))
        life.refreshSpan = 100
        life.refreshAt = 0
        #expect(!(0..<1000).contains { _ in life.isRefreshDue(at: -1) })
        func share(_ now: Int64) -> Double {
            Double((0..<20_000).count { _ in life.isRefreshDue(at: now) }) / 20_000
        }
        // One span before the end it is 1/e.
        #expect(abs(share(1900) - 0.3679) < 0.03)
        #expect(abs(share(1800) - 0.1353) < 0.03)
        #expect(share(2000) == 1)
        #expect(share(1000) < 0.01)
    }
}
