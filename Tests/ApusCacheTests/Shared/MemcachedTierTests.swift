import ApusCore
import ApusObserve
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusCache

/// What only memcached has: large entries that it does not take, several servers, the gutter.
@Suite(.ownThread, .timeLimit(.minutes(5)))
struct MemcachedTierTests {
    private func replica(
        _ name: String,
        _ url: String,
        metrics: Metrics = Metrics(),
        replyLimit: Duration = .seconds(60),
        _ change: (inout CacheConfiguration) -> Void = { _ in }
    ) async throws -> Cache<String, [Int]> {
        var configuration = CacheConfiguration(capacity: 1000, lifetime: .seconds(60))
        configuration.nearLifetime = .zero
        change(&configuration)
        let cache = Cache<String, [Int]>(name, configuration, metrics: Metrics())
        try await cache.share(on: tierServer(url, replyLimit: replyLimit, metrics: metrics), clock: SystemClock())
        return cache
    }

    private func name() -> String { "test-\(SecureRandom.token(bits: 48))" }

    private func refused(_ metrics: Metrics) -> UInt64 {
        metrics.counters("apus_cache_tier_refusals_total", help: "", labels: ["reason"]).series("too-large").value
    }

    @Test(arguments: CachePlace.tiers.filter { [.memcached, .embeddedMemcached].contains($0) })
    func `an entry that is too large is kept in memory alone, counted, and leaves nothing old behind`(
        place: CachePlace
    ) async throws {
        try await place.with { [self] url, _ in
            let (name, metrics) = (name(), Metrics())
            // Large values are slow to write where nothing is optimised.
            let first = try await replica(name, url, metrics: metrics) {
                $0.nearLifetime = .seconds(3600)
                $0.leaseLifetime = .seconds(60)
            }
            let second = try await replica(name, url) { $0.leaseLifetime = .seconds(60) }
            let large = [Int](repeating: .max, count: 130_000)
            #expect(try await first.value(for: "key") { large } == large)
            #expect(try await second.value(for: "key") { [2] } == [2])
            await eventually { refused(metrics) == 1 }
            #expect(first.cached("key") == large)
            #expect(try await second.value(for: "key") { [3] } == [2])
            try await first.set(large, for: "key")
            #expect(refused(metrics) == 2 && first.cached("key") == large)
            #expect(try await second.value(for: "key") { [4] } == [4])
            let most = [Int](repeating: .max, count: 99_000)
            try await first.set(most, for: "key")
            #expect(try await second.value(for: "key") { [5] } == most)
            for cache in [first, second] { await cache.close() }
        }
    }

    @Test func `memory keeps what it has for its own lifetime where no word comes`() async throws {
        try await withRunningServer { [self] ports in
            let (url, name, news) = ("memcached://127.0.0.1:\(ports.memcached)", name(), CacheNews())
            var configuration = CacheConfiguration(capacity: 1000, lifetime: .seconds(3600))
            configuration.nearLifetime = .seconds(3600)
            let near = Cache<String, [Int]>(name, configuration, metrics: Metrics())
            let server = try MemcachedTierServer(MemcachedClientConfiguration(url: url), metrics: Metrics(), news: news)
            try await near.share(on: server, clock: SystemClock())
            let far = try await replica(name, url)
            for key in ["one", "two"] {
                #expect(try await near.value(for: key) { [1] } == [1])
                #expect(try await far.value(for: key) { [2] } == [1])
            }
            // What was stored before this is answered before it.
            try await near.remove("another")
            try await far.set([3], for: "one")
            try await far.set([3], for: "two")
            #expect(near.cached("one") == [1] && near.cached("two") == [1])
            #expect(news.isWanted && !news.isCarried)
            news.heard(.changed(name: Array("apus:\(name):one".utf8)))
            #expect(near.cached("one") == nil && near.cached("two") == [1])
            #expect(try await near.value(for: "one") { [4] } == [3])
            news.heard(.anything)
            #expect(try await near.value(for: "two") { [4] } == [3])
            let told = Lock<[CacheNews.Item]>([])
            news.carry { item in told.withLock { $0.append(item) } }
            try await near.set([5], for: "one")
            try await near.remove("two")
            try await near.removeAll()
            #expect(try await near.value(for: "one") { [6] } == [6])
            let names = ["one", "two"].map { CacheNews.Item.changed(name: Array("apus:\(name):\($0)".utf8)) }
            #expect(told.withLock { $0 } == names + [.anything])
            for cache in [near, far] { await cache.close() }
            #expect(!news.isWanted)
        }
    }

    @Test func `of several servers one that is gone takes its own keys with it, and no others`() async throws {
        let servers = [StoppableServer(), StoppableServer(), StoppableServer()]
        var ports: [UInt16] = []
        for server in servers { ports.append(try await server.start()) }
        let url = "memcached://" + ports.map { "127.0.0.1:\($0)" }.joined(separator: ",")
        let name = name()
        let (first, second) = (try await replica(name, url), try await replica(name, url))
        let keys = (0..<60).map { "key \($0)" }
        for key in keys { try await first.set([1], for: key) }
        for key in keys { #expect(try await second.value(for: key) { [2] } == [1]) }
        try await first.removeAll()
        for key in keys { #expect(try await second.value(for: key) { [3] } == [3]) }
        for key in keys { #expect(try await first.value(for: key) { [4] } == [3]) }
        await servers[1].stop()
        await eventually {
            first.problems.first?.contains("\(ports[1])") == true
                && first.problems.first?.contains("for a part of the keys") == true
        }
        var lost = 0
        for key in keys where try await first.value(for: key, load: { [5] }) == [5] { lost += 1 }
        #expect(lost > 0 && lost < 40)
        #expect(await failure { try await first.removeAll() } != nil)
        _ = try await servers[1].start(at: ports[1])
        await eventually { first.problems.isEmpty }
        try await first.removeAll()
        for key in keys { #expect(try await second.value(for: key) { [6] } == [6]) }
        for cache in [first, second] { await cache.close() }
        for server in servers { await server.stop() }
    }

    @Test func `the gutter takes over for a server that is gone, with leases and the fence`() async throws {
        let (server, gutter) = (StoppableServer(), StoppableServer())
        let (port, spare) = (try await server.start(), try await gutter.start())
        let url = "memcached://127.0.0.1:\(port)?gutter=127.0.0.1:\(spare)"
        let name = name()
        let patient: (inout CacheConfiguration) -> Void = { $0.leaseLifetime = .seconds(60) }
        let (first, second) = (try await replica(name, url, patient), try await replica(name, url, patient))
        try await first.set([1], for: "key")
        await server.stop()
        #expect(try await first.value(for: "key") { [2] } == [2])
        await eventually { (try? await second.value(for: "key") { [3] }) == [2] }
        // A removal is heard there, and owed to the server.
        let gate = Gate()
        async let old = first.value(for: "other") {
            await gate.pass()
            return [4]
        }
        await gate.arrived()
        let remover = try await replica(name, url)
        #expect(await failure { try await remover.remove("other") } != nil)
        gate.open()
        #expect(try await old == [4])
        #expect(try await second.value(for: "other") { [5] } == [5])
        _ = try await server.start(at: port)
        await eventually { first.problems.isEmpty && second.problems.isEmpty }
        await eventually {
            try? await first.set([6], for: "key")
            return (try? await second.value(for: "key") { [7] }) == [6]
        }
        for cache in [first, second, remover] { await cache.close() }
        for server in [server, gutter] { await server.stop() }
    }

    @Test func `a wrong password is one line, and the cache goes on`() async throws {
        try await withRunningServer {
            $0.password = Secret("right")
        } _: { [self] ports in
            let cache = try await replica(name(), "memcached://:wrong@127.0.0.1:\(ports.memcached)")
            await eventually { cache.problems.first?.contains("password is wrong") == true }
            #expect(cache.problems.first?.contains("\n") == false && cache.problems.first?.contains("wrong@") == false)
            #expect(try await cache.value(for: "key") { [1] } == [1])
            await cache.close()
            let right = try await replica(name(), "memcached://:right@127.0.0.1:\(ports.memcached)")
            #expect(right.problems.isEmpty)
            await right.close()
        }
    }

    @Test func `a name is looked up, and one that there is not is said`() async throws {
        try await withRunningServer { [self] ports in
            // Other than `localhost`, which is known, this goes to the resolver.
            let cache = try await replica(name(), "memcached://Localhost:\(ports.memcached)")
            #expect(try await cache.value(for: "key") { [1] } == [1])
            #expect(try await cache.value(for: "key") { [2] } == [1])
            await cache.close()
        }
        let cache = try await replica(name(), "memcached://no-such-host.invalid", replyLimit: .milliseconds(250))
        await eventually { cache.problems.first?.contains("no-such-host.invalid") == true }
        #expect(try await cache.value(for: "key") { [1] } == [1])
        await cache.close()
    }
}
