import ApusCache
import ApusCore
import Testing

/// A shared tier in a dictionary.
final class DictionaryEngine: CacheEngine {
    struct State {
        var entries: [Int: CacheEngineEntry<String>] = [:]
        var isDown = false
    }

    let state = Lock(State())
    let asked = Count()

    private func reach<Result>(_ body: (inout State) -> Result) throws -> Result {
        try state.withLock { state in
            if state.isDown { throw LoaderFailed() }
            return body(&state)
        }
    }

    func look(for key: Int, refreshing: Bool) async throws -> CacheEngineAnswer<String> {
        asked.up()
        return try reach { $0.entries[key].map { .found($0) } ?? .load(CacheLease(token: [])) }
    }
    func fill(_ entry: CacheEngineEntry<String>, for key: Int, under lease: CacheLease) async throws -> Bool {
        try await keep(entry, for: key)
        return true
    }
    func giveUp(_ lease: CacheLease, for key: Int) async {}
    func keep(_ entry: CacheEngineEntry<String>, for key: Int) async throws { try reach { $0.entries[key] = entry } }
    func remove(_ key: Int) async throws { try reach { $0.entries[key] = nil } }
    func removeAll() async throws { try reach { $0.entries = [:] } }
    func close() async {}
    var stockClient: String? { "dictionary-cli" }
}

@Suite(.timeLimit(.minutes(5)))
struct CacheEngineTests {
    @Test func `the engine is asked before the loader, and told what was loaded`() async throws {
        let engine = DictionaryEngine()
        let first = try await Bench<Int, String>(.plain(), engine: engine)
        let second = try await Bench<Int, String>(.plain(), engine: engine)
        #expect(try await first.cache.value(for: 1) { "loaded" } == "loaded")
        await eventually { engine.state.withLock { $0.entries[1]?.value } == "loaded" }
        #expect(try await second.cache.value(for: 1) { "again" } == "loaded")
        #expect(try await second.cache.value(for: 1) { "again" } == "loaded")
        #expect(engine.asked.value == 2)
        #expect(first.cache.stockClient == "dictionary-cli")
        try await second.cache.remove(1)
        #expect(engine.state.withLock { $0.entries.isEmpty })
    }

    @Test func `an engine that fails is passed over and counted`() async throws {
        let engine = DictionaryEngine()
        engine.state.withLock { $0.isDown = true }
        let bench = try await Bench<Int, String>(.plain(), engine: engine)
        #expect(try await bench.cache.value(for: 1) { "loaded" } == "loaded")
        await eventually { bench.cache.statistics.engineFailures == 1 }
        await #expect(throws: LoaderFailed.self) { try await bench.cache.set("x", for: 1) }
        #expect(bench.cache.cached(1) == "x")
    }
}
