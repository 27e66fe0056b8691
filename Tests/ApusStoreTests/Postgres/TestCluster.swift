#if PostgreSQL
import ApusCore
import ApusStore
import ApusTesting
import Testing

extension TestServer {
    /// Whether it follows another one; blocks.
    func isFollowing() throws -> Bool { try number("SELECT pg_is_in_recovery()::int") == 1 }
}

/// A server with others that follow it, which all have the tables of one store, and that store's URL.
struct TestCluster: Sendable {
    /// The first is the primary at the beginning.
    let servers: [TestServer]

    /// - Parameters:
    ///   - followers: How many.
    ///   - isConfirmed: Whether a commit waits until one of them has it on its disk, on whichever server.
    /// - Returns: The servers, which answer.
    /// - Throws: What kept one from starting.
    static func start(followers: Int, isConfirmed: Bool) async throws -> TestCluster {
        let primary = try await TestServer.start()
        // Its tables are there before anybody follows.
        await (try await openStore(primary.url)).close()
        var servers = [primary]
        for _ in 0..<followers { servers.append(try await primary.follower()) }
        let cluster = TestCluster(servers: servers)
        if isConfirmed { for server in servers { try cluster.confirm(on: server) } }
        return cluster
    }

    /// Has a server's commits wait for a replica.
    func confirm(on server: TestServer) throws {
        try server.run("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'", "SELECT pg_reload_conf()")
    }

    /// A URL that names all of them.
    var url: String {
        let others = servers.dropFirst().map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        return servers[0].url(database: "postgres?replica=\(others)")
    }

    var site: BlockSite { BlockSite(url: url, dataFolder: "/tmp") }

    func server(_ name: String) throws -> TestServer {
        try #require(servers.first { "127.0.0.1:\($0.port)" == name })
    }

    /// Bounds with which a server that stands still is noticed soon.
    static var hasty: StoreConfiguration {
        var configuration = StoreConfiguration()
        configuration.readDeadline = .seconds(1)
        configuration.writeDeadline = .seconds(1)
        configuration.connectDeadline = .seconds(1)
        configuration.rowsMax = 10_000_000
        return configuration
    }

    /// A store that knows all of them.
    func open() async throws -> Store { try await openStore(url, configuration: Self.hasty) }

    /// The same store, for what is done while it need not be open.
    static var declared: Store { Store("test", shards: 1, migrations: productsSchema, configuration: hasty) }

    @discardableResult
    func promote(isPlanned: Bool = false, isForced: Bool = false) async throws -> PromotionReport {
        try await Self.declared.promote(shard: 0, at: site, isPlanned: isPlanned, isForced: isForced)
    }

    /// Rows on one server, whoever the primary is.
    static func rows(on server: TestServer) throws -> Int { try server.number("SELECT count(*) FROM test_0.products") }
}
#endif
