#if MySQL
import ApusCore
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusStore

/// A server that is killed, frozen, cut off or full: waits end, errors say what is known, and nothing of ours is started
/// again.
@Suite(.needsMariaDB, .serialized, .ownThread, .timeLimit(.minutes(5)))
struct MySQLFaultTests {
    @Test
    func `a server that is killed under load loses nothing acknowledged and is used again once it is back`()
        async throws
    {
        let server = try await MariaDBServer.start()
        let store = try await openStore(server.url())
        let heard = try await WriteLoad.run(store) { heard in
            await server.kill()
            await eventually { heard.codes.contains(.unreachable) }
            try await server.start()
        }
        #expect(heard.codes.isSubset(of: [.unreachable, .outcomeUnknown]))
        await store.close()
    }

    @Test
    func `connections that are cut under load are made again`() async throws {
        let server = try await MariaDBServer.start()
        let store = try await openStore(server.url())
        let heard = try await WriteLoad.run(store) { heard in
            let other = try TestMySQL(server.url()).session()
            defer { other.close() }
            for _ in 0..<5 {
                let before = heard.acknowledged
                let numbers: [Int] = try Transaction(other).all(
                    "SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND user = 'apus'"
                )
                for number in numbers { try? other.control("KILL \(number)") }
                await eventually { heard.acknowledged > before }
            }
        }
        #expect(heard.codes.isSubset(of: [.unreachable, .outcomeUnknown]))
        await store.close()
    }

    @Test
    func `a frozen server meets each deadline, and is used again once it goes on`() async throws {
        let server = try await MariaDBServer.start()
        var configuration = StoreConfiguration()
        configuration.readDeadline = .milliseconds(200)
        configuration.connectDeadline = .milliseconds(200)
        let store = try await openStore(server.url(), configuration: configuration)
        let shard = try store.shard(for: 1)
        try await shard.execute("INSERT INTO products (id, name) VALUES (1, 'a')")
        _ = try await shard.transaction { try $0.one("SELECT count(*) FROM products", as: Int.self) }
        _ = try await shard.one("SELECT 1", as: Int.self)
        server.freeze()
        let limit = Duration.milliseconds(200)
        #expect(
            await code { try await shard.execute("UPDATE products SET stock = 1", deadline: limit) } == .outcomeUnknown
        )
        let transaction = await code {
            try await shard.transaction(deadline: limit) { _ = try $0.execute("UPDATE products SET stock = 2") }
        }
        #expect(transaction == .deadlineExceeded)
        #expect(await code { _ = try await shard.one("SELECT 1", as: Int.self) } == .deadlineExceeded)
        #expect(await code { _ = try await shard.scan("SELECT 1", as: Int.self, deadline: limit) } != nil)
        server.thaw()
        await eventually { try await shard.execute("UPDATE products SET stock = 3") == 1 }
        await eventually { try await shard.one("SELECT stock FROM products") == 3 }
        await store.close()
    }

    @Test
    func `a server without a connection left says so, and serves once it has one`() async throws {
        // The server keeps one more for its administrator.
        let server = try await MariaDBServer.start(["--max-connections=10"])
        let store = try await openStore(server.url())
        let shard = try store.shard(for: 1)
        var others: [MySQLSession] = []
        while let other = try? TestMySQL(server.url()).session() { others.append(other) }
        #expect(!others.isEmpty)
        #expect(await code { _ = try await shard.one("SELECT 1", as: Int.self) } == .overloaded)
        for other in others { other.close() }
        await eventually { try await shard.one("SELECT 1", as: Int.self) == 1 }
        await store.close()
    }

    @Test
    func `who loses a deadlock runs again, and both are done`() async throws {
        let server = try await MariaDBServer.start()
        let store = try await openStore(server.url())
        let shard = try store.shard(for: 1)
        try await shard.execute("INSERT INTO products (id, name) VALUES (1, 'a'), (2, 'b')")
        // Each reads what the others change: without a victim nobody would get on.
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<8 {
                tasks.addTask {
                    for _ in 0..<20 {
                        try await shard.transaction(deadline: .seconds(60)) { transaction in
                            let stock: Int = try transaction.one("SELECT stock FROM products WHERE id = 1")
                            try transaction.execute("UPDATE products SET stock = \(stock + 1) WHERE id = 1")
                        }
                    }
                }
            }
            try await tasks.waitForAll()
        }
        #expect(try await shard.one("SELECT stock FROM products WHERE id = 1") == 160)
        await store.close()
    }

    @Test
    func `what is larger than the server takes is refused, and the connection goes on`() async throws {
        let server = try await MariaDBServer.start(["--max-allowed-packet=1M"])
        let store = try await openStore(server.url())
        let shard = try store.shard(for: 1)
        let large = [UInt8](repeating: 7, count: 2 << 20)
        let insert: SQL = "INSERT INTO products (id, name, picture) VALUES (1, 'a', \(large))"
        #expect(await code { try await shard.execute(insert) } == .tooLarge)
        try await shard.execute("INSERT INTO products (id, name) VALUES (1, 'a')")
        #expect(try await store.integrity().isEmpty)
        await store.close()
    }
}
#endif
