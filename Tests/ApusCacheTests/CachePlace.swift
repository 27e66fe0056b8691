import ApusCore
import ApusObserve
import ApusTesting
import Testing

@testable import ApusCache

/// A server that a test runs on.
enum CachePlace: String, Sendable, CustomTestStringConvertible {
    case embedded, redis, redisCluster
    /// Memcached's protocol, of the embedded server and of the real one.
    case embeddedMemcached, memcached

    var testDescription: String { rawValue }

    private var part: RealPart? {
        switch self {
        case .embedded, .embeddedMemcached: nil
        case .redis: .redis
        case .redisCluster: .redisCluster
        case .memcached: .memcached
        }
    }

    private var isHere: Bool { part.map { $0.location != nil || RealPart.mustRun } ?? true }

    /// Those that are there and speak RESP; `./apus test` promises all.
    static var here: [CachePlace] { [.embedded, .redis, .redisCluster].filter(\.isHere) }
    /// Those of them that are one server.
    static var single: [CachePlace] { [.embedded, .redis].filter(\.isHere) }

    /// Those that are there and can stand behind a shared tier.
    static var tiers: [CachePlace] { here + [.embeddedMemcached, .memcached].filter(\.isHere) }

    /// A test of `RealTierTests` that cannot run on some places.
    struct LeftOut: Sendable {
        let test: String
        let places: [CachePlace]
        let reason: String
    }
    /// All of them: every other test there runs on each of ``tiers``.
    static let leftOut = [
        LeftOut(
            test: "a change is seen by all once there is word of it",
            places: [.embeddedMemcached, .memcached],
            reason: "memcached tells nobody of changes: near memory ends by its lifetime"
        )
    ]

    /// Those of ``tiers`` on which a test can run.
    static func tiers(for test: String) -> [CachePlace] {
        let without = leftOut.filter { $0.test == test }.flatMap(\.places)
        return tiers.filter { !without.contains($0) }
    }

    /// Runs `body` with the server's URL, and a prefix that nobody else's keys have.
    func with<Value: Sendable>(
        _ body: @escaping @Sendable (_ url: String, _ prefix: String) async throws -> Value
    ) async throws -> Value {
        let prefix = "t:\(SecureRandom.token(bits: 64)):"
        if self == .embeddedMemcached {
            return try await withRunningServer { try await body("memcached://127.0.0.1:\($0.memcached)", prefix) }
        }
        guard let part else { return try await withEmbedded { try await body($0, prefix) } }
        return try await body(try #require(part.location, "APUS_TEST_ALL=1, but \(part.rawValue) is not set"), prefix)
    }
}

/// A shared tier's server of a test's own, as a URL names it.
func tierServer(
    _ url: String,
    replyLimit: Duration = .seconds(60),
    metrics: Metrics = Metrics()
) throws -> any TierServer {
    if url.hasPrefix("memcached") {
        let configuration = try MemcachedClientConfiguration(url: url)
        return try MemcachedTierServer(configuration, replyLimit: replyLimit, metrics: metrics)
    }
    return try RESPTierServer(RESPAddress(url: url), replyLimit: replyLimit)
}
