import ApusCore
import ApusTesting
import Testing

/// A server of RESP that a test runs on.
enum CachePlace: String, Sendable, CustomTestStringConvertible {
    case embedded, redis, redisCluster

    var testDescription: String { rawValue }

    private var part: RealPart? {
        switch self {
        case .embedded: nil
        case .redis: .redis
        case .redisCluster: .redisCluster
        }
    }

    private var isHere: Bool { part.map { $0.location != nil || RealPart.mustRun } ?? true }

    /// Those that are there; `./apus test` promises all.
    static var here: [CachePlace] { [.embedded, .redis, .redisCluster].filter(\.isHere) }
    /// Those of them that are one server.
    static var single: [CachePlace] { [.embedded, .redis].filter(\.isHere) }

    /// Runs `body` with the server's URL, and a prefix that nobody else's keys have.
    func with<Value: Sendable>(
        _ body: @escaping @Sendable (_ url: String, _ prefix: String) async throws -> Value
    ) async throws -> Value {
        let prefix = "t:\(SecureRandom.token(bits: 64)):"
        guard let part else { return try await withEmbedded { try await body($0, prefix) } }
        return try await body(try #require(part.location, "APUS_TEST_ALL=1, but \(part.rawValue) is not set"), prefix)
    }
}
