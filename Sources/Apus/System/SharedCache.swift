public import ApusCache
import ApusCore
import ApusRuntime

/// A cache server of the system's own, behind the caches of all its processes.
///
/// Every cache of the system keeps what it holds there too: what one process loaded the others need not load, and a
/// change is heard by all. It speaks the protocol of Redis on a socket in the system's run folder. It is started where the
/// system runs as many processes and `CACHE_URL` names no other server; in one process the caches share memory already.
///
/// Nothing in it is on disk: when it is started anew it is empty, and the caches fill it again.
public struct SharedCache: SystemContent {
    /// The part.
    public let parts: SystemParts

    /// A cache server.
    ///
    /// - Parameters:
    ///   - name: What it is called; `cache` unless said.
    ///   - configuration: How it is bounded.
    public init(_ name: String = "cache", configuration: CacheServerConfiguration = CacheServerConfiguration()) {
        parts = SystemParts([Part(name: name, kind: .cache, replicas: 1, content: .cache(configuration))])
    }

    /// Where the cache server of a system listens, on a path that outlives its processes.
    static func address(of part: String, in runFolder: String) -> SocketAddress {
        .unix(path: "\(runFolder)/\(part).sock")
    }

    /// The URL under which the caches of the other processes find it.
    static func url(of part: String, in runFolder: String) -> String { "unix://\(runFolder)/\(part).sock" }
}

/// A cache server as a process runs it.
struct CacheServing: Serving {
    private let server: CacheServer

    init(_ part: Part) throws {
        guard case .cache(let configuration) = part.content else { preconditionFailure("a cache has cache content") }
        server = try CacheServer(configuration)
    }

    func run(
        at address: SocketAddress,
        on loops: [EventLoop],
        ready: @escaping @Sendable (SocketAddress) -> Void
    ) async throws { try await server.run(at: address, on: loops[0], ready: ready) }

    func drain() { server.drain() }
}
