import ApusCore
import ApusDashboard
import ApusHTTP
import ApusObserve
import ApusRuntime
import Testing

@testable import Apus
@testable import ApusCache

/// Word of changed cache entries from process to process, where the engine has none of its own.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct CacheNewsTests {
    /// What a process's caches have heard.
    private final class Heard: CacheNewsListener {
        private let items = Lock<[CacheNews.Item]>([])
        var all: [CacheNews.Item] { items.withLock { $0 } }
        func heard(_ item: CacheNews.Item) { items.withLock { $0.append(item) } }
        /// A call that took too long is told as one that anything may have changed.
        func has(_ name: String) -> Bool {
            all.contains { $0 == .anything || $0 == .changed(name: Array(name.utf8)) }
        }
    }

    private func until(_ condition: () async throws -> Bool) async rethrows {
        while !Task.isCancelled, try await !condition() { try? await Task.sleep(for: .milliseconds(1)) }
    }

    @Test func `every other process hears, and one that could not be told forgets everything`() async throws {
        let site = try Site(loops: 3)
        let (news, heard) = ((0..<3).map { _ in CacheNews() }, (0..<3).map { _ in Heard() })
        for number in 0..<3 { news[number].add(heard[number]) }
        let addresses = (0..<3).map { site.path("news-\($0)") }
        func carrier(_ number: Int) async throws -> CacheNewsCarrier {
            let carrier = try await site.on(number) {
                try CacheNewsCarrier(news[number], at: addresses[number], on: $0)
            }
            carrier.update(addresses)
            return carrier
        }
        #expect(!news[0].isCarried && news[0].isWanted)
        let (first, second) = (try await carrier(0), try await carrier(1))
        #expect(news[0].isCarried)
        news[0].tell(.changed(name: Array("apus:carts:1".utf8)))
        await until { heard[1].has("apus:carts:1") }
        news[1].tell(.anything)
        await until { heard[0].all == [.anything] }
        // The third was named, and is not there yet: it does not hear names that it may have missed others of.
        #expect(heard[2].all.isEmpty)
        let third = try await carrier(2)
        await until { heard[2].all.contains(.anything) }
        for number in 0..<3000 { news[2].tell(.changed(name: Array("apus:carts:\(number)".utf8))) }
        await until { heard[0].has("apus:carts:2999") && heard[1].has("apus:carts:2999") }
        // Nobody tells itself.
        #expect(heard[0].all.first == .anything)
        for (number, carrier) in [first, second, third].enumerated() {
            try await site.on(number) { _ in carrier.close() }
        }
        #expect(!news[0].isCarried)
        try await site.end()
    }

    @Test func `a change by one process is seen by the memory of another, on memcached's protocol`() async throws {
        try await withMemcached { url in
            try await withSystem(environment: ["CACHE_URL": url]) { system in
                // Entries in memory outlive this test: only the word of a change ends them.
                for round in 0..<3 {
                    let key = "key\(round)"
                    try await seen(key, "none", system)
                    let answer = try await change(key, to: "first", system)
                    #expect(answer == .noContent)
                    try await seen(key, "first", system)
                    #expect(try await change(key, to: "second", system) == .noContent)
                    try await seen(key, "second", system)
                }
                #expect(try await system.parts().allSatisfy(\.problems.isEmpty))
            }
        }
    }

    /// Returns once both replicas have answered with `text`, from memory.
    private func seen(_ key: String, _ text: String, _ system: RunningSystem) async throws {
        var pids: Set<Substring> = []
        try await until {
            let words = try await system.get("/seen/\(key)").text.split(separator: " ")
            if words.count == 2, words[1] == text { pids.insert(words[0]) }
            return pids.count == 2
        }
    }

    private func change(_ key: String, to text: String, _ system: RunningSystem) async throws -> Status {
        try await system.get("/seen/\(key)/\(text)").status
    }

    /// The embedded server on a loop of its own, while `body` runs.
    private func withMemcached(_ body: @escaping @Sendable (String) async throws -> Void) async throws {
        let server = try CacheServer(metrics: Metrics())
        let group = try LoopGroup(count: 1)
        let (ports, told) = AsyncStream.makeStream(of: UInt16.self)
        let serving = Task {
            try await server.run(
                at: .loopback(port: 0),
                memcachedAt: .loopback(port: 0),
                on: group.loops[0],
                memcachedReady: { told.yield($0.port ?? 0) }
            )
        }
        var iterator = ports.makeAsyncIterator()
        let port = try #require(await iterator.next())
        let result: Result<Void, any Error>
        do { result = .success(try await body("memcached://127.0.0.1:\(port)")) } catch { result = .failure(error) }
        server.drain()
        try await serving.value
        await Task.detached { group.shutdown() }.value
        try result.get()
    }
}
