import ApusCore
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusStore

/// A server that answers late, and one that answers later than anybody waits: waits end, errors say what is known, and
/// the same store goes on once it is quick again.
@Suite(.ownThread, .serialized, .timeLimit(.minutes(5)))
struct SlowServerTests {
    static let servers = TestEngine.here.filter { $0 != .sqlite }

    /// A store behind a server that can be slow.
    private struct Slow {
        let place: TestPlace
        let server: SlowServer
        let store: Store
        let shard: Shard<Int>

        init(_ engine: TestEngine, _ configuration: StoreConfiguration = StoreConfiguration()) async throws {
            place = try TestPlace(engine)
            let url = try #require(place.url)
            let port = try #require(url.firstMatch(of: /:([0-9]+)(?:\/|\?|$)/).flatMap { UInt16($0.1) })
            server = try await SlowServer(before: port)
            store = Store(place.name, migrations: productsSchema, configuration: configuration)
            let slow = url.replacing(":\(port)", with: ":\(server.port)")
            try await store.open(BlockSite(url: slow, dataFolder: place.folder.path))
            shard = try store.shard(for: 1)
        }
    }

    @Test(arguments: servers)
    func `a server that answers late is waited for`(engine: TestEngine) async throws {
        let slow = try await Slow(engine)
        slow.server.answer(after: .milliseconds(30))
        let heard = try await WriteLoad.run(slow.store) { _ in }
        #expect(heard.codes == [])
        await slow.store.close()
    }

    @Test(arguments: servers)
    func `a server that answers later than anybody waits costs what was asked, and nothing acknowledged`(
        engine: TestEngine
    ) async throws {
        var configuration = StoreConfiguration()
        configuration.readDeadline = .milliseconds(500)
        configuration.writeDeadline = .milliseconds(500)
        configuration.connectDeadline = .seconds(1)
        let slow = try await Slow(engine, configuration)
        let heard = try await WriteLoad.run(slow.store) { heard in
            for _ in 0..<3 {
                slow.server.answer(after: .seconds(2))
                let before = heard.acknowledged
                await eventually { heard.codes.contains(.outcomeUnknown) && heard.codes.contains(.deadlineExceeded) }
                slow.server.answer(after: .zero)
                await eventually { heard.acknowledged > before + 50 }
            }
        }
        #expect(heard.codes.isSubset(of: [.deadlineExceeded, .outcomeUnknown, .unreachable]))
        await slow.store.close()
    }

    @Test(arguments: servers)
    func `each way to ask ends soon after its deadline, and what it says of its write is so`(engine: TestEngine)
        async throws
    {
        let limit = Duration.milliseconds(400)
        var configuration = StoreConfiguration()
        configuration.readDeadline = limit
        configuration.scanDeadline = limit
        let slow = try await Slow(engine, configuration)
        let shard = slow.shard
        func insert(_ id: Int) -> SQL { "INSERT INTO products (id, name) VALUES (\(id), \("n\(id)"))" }
        // Each way has a connection by then.
        try await shard.execute(insert(1))
        try await shard.transaction { _ = try $0.execute("INSERT INTO products (id, name) VALUES (2, 'n2')") }
        #expect(try await shard.one("SELECT count(*) FROM products") == 2)
        #expect(try await shard.scan("SELECT id FROM products ORDER BY id", as: Int.self) == [1, 2])

        slow.server.answer(after: .seconds(3))
        let asked = SystemClock().now()
        async let read = code { let _: Int = try await shard.one("SELECT count(*) FROM products") }
        async let write = code { try await shard.execute(insert(3), deadline: limit) }
        async let shared = code { try await shard.execute(insert(4), mayShare: true, deadline: limit) }
        async let transaction = code {
            try await shard.transaction(deadline: limit) {
                _ = try $0.execute("INSERT INTO products (id, name) VALUES (5, 'n5')")
            }
        }
        async let scan = code { _ = try await shard.scan("SELECT id FROM products", as: Int.self) }
        let heard = await (read, write, shared, transaction, scan)
        #expect(heard.0 == .deadlineExceeded)
        // One of them may have waited for a connection all the time.
        let unknown = Set([(3, heard.1), (4, heard.2)].filter { $0.1 == .outcomeUnknown }.map(\.0))
        #expect(!unknown.isEmpty && [heard.1, heard.2].allSatisfy { $0 == .outcomeUnknown || $0 == .deadlineExceeded })
        #expect(heard.3 == .deadlineExceeded)
        #expect(heard.4 == .deadlineExceeded)
        // A second for the server to stop what is late, and one for this machine.
        #expect(SystemClock().now() - asked < limit + .seconds(2))

        slow.server.answer(after: .zero)
        await eventually { try await shard.execute(insert(6)) == 1 }
        await eventually { try await shard.transaction { try $0.one("SELECT 1", as: Int.self) } == 1 }
        await eventually { try await shard.one("SELECT count(*) FROM products WHERE id = 6") == 1 }
        let stored = Set(try await shard.scan("SELECT id FROM products", as: Int.self))
        // Of some nobody knows; that nothing came of the others was said.
        #expect(stored.isSuperset(of: [1, 2, 6]) && stored.subtracting([1, 2, 6]).isSubset(of: unknown))
        #expect(slow.store.problems.isEmpty)
        await slow.store.close()
    }
}
