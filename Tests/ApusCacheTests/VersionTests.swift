import ApusCore
import ApusObserve
import ApusTesting
import Testing

@testable import ApusCache

/// Compare and set.
@Suite(.timeLimit(.minutes(5)))
struct VersionTests {
    private static func cache(
        _ clock: ManualClock,
        _ configuration: CacheConfiguration = .plain()
    ) async throws -> Cache<Int, Int> {
        let cache = Cache<Int, Int>("versions", configuration, metrics: Metrics())
        try await cache.open(BlockSite(dataFolder: "/tmp", clock: clock))
        return cache
    }

    /// In memory alone, and over a server that processes share.
    private static func caches() async throws -> [[Cache<Int, Int>]] {
        let clock = ManualClock()
        let server = MemoryTierServer(clock: clock)
        var shared: [Cache<Int, Int>] = []
        for _ in 0..<2 {
            let cache = Cache<Int, Int>("versions", .plain(), metrics: Metrics())
            try await cache.share(on: server, clock: clock)
            shared.append(cache)
        }
        // One whose entries are of use after their life, too.
        let lasting = try await cache(clock, .plain { $0.staleIfError = .seconds(60) })
        return [[try await cache(clock)], [lasting], shared]
    }

    @Test func `a value is replaced where nobody has changed it, and only there`() async throws {
        for caches in try await Self.caches() {
            let (first, second) = (caches[0], caches[caches.count - 1])
            // There is none, and that has a version.
            let none = try await first.versioned(1)
            #expect(none.value == nil)
            #expect(try await second.replace(none.version, with: 10, for: 1))
            #expect(try await !first.replace(none.version, with: 11, for: 1))
            let ten = try await first.versioned(1)
            #expect(ten.value == 10)
            #expect(try await first.find(1) { -1 } == 10)
            // Looking does not change it, and whoever looks twice sees one version.
            #expect(try await second.versioned(1).version == ten.version)
            #expect(try await second.replace(ten.version, with: nil, for: 1))
            #expect(try await first.find(1) { -1 } == nil)
            let absent = try await first.versioned(1)
            #expect(absent.value == nil)
            try await second.set(12, for: 1)
            #expect(try await !first.replace(absent.version, with: 13, for: 1))
            let twelve = try await first.versioned(1)
            try await second.remove(1)
            #expect(try await !first.replace(twelve.version, with: 14, for: 1))
            #expect(try await second.versioned(1).value == nil)
        }
    }

    @Test func `the same value set again is another version in memory`() async throws {
        let cache = try await Self.cache(ManualClock())
        try await cache.set(1, for: 1)
        let version = try await cache.versioned(1).version
        try await cache.set(1, for: 1)
        #expect(try await !cache.replace(version, with: 2, for: 1))
        #expect(cache.cached(1) == 1)
    }

    @Test func `what has outlived its life has no version any more`() async throws {
        let clock = ManualClock()
        let cache = try await Self.cache(clock)
        try await cache.set(1, for: 1, lifetime: .seconds(1))
        let version = try await cache.versioned(1).version
        clock.advance(by: .seconds(2))
        #expect(try await !cache.replace(version, with: 2, for: 1))
        #expect(try await cache.versioned(1).value == nil)
    }

    @Test func `a load that runs meanwhile does not bring another value`() async throws {
        for caches in try await Self.caches() {
            let (first, second) = (caches[0], caches[caches.count - 1])
            let gate = Gate()
            async let old = first.value(for: 1) {
                await gate.pass()
                return 1
            }
            await gate.arrived()
            let version = try await second.versioned(1).version
            #expect(try await second.replace(version, with: 2, for: 1))
            gate.open()
            #expect(try await old == 1)
            #expect(try await first.value(for: 1) { 3 } == 2)
            #expect(try await second.value(for: 1) { 3 } == 2)
        }
    }

    @Test func `of changes at once none is lost`() async throws {
        for caches in try await Self.caches() {
            let (changers, changes) = (8, 50)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for changer in 0..<changers {
                    let cache = caches[changer % caches.count]
                    group.addTask { for _ in 0..<changes { try await cache.update(7) { ($0 ?? 0) + 1 } } }
                }
                try await group.waitForAll()
            }
            for cache in caches { #expect(try await cache.find(7) { nil } == changers * changes) }
        }
    }

    @Test func `a change that fails changes nothing, and one that never comes through says so`() async throws {
        struct Refused: Error {}
        let cache = try await Self.cache(ManualClock())
        try await cache.set(1, for: 1)
        await #expect(throws: Refused.self) { try await cache.update(1) { _ in throw Refused() } }
        #expect(cache.cached(1) == 1)
        let failure = await #expect(throws: CacheError.self) {
            try await cache.update(1) { value in
                try await cache.set((value ?? 0) + 1, for: 1)
                return 0
            }
        }
        #expect(failure?.code == .contended)
        #expect(cache.cached(1) != 0)
    }

    @Test func `without its server nothing is replaced, and what cannot is said`() async throws {
        let clock = ManualClock()
        let server = MemoryTierServer(clock: clock)
        let cache = Cache<Int, Int>("versions", .plain(), metrics: Metrics())
        try await cache.share(on: server, clock: clock)
        try await cache.set(1, for: 1)
        let version = try await cache.versioned(1).version
        server.state.withLock { $0.isAway = true }
        await #expect(throws: MemoryTierServer.Away.self) { try await cache.replace(version, with: 2, for: 1) }
        // What memory had may be old now.
        #expect(cache.cached(1) == nil)
        server.state.withLock { $0.isAway = false }
        clock.advance(by: .seconds(5))
        #expect(try await cache.value(for: 1) { 0 } == 1)
    }
}
