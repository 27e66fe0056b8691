import ApusCore
import ApusObserve
import ApusTesting
import Testing

@testable import ApusCache

@Suite(.timeLimit(.minutes(5)))
struct RateLimitTests {
    let clock = ManualClock()

    private func limit(on server: MemoryTierServer? = nil) async throws -> RateLimit {
        let limit = RateLimit("test", 10, per: .seconds(60), metrics: Metrics())
        try await limit.open(BlockSite(dataFolder: "", clock: clock))
        if let server { limit.share(on: server) }
        return limit
    }

    private func allowed(_ limit: RateLimit, _ times: Int, _ key: String = "a") async -> Int {
        var allowed = 0
        for _ in 0..<times where await limit.count(key).isAllowed { allowed += 1 }
        return allowed
    }

    @Test func `so many are allowed, and more after the window`() async throws {
        let limit = try await limit()
        let rest = 60_000_000_000 - clock.wallNanoseconds() % 60_000_000_000
        clock.advance(by: .nanoseconds(rest))
        #expect(await allowed(limit, 15) == 10)
        #expect(await allowed(limit, 3, "b") == 3)
        let verdict = await limit.count("b")
        #expect(verdict == RateLimit.Verdict(isAllowed: true, remaining: 6, resetsAfter: .seconds(60)))
        // Half of the 15 in the window before still count: 7, so that 3 are left.
        clock.advance(by: .seconds(90))
        #expect(await allowed(limit, 10) == 3)
        clock.advance(by: .seconds(200))
        #expect(await allowed(limit, 15) == 10)
    }

    @Test func `processes share a count, and without the server each counts alone`() async throws {
        let server = MemoryTierServer(clock: clock)
        let (first, second) = (try await limit(on: server), try await limit(on: server))
        var allowed = 0
        for turn in 0..<20 where await (turn % 2 == 0 ? first : second).count("a").isAllowed { allowed += 1 }
        #expect(allowed == 10)
        server.state.withLock { $0.isAway = true }
        #expect(await self.allowed(first, 15, "b") == 10)
        #expect(await self.allowed(second, 15, "b") == 10)
        // Each asked twice, then left it alone for a second.
        #expect(server.state.withLock { $0.requests } == 24)
    }
}
