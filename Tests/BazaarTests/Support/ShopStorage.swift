import Apus
import ApusTesting
import Glibc

/// Where one test's shop keeps its rows, and what its processes share.
///
/// In files of its folder; or, where the run says so (`./apus test --profile web`), in databases of its own on the server of
/// `APUS_TEST_SHOP_STORE`, with the cache of `APUS_TEST_SHOP_CACHE`. One server has all of that run's shops, so its tests run
/// one after the other.
struct ShopStorage: Sendable {
    /// The engine's URL; `nil` for files.
    let url: String?
    private let database: String

    /// A new, empty place; ``remove()`` it.
    static func make() async throws -> ShopStorage {
        if let cache = TestRun.shopCache { try SharedCache(url: cache).clear() }
        guard let server = TestRun.shopStore else { return ShopStorage(url: nil, database: "") }
        let database = "shop_\(UInt64.random(in: 0...UInt64.max))"
        let made = ShopStorage(url: url(server, database: database), database: database)
        // On MySQL the store makes its databases by itself.
        if !made.isMySQL { try await run("CREATE DATABASE \(identifier: database)", on: server) }
        return made
    }

    private var isMySQL: Bool { url?.hasPrefix("mysql") ?? false }

    /// The server's URL with another database; what it asks for stays.
    private static func url(_ server: String, database: String) -> String {
        let address = server.prefix { $0 != "?" }
        let authority = address.drop { $0 != ":" }.dropFirst(3).prefix { $0 != "/" }
        return "\(address.prefix { $0 != ":" })://\(authority)/\(database)\(server.dropFirst(address.count))"
    }

    /// What a system's process is told.
    var environment: [String: String] {
        var environment: [String: String] = [:]
        environment["STORE_URL"] = url
        environment["CACHE_URL"] = TestRun.shopCache
        return environment
    }

    /// Where a test opens the store itself; `folder` is for files.
    func site(_ folder: String) -> BlockSite { BlockSite(url: url, dataFolder: folder) }

    func remove() async throws {
        guard url != nil, let server = TestRun.shopStore else { return }
        guard isMySQL else {
            return try await Self.run("DROP DATABASE IF EXISTS \(identifier: database) WITH (FORCE)", on: server)
        }
        for index in 0..<Self.shardsMax {
            try await Self.run("DROP DATABASE IF EXISTS \(identifier: "\(database)_\(index)")", on: server)
        }
    }
    private static let shardsMax = 8

    private static func run(_ sql: SQL, on server: String) async throws {
        let store = Store("tests")
        try await store.open(BlockSite(url: server, dataFolder: "/tmp"))
        let result = await Task { try await store.shard(for: 0).execute(sql, deadline: .seconds(60)) }.result
        await store.close()
        _ = try result.get()
    }
}

/// The cache server that all shops of a run use: what one leaves in it is not the next one's.
struct SharedCache {
    let url: String

    /// Has every node forget everything.
    func clear() throws {
        let command = url.hasPrefix("memcached") ? "flush_all\r\n" : "FLUSHALL\r\n"
        for node in url.drop(while: { $0 != ":" }).dropFirst(3).split(separator: ",") {
            let answer = try ask(String(node.prefix { $0 != "/" && $0 != "?" }), command)
            guard answer.hasPrefix("OK") || answer.hasPrefix("+OK") else {
                throw Refused(node: "\(node)", answer: answer)
            }
        }
    }

    private struct Refused: Error {
        let node: String
        let answer: String
    }

    private func ask(_ node: String, _ command: String) throws -> String {
        let parts = node.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1]) else { throw Refused(node: node, answer: "no address") }
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(connection) }
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, String(parts[0]), &address.sin_addr)
        let isConnected = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected, send(connection, command, command.utf8.count, Int32(MSG_NOSIGNAL)) > 0 else {
            throw Refused(node: node, answer: "cannot be reached: errno \(errno)")
        }
        var answer = [UInt8](repeating: 0, count: 64)
        let count = recv(connection, &answer, answer.count, 0)
        return String(decoding: answer.prefix(max(0, count)), as: UTF8.self)
    }
}
