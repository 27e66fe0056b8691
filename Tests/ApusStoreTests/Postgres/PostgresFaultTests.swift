#if PostgreSQL
import ApusCore
import ApusRuntime
import ApusStore
import ApusTesting
import Testing

/// A server that is killed, restarted, frozen, cut off or full: waits end, errors say what is known, and nothing of
/// ours is started again.
@Suite(.needsServer, .serialized, .ownThread, .timeLimit(.minutes(5)))
struct PostgresFaultTests {
    /// What a load of writers and readers has heard.
    private final class Heard: Sendable {
        struct State {
            var acknowledged: Set<Int> = []
            var unknown: Set<Int> = []
            var codes: Set<StoreError.Code> = []
            var isOver = false
        }
        let state = Lock(State())
        var acknowledged: Int { state.withLock { $0.acknowledged.count } }
        var codes: Set<StoreError.Code> { state.withLock { $0.codes } }
        var isOver: Bool { state.withLock { $0.isOver } }

        func failed(_ id: Int, _ error: any Error) throws {
            guard let error = error as? StoreError else { throw error }
            state.withLock { state in
                state.codes.insert(error.code)
                if error.code == .outcomeUnknown { state.unknown.insert(id) }
            }
        }
    }

    /// Writes one row after the other, in each of the ways there are, and reads each back.
    private static func write(_ shard: Shard<Int>, _ writer: Int, _ heard: Heard) async throws {
        var round = 0
        while !heard.isOver {
            let id = writer * 100_000_000 + round
            round += 1
            do {
                let insert: SQL = "INSERT INTO products (id, name) VALUES (\(id), \("n\(id)"))"
                switch writer % 3 {
                case 0: try await shard.transaction { _ = try $0.execute(insert) }
                default: try await shard.execute(insert, mayShare: writer % 3 == 1)
                }
                _ = heard.state.withLock { $0.acknowledged.insert(id) }
                let found: Int? = try await shard.first("SELECT id FROM products WHERE id = \(id)")
                #expect(found == id)
            } catch {
                try heard.failed(id, error)
            }
        }
    }

    /// Has a load run while `body` does something to the server.
    private func underLoad(_ store: Store, _ body: (Heard) async throws -> Void) async throws -> Heard {
        let group = try LoopGroup(count: 2)
        defer { group.shutdown() }
        let heard = Heard()
        let shard = try store.shard(for: 1)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for writer in 0..<12 {
                tasks.addTask(executorPreference: group.loops[writer % 2]) {
                    try await Self.write(shard, writer, heard)
                }
            }
            defer { heard.state.withLock { $0.isOver = true } }
            await eventually { heard.acknowledged > 100 }
            try await body(heard)
            let before = heard.acknowledged
            await eventually { heard.acknowledged > before + 100 }
            heard.state.withLock { $0.isOver = true }
            try await tasks.waitForAll()
        }
        let state = heard.state.withLock { $0 }
        let stored = Set(try await shard.scan("SELECT id FROM products", as: Int.self))
        #expect(state.acknowledged.isSubset(of: stored))
        // What failed otherwise than with an unknown outcome has changed nothing.
        #expect(stored.isSubset(of: state.acknowledged.union(state.unknown)))
        return heard
    }

    @Test
    func `a server that is killed under load loses nothing acknowledged and is used again once it is back`()
        async throws
    {
        let server = try await TestServer.start()
        let store = try await openStore(server.url)
        let heard = try await underLoad(store) { heard in
            await server.kill()
            await eventually { heard.codes.contains(.unreachable) }
            try await server.start()
        }
        #expect(heard.codes.isSubset(of: [.unreachable, .outcomeUnknown]))
        await store.close()
    }

    @Test
    func `connections that are cut under load are made again`() async throws {
        let server = try await TestServer.start()
        let store = try await openStore(server.url)
        let heard = try await underLoad(store) { heard in
            for _ in 0..<5 {
                let before = heard.acknowledged
                try server.run(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE application_name = 'apus' AND pid <> pg_backend_pid()
                    """
                )
                await eventually { heard.acknowledged > before + 50 }
            }
        }
        #expect(heard.codes.isSubset(of: [.unreachable, .outcomeUnknown]))
        await store.close()
    }

    @Test
    func `a frozen server keeps nobody longer than the deadline, and is used again once it goes on`() async throws {
        let server = try await TestServer.start()
        var configuration = StoreConfiguration()
        configuration.readDeadline = .milliseconds(300)
        configuration.scanDeadline = .milliseconds(300)
        configuration.connectDeadline = .milliseconds(300)
        let store = try await openStore(server.url, configuration: configuration)
        let shard = try store.shard(for: 1)
        let insert: SQL = "INSERT INTO products (name) VALUES (\(SecureRandom.token(bits: 64)))"
        // Each way has a connection by then.
        #expect(try await shard.one("SELECT count(*) FROM products") == 0)
        try await shard.execute("INSERT INTO products (name) VALUES ('a')")
        try await shard.transaction { _ = try $0.execute("INSERT INTO products (name) VALUES ('b')") }
        #expect(try await shard.scan("SELECT name FROM products ORDER BY name", as: String.self) == ["a", "b"])

        server.freeze()
        async let read = code { let _: Int = try await shard.one("SELECT count(*) FROM products") }
        async let write = code { try await shard.execute(insert, deadline: .milliseconds(300)) }
        async let transaction = code {
            try await shard.transaction(deadline: .milliseconds(300)) { _ = try $0.execute(insert) }
        }
        async let scan = code { _ = try await shard.scan("SELECT name FROM products", as: String.self) }
        #expect(await read == .deadlineExceeded)
        #expect(await write == .outcomeUnknown)
        #expect(await transaction == .deadlineExceeded)
        #expect(await scan == .deadlineExceeded)
        // Once the old connections are given up, new ones are tried, and the store says what is wrong.
        await eventually {
            let error = await failure { let _: Int = try await shard.one("SELECT count(*) FROM products") }
            return error?.code == .unreachable && error?.detail.contains("is it frozen") == true
        }
        #expect(store.problems.first?.contains("is it frozen") == true)

        server.thaw()
        await eventually { try await shard.one("SELECT 1") == 1 }
        await eventually { try await shard.execute("UPDATE products SET stock = 1") >= 2 }
        await eventually { try await shard.transaction { try $0.one("SELECT 1", as: Int.self) } == 1 }
        #expect(store.problems.isEmpty)
        await store.close()
    }

    @Test
    func `a server without a connection left says so, and serves once there is one`() async throws {
        let server = try await TestServer.start(["max_connections = 6", "superuser_reserved_connections = 2"])
        try server.run("CREATE ROLE shop LOGIN PASSWORD 'shop'", "GRANT CREATE ON DATABASE postgres TO shop")
        let url = server.url("shop", password: "shop")
        let store = try await openStore(url)
        var others: [PostgresHold] = []
        while true {
            do { others.append(try PostgresHold(url)) } catch { break }
        }
        let shard = try store.shard(for: 1)
        for error in [
            await failure { let _: Int = try await shard.one("SELECT 1") },
            await failure { try await shard.execute("DELETE FROM products") },
            await failure { try await shard.transaction { _ = try $0.execute("DELETE FROM products") } },
            await failure { _ = try await openStore(url) },
        ] {
            #expect(error?.code == .overloaded)
            #expect(error?.detail.contains("max_connections") == true)
        }
        for other in others { other.close() }
        await eventually { try await shard.one("SELECT 1") == 1 }
        await store.close()
    }
}
#endif
