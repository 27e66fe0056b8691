import ApusCache
import ApusCore
import ApusRuntime
import Testing

@Suite(.timeLimit(.minutes(5)))
struct BulkTests {
    @Test func `what is missing is loaded together, and only that`() async throws {
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        let cache = try await Bench<Int, String>(.plain(capacity: 1000)).cache
        try await cache.set("kept", for: 3)
        let calls = Lock<[[Int]]>([])
        let found = try await Task(executorPreference: group.loops[0]) {
            try await cache.values(for: [1, 2, 3, 4, 2, 1]) { keys in
                calls.withLock { $0.append(keys.sorted()) }
                return Dictionary(uniqueKeysWithValues: keys.filter { $0 != 4 }.map { ($0, "loaded \($0)") })
            }
        }.value
        #expect(found == [1: "loaded 1", 2: "loaded 2", 3: "kept"])
        #expect(calls.withLock { $0 } == [[1, 2, 4]])
        // That 4 has none is kept too.
        #expect(try await cache.find(4) { "other" } == nil)
        #expect(try await cache.values(for: [1, 4]) { _ in [:] } == [1: "loaded 1"])
    }

    @Test func `a batch has a bound, its error goes to all, and who loads already is waited for`() async throws {
        let cache = try await Bench<Int, String>(.plain(capacity: 1000)).cache
        let sizes = Lock<[Int]>([])
        _ = try await cache.values(for: 0..<25, batchMax: 10) { keys in
            sizes.withLock { $0.append(keys.count) }
            return Dictionary(uniqueKeysWithValues: keys.map { ($0, "x") })
        }
        #expect(sizes.withLock { $0.reduce(0, +) } == 25)
        #expect(sizes.withLock { $0.allSatisfy { $0 <= 10 } })
        await #expect(throws: LoaderFailed.self) {
            _ = try await cache.values(for: 100..<110) { _ in throw LoaderFailed() }
        }
        let gate = Gate()
        async let single = cache.value(for: 200) {
            await gate.pass()
            return "single"
        }
        await gate.arrived()
        async let many = cache.values(for: [200, 201]) { keys in
            #expect(keys == [201])
            return [201: "bulk"]
        }
        await eventually { cache.cached(201) == "bulk" }
        gate.open()
        #expect(try await single == "single")
        #expect(try await many == [200: "single", 201: "bulk"])
    }
}
