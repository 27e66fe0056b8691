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
    @Test
    func `a server that is killed under load loses nothing acknowledged and is used again once it is back`()
        async throws
    {
        let server = try await TestServer.start()
        let store = try await openStore(server.url)
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
        let server = try await TestServer.start()
        let store = try await openStore(server.url)
        let heard = try await WriteLoad.run(store) { heard in
            for _ in 0..<5 {
                let before = heard.acknowledged
                try server.run(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE application_name LIKE 'apus %' AND pid <> pg_backend_pid()
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
