import ApusCore
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusStore

@Suite(.timeLimit(.minutes(5)))
struct SlowStatementTests {
    @Test func `a text is kept with how often and how long, and only where it took long`() {
        let clock = ManualClock()
        let slow = SlowStatements(after: .milliseconds(100), clock: clock)
        for milliseconds in [100, 101, 300] {
            let began = slow.now()
            clock.advance(by: .milliseconds(milliseconds))
            slow.ended("COMMIT", since: began)
        }
        let list = slow.list(shard: 3)
        #expect(list.count == 1)
        #expect(list.first?.count == 2 && list.first?.shard == 3)
        #expect(list.first?.longest == .milliseconds(300) && list.first?.total == .milliseconds(401))
        #expect(list.first?.last == clock.wallNanoseconds())
    }

    @Test func `the texts are bounded, and those seen longest ago go first`() {
        let clock = ManualClock()
        let slow = SlowStatements(after: .zero, clock: clock)
        for index in 0..<SlowStatements.textsMax + 10 {
            let began = slow.now()
            clock.advance(by: .milliseconds(1))
            slow.ended("\(index) " + String(repeating: "x", count: 5000), since: began)
        }
        let list = slow.list(shard: 0)
        #expect(list.count == SlowStatements.textsMax)
        #expect(!list.contains { $0.text.hasPrefix("9 ") } && list.contains { $0.text.hasPrefix("10 ") })
        #expect(list.allSatisfy { $0.text.count == SlowStatements.textMax })
    }

    @Test func `writes and scans are noticed without their values, point reads are not`() async throws {
        var configuration = StoreConfiguration()
        configuration.slowAfter = .zero
        let folder = try TestFolder()
        let store = try await openStore(folder, shards: 2, configuration: configuration)
        #expect(store.slowAfter == .zero && store.slowStatements.isEmpty)
        let name = "a secret value"
        try await store.shard(for: 1).execute("INSERT INTO products (id, name) VALUES (\(1), \(name))")
        let group = try LoopGroup(count: 1)
        let row: String? = try await onLoop(group.loops[0]) {
            try await store.shard(for: 1).first("SELECT name FROM products WHERE id = \(1)")
        }
        #expect(row == name)
        let names: [String] = try await store.shard(for: 1).scan("SELECT name FROM products WHERE stock < \(5)")
        #expect(names == [name])
        group.shutdown()
        let texts = Set(store.slowStatements.map(\.text))
        #expect(
            texts == [
                "INSERT INTO products (id, name) VALUES (?, ?)", "SELECT name FROM products WHERE stock < ?", "COMMIT",
            ]
        )
        await store.close()
        #expect(store.slowStatements.isEmpty)
    }
}

@Suite(.timeLimit(.minutes(5)))
struct RowCountTests {
    @Test func `the rows of every table are counted on every shard`() async throws {
        let folder = try TestFolder()
        let store = try await openStore(folder, shards: 3)
        for id in 1...50 {
            try await store.shard(for: id).execute("INSERT INTO products (id, name) VALUES (\(id), \("p\(id)"))")
        }
        let counts = try await store.rowCounts()
        #expect(counts.isComplete && counts.shards == [0, 1, 2])
        #expect(counts.tables.keys.sorted() == ["products"])
        #expect(counts.tables["products"]?.values.reduce(0, +) == 50)
        let second: Int = try await store.everyShard.handles[1].one("SELECT count(*) FROM products")
        #expect(counts.tables["products"]?[1] == second)
        await store.close()
        #expect(await code { _ = try await store.rowCounts() } == .closed)
    }

    @Test func `a count whose time is up says so`() async throws {
        let folder = try TestFolder()
        let store = try await openStore(folder)
        try await store.shard(for: 1).execute("INSERT INTO products (id, name) VALUES (1, 'one')")
        let counts = try await store.rowCounts(within: .zero)
        #expect(!counts.isComplete && counts.tables.isEmpty)
        await store.close()
    }
}
