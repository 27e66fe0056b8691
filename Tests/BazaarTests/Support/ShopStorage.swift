import Apus
import ApusTesting

/// Where one test's shop keeps its rows.
///
/// In files of its folder; or, where the run asks for it by `APUS_TEST_SHOP_STORE=postgres`, in a database of its own on
/// the server of `APUS_TEST_POSTGRES`. One server has all of that run's shops, so its tests run one after the other.
struct ShopStorage: Sendable {
    /// The engine's URL; `nil` for files.
    let url: String?
    private let database: String

    /// A new, empty place; ``remove()`` it.
    static func make() async throws -> ShopStorage {
        guard TestRun.shopStore == "postgres" else { return ShopStorage(url: nil, database: "") }
        guard let server = RealPart.postgres.location, let slash = server.lastIndex(of: "/") else {
            throw NoServer()
        }
        let database = "shop_\(UInt64.random(in: 0...UInt64.max))"
        try await run("CREATE DATABASE \(identifier: database)", on: server)
        return ShopStorage(url: server[...slash] + database, database: database)
    }

    /// What a system's process is told.
    var environment: [String: String] { url.map { ["STORE_URL": $0] } ?? [:] }

    /// Where a test opens the store itself; `folder` is for files.
    func site(_ folder: String) -> BlockSite { BlockSite(url: url, dataFolder: folder) }

    func remove() async throws {
        guard url != nil, let server = RealPart.postgres.location else { return }
        try await Self.run("DROP DATABASE IF EXISTS \(identifier: database) WITH (FORCE)", on: server)
    }

    private struct NoServer: Error, CustomStringConvertible {
        let description = "APUS_TEST_SHOP_STORE=postgres needs APUS_TEST_POSTGRES"
    }

    private static func run(_ sql: SQL, on server: String) async throws {
        let store = Store("tests")
        try await store.open(BlockSite(url: server, dataFolder: "/tmp"))
        let result = await Task { try await store.shard(for: 0).execute(sql, deadline: .seconds(60)) }.result
        await store.close()
        _ = try result.get()
    }
}
