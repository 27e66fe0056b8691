import ApusCache
import ApusCore
import ApusObserve
import ApusTesting
import Testing

@Suite(.timeLimit(.minutes(5)))
struct TaggedCacheTests {
    private func cache() async throws -> TaggedCache<Int, String> {
        let cache = TaggedCache<Int, String>("pages", .plain(), metrics: Metrics())
        try await cache.open(BlockSite(dataFolder: "", clock: ManualClock()))
        return cache
    }

    @Test func `a tag's entries go together, and no others`() async throws {
        let cache = try await cache()
        let loads = Count()
        func page(_ key: Int, _ tags: [String]) async throws -> String? {
            try await cache.find(key, tags: tags) { "page \(key), load \(loads.up())" }
        }
        #expect(try await page(1, ["red", "small"]) == "page 1, load 1")
        #expect(try await page(2, ["red"]) == "page 2, load 2")
        #expect(try await page(3, ["small"]) == "page 3, load 3")
        #expect(try await page(1, ["red", "small"]) == "page 1, load 1")
        try await cache.removeAll(tagged: "red")
        #expect(try await page(1, ["red", "small"]) == "page 1, load 4")
        #expect(try await page(2, ["red"]) == "page 2, load 5")
        #expect(try await page(3, ["small"]) == "page 3, load 3")
        try await cache.remove(3)
        #expect(try await page(3, ["small"]) == "page 3, load 6")
        try await cache.removeAll()
        #expect(try await page(2, ["red"]) == "page 2, load 7")
    }

    @Test func `a value read before its tag was forgotten is not served after`() async throws {
        let cache = try await cache()
        let gate = Gate()
        async let old = cache.find(1, tags: ["red"]) {
            await gate.pass()
            return "old"
        }
        await gate.arrived()
        try await cache.removeAll(tagged: "red")
        gate.open()
        #expect(try await old == "old")
        #expect(try await cache.find(1, tags: ["red"]) { "new" } == "new")
        #expect(try await cache.find(1, tags: ["red"]) { "newer" } == "new")
    }
}
