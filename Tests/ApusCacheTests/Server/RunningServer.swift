import ApusCore
import ApusObserve
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusCache

/// Where a server listens.
struct ServerPorts: Sendable {
    var redis: UInt16
    var memcached: UInt16
}

/// Runs `body`, which blocks, with the ports of a server on a loop of its own.
func withCacheServer<Result: Sendable>(
    _ change: (inout CacheServerConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (ServerPorts) throws -> Result
) async throws -> Result {
    let pool = BlockingPool(threadsMax: 8)
    defer { pool.shutdown() }
    return try await withRunningServer(change) { ports in try await pool.run { try body(ports) } }
}

/// Runs `body` with the ports of a server on a loop of its own.
func withRunningServer<Result: Sendable>(
    _ change: (inout CacheServerConfiguration) -> Void = { _ in },
    _ body: @Sendable (ServerPorts) async throws -> Result
) async throws -> Result {
    var configuration = CacheServerConfiguration()
    change(&configuration)
    let server = try CacheServer(configuration, metrics: Metrics())
    let group = try LoopGroup(count: 1)
    defer { group.shutdown() }
    let (ports, told) = AsyncStream.makeStream(of: UInt16.self)
    let serving = Task {
        try await server.run(
            at: .loopback(port: 0),
            memcachedAt: .loopback(port: 0),
            on: group.loops[0],
            ready: { told.yield($0.port ?? 0) },
            memcachedReady: { told.yield($0.port ?? 0) }
        )
    }
    var iterator = ports.makeAsyncIterator()
    let memcached = try #require(await iterator.next())
    let redis = try #require(await iterator.next())
    let result: Swift.Result<Result, any Error>
    do {
        result = .success(try await body(ServerPorts(redis: redis, memcached: memcached)))
    } catch {
        result = .failure(error)
    }
    server.drain()
    try await serving.value
    return try result.get()
}

/// Runs a program and gives what it printed on both streams; the words have nothing in them that ends a shell's quotes.
func output(of path: String, _ arguments: [String]) throws -> String {
    let words = ([path] + arguments).map { "'\($0)'" }.joined(separator: " ")
    let stream = try #require(popen("\(words) 2>&1 </dev/null", "r"))
    defer { pclose(stream) }
    var text: [UInt8] = []
    while case let byte = fgetc(stream), byte >= 0 { text.append(UInt8(truncatingIfNeeded: byte)) }
    return String(decoding: text, as: UTF8.self)
}

/// The folder of all tests.
var testsFolder: String {
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
}
