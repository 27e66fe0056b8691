import ApusCache
import ApusCore
import ApusObserve
import ApusRuntime
import Testing

/// A value that says when it dies.
private final class Mortal: Sendable {
    let number: Int
    private let deaths: Count

    init(_ number: Int, _ deaths: Count) {
        self.number = number
        self.deaths = deaths
    }

    deinit { deaths.up() }
}

@Suite(.timeLimit(.minutes(5)))
struct LendingTests {
    // The next change gives back what nobody looks at any more; who looks is told for the whole process, and another test's
    // thread may be at an entry of its own cache just now.
    /// Changes each part of a cache until so many have died.
    private func awaitDeaths(_ count: Int, _ deaths: Count, _ cache: Cache<Int, Mortal>) async {
        for _ in 0..<100_000 where deaths.value < count {
            for key in -64..<0 { cache.invalidate(key) }
            await Task.yield()
        }
        #expect(deaths.value == count)
    }

    @Test func `what is lent lives until it is given back, also where it is removed meanwhile`() async throws {
        let bench = try await Bench<Int, Mortal>(.plain())
        let cache = bench.cache
        let deaths = Count()
        try await cache.set(Mortal(7, deaths), for: 7)
        let seen = cache.withValue(7) { value in
            cache.invalidate(7)
            #expect(cache.cached(7) == nil)
            #expect(deaths.value == 0)
            return value.number
        }
        #expect(seen == 7)
        await awaitDeaths(1, deaths, cache)
        #expect(cache.withValue(7) { $0.number } == nil)
    }

    @Test func `an error of the body comes out, and what was lent is given back`() async throws {
        let bench = try await Bench<Int, Mortal>(.plain())
        let deaths = Count()
        try await bench.cache.set(Mortal(1, deaths), for: 1)
        #expect(throws: LoaderFailed.self) { try bench.cache.withValue(1) { _ in throw LoaderFailed() } }
        bench.cache.invalidate(1)
        await awaitDeaths(1, deaths, bench.cache)
    }

    @Test func `a removed value dies at once where nobody looks at it`() async throws {
        let bench = try await Bench<Int, Mortal>(.plain(capacity: 10))
        let deaths = Count()
        for number in 0..<100 { try await bench.cache.set(Mortal(number, deaths), for: number) }
        await awaitDeaths(90, deaths, bench.cache)
        try await bench.cache.removeAll()
        await awaitDeaths(100, deaths, bench.cache)
        #expect(bench.cache.statistics.entries == 0)
    }

    /// Many threads read, write and remove the same keys: nobody sees another key's value or a dead one, the weight stays
    /// within its bound, and in the end everything that was ever kept is dead.
    @Test(arguments: [UInt64(1), 2])
    func `threads that read, write and remove at once see only what belongs to their key`(seed: UInt64) async throws {
        let group = try LoopGroup(count: 6)
        defer { group.shutdown() }
        let deaths = Count()
        let births = Count()
        let wrong = Count()
        let cache = Cache<Int, Mortal>("test", .plain(capacity: 200), metrics: .init())
        await withTaskGroup(of: Void.self) { tasks in
            for (number, loop) in group.loops.enumerated() {
                tasks.addTask(executorPreference: loop) {
                    var random = SeededRandom(seed: seed &* 100 &+ UInt64(number))
                    for _ in 0..<4000 {
                        let key = Int.random(in: 0..<400, using: &random)
                        switch Int.random(in: 0..<20, using: &random) {
                        case 0: cache.invalidate(key)
                        case 1..<5:
                            births.up()
                            try? await cache.set(Mortal(key, deaths), for: key)
                        case 5:
                            let found = try? await cache.find(key) {
                                births.up()
                                return Mortal(key, deaths)
                            }
                            if let found, found.number != key { wrong.up() }
                        case 6: if let found = cache.cached(key), found.number != key { wrong.up() }
                        default: if let found = cache.withValue(key, { $0.number }), found != key { wrong.up() }
                        }
                    }
                }
            }
        }
        #expect(wrong.value == 0)
        let statistics = cache.statistics
        #expect(statistics.weight <= 200 && statistics.entries <= 200)
        #expect(statistics.hits > 0 && statistics.evictions > 0)
        await cache.close()
        await awaitDeaths(births.value, deaths, cache)
    }
}
