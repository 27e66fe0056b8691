import ApusCore
import ApusObserve
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusCache

/// What a shared tier promises, on each server that it can stand on.
@Suite(.ownThread, .timeLimit(.minutes(5)))
struct RealTierTests {
    /// A process's cache, with a client of its own.
    private func replica(
        _ name: String,
        _ url: String,
        replyLimit: Duration = .seconds(60),
        _ change: (inout CacheConfiguration) -> Void = { _ in }
    ) async throws -> Cache<String, [Int]> {
        var configuration = CacheConfiguration(capacity: 1000, lifetime: .seconds(60))
        change(&configuration)
        let cache = Cache<String, [Int]>(name, configuration, metrics: Metrics())
        // A reply that comes late on a busy machine is no failure here.
        try await cache.share(on: tierServer(url, replyLimit: replyLimit), clock: SystemClock())
        return cache
    }

    private func name() -> String { "test-\(SecureRandom.token(bits: 48))" }

    @Test(arguments: CachePlace.tiers)
    func `what one process loaded the others have`(place: CachePlace) async throws {
        try await place.with { [self] url, _ in
            let name = name()
            // Nothing is kept in memory: each look goes to the server.
            let far: (inout CacheConfiguration) -> Void = { $0.nearLifetime = .zero }
            let (first, second) = (try await replica(name, url, far), try await replica(name, url, far))
            #expect(first.problems == [] && second.problems == [])
            let keys = ["plain", "with a space", "line\r\nend", "", "ü", String(repeating: "long", count: 100)]
            for (number, key) in keys.enumerated() {
                #expect(try await first.value(for: key) { [number] } == [number])
                #expect(try await second.value(for: key) { [-1] } == [number])
                try await second.set([number, 1], for: key)
                #expect(try await first.value(for: key) { [-1] } == [number, 1])
                try await first.remove(key)
                #expect(try await second.find(key) { nil } == nil)
                #expect(try await first.find(key) { [-1] } == nil)
                try await first.set([number, 2], for: key)
            }
            let other = try await replica(name + "-other", url, far)
            try await other.set([7], for: "plain")
            try await first.removeAll()
            for key in keys { #expect(try await second.value(for: key) { [8] } == [8]) }
            #expect(try await other.value(for: "plain") { [9] } == [7])
            for cache in [first, second, other] { await cache.close() }
        }
    }

    @Test(arguments: CachePlace.tiers(for: "a change is seen by all once there is word of it"))
    func `a change is seen by all once there is word of it`(place: CachePlace) async throws {
        try await place.with { [self] url, _ in
            let name = name()
            // Nothing but the word of it ends an entry here; how soon it comes is measured by ./apus bench cache.
            let long: (inout CacheConfiguration) -> Void = {
                $0.lifetime = .seconds(3600)
                $0.nearLifetime = .seconds(3600)
            }
            let (first, second) = (try await replica(name, url, long), try await replica(name, url, long))
            #expect(first.problems == [] && second.problems == [])
            for key in (0..<20).map({ "key \($0)" }) {
                #expect(try await first.value(for: key) { [1] } == [1])
                // Its own news have come back to the first, and it has looked again.
                await eventually { (try? await first.value(for: key) { [0] }) == [1] && first.cached(key) == [1] }
                await eventually { (try? await second.value(for: key) { [0] }) == [1] && second.cached(key) == [1] }
                for number in 2..<6 {
                    try await first.set([number], for: key)
                    await eventually { second.cached(key) != [number - 1] }
                    await eventually {
                        (try? await second.value(for: key) { [0] }) == [number] && second.cached(key) != nil
                    }
                }
            }
            try await first.removeAll()
            await eventually { second.cached("key 1") == nil }
            #expect(try await second.value(for: "key 1") { [7] } == [7])
            for cache in [first, second] { await cache.close() }
        }
    }

    @Test(arguments: CachePlace.tiers)
    func `of changes of one key by four processes at once none is lost`(place: CachePlace) async throws {
        try await place.with { [self] url, _ in
            let name = name()
            var caches: [Cache<String, [Int]>] = []
            for _ in 0..<4 { caches.append(try await replica(name, url)) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (number, cache) in caches.enumerated() {
                    group.addTask {
                        for change in 0..<25 {
                            try await cache.update("all") { ($0 ?? []) + [number * 100 + change] }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let all = (0..<4).flatMap { number in (0..<25).map { number * 100 + $0 } }
            for cache in caches {
                // Its memory hears of the last change before long.
                await eventually { (try? await cache.find("all") { nil })?.count == all.count }
                #expect(try await cache.find("all") { nil }?.sorted() == all)
                #expect(try await cache.versioned("all").value?.sorted() == all)
            }
            let (_, version) = try await caches[0].versioned("other")
            #expect(try await caches[1].replace(version, with: [1], for: "other"))
            #expect(try await !caches[2].replace(version, with: [2], for: "other"))
            for cache in caches { await cache.close() }
        }
    }

    @Test(arguments: CachePlace.tiers)
    func `a thousand misses over four processes are one load`(place: CachePlace) async throws {
        try await place.with { [self] url, _ in
            let name = name()
            var caches: [Cache<String, [Int]>] = []
            // The loader here waits for the test, which may take long where much else runs.
            for _ in 0..<4 { caches.append(try await replica(name, url) { $0.leaseLifetime = .seconds(60) }) }
            let (loads, gate) = (Count(), Gate())
            try await withThrowingTaskGroup(of: [Int].self) { group in
                for number in 0..<1000 {
                    let cache = caches[number % 4]
                    group.addTask {
                        try await cache.value(for: "hot") {
                            loads.up()
                            await gate.pass()
                            return [1]
                        }
                    }
                }
                await gate.arrived()
                gate.open()
                for try await value in group { #expect(value == [1]) }
            }
            #expect(loads.value == 1)
            for cache in caches { await cache.close() }
        }
    }

    @Test(arguments: CachePlace.tiers)
    func `a value read before an invalidation is not kept after it`(place: CachePlace) async throws {
        try await place.with { [self] url, _ in
            let name = name()
            // No lifetime decides what memory still has.
            let first = try await replica(name, url) { $0.nearLifetime = .seconds(3600) }
            let second = try await replica(name, url)
            for round in 0..<10 {
                let gate = Gate()
                async let old = first.value(for: "key \(round)") {
                    await gate.pass()
                    return [0]
                }
                await gate.arrived()
                if round % 2 == 0 { try await second.remove("key \(round)") } else { try await second.removeAll() }
                gate.open()
                #expect(try await old == [0])
                #expect(try await second.value(for: "key \(round)") { [1] } == [1])
                await eventually { first.cached("key \(round)") != [0] }
                #expect(try await first.value(for: "key \(round)") { [2] } == [1])
            }
            for cache in [first, second] { await cache.close() }
        }
    }

    @Test(arguments: CachePlace.tiers)
    func `a dead loader's lease passes on`(place: CachePlace) async throws {
        try await place.with { [self] url, _ in
            let name = name()
            let short: (inout CacheConfiguration) -> Void = { $0.leaseLifetime = .milliseconds(200) }
            let (dead, alive) = (try await replica(name, url, short), try await replica(name, url, short))
            let gate = Gate()
            let loading = Task {
                try await dead.value(for: "key") { () async throws -> [Int] in
                    await gate.pass()
                    throw LoaderFailed()
                }
            }
            await gate.arrived()
            #expect(try await alive.value(for: "key") { [1] } == [1])
            gate.open()
            _ = await loading.result
            let third = try await replica(name, url)
            await eventually { (try? await third.value(for: "key") { [2] }) == [1] || third.cached("key") == [2] }
            for cache in [dead, alive, third] { await cache.close() }
        }
    }

    @Test(arguments: CachePlace.tiers)
    func `a limit is counted over all processes`(place: CachePlace) async throws {
        try await place.with { url, _ in
            let name = "test-\(SecureRandom.token(bits: 48))"
            let limits = try (0..<2).map { _ in
                let limit = RateLimit(name, 10, per: .seconds(3600), metrics: Metrics())
                limit.share(on: try tierServer(url))
                return limit
            }
            var allowed = 0
            for turn in 0..<20 where await limits[turn % 2].count("somebody").isAllowed { allowed += 1 }
            #expect(allowed == 10)
            for limit in limits { await limit.close() }
        }
    }

    /// A server that a test may kill.
    enum Mortal: String, Sendable, CaseIterable {
        case redis, memcached
        func start(_ servers: OwnServers, port: UInt16) async throws {
            switch self {
            case .redis: try await servers.start(port: port)
            case .memcached: try await servers.startMemcached(port: port)
            }
        }
    }

    @Test(arguments: Mortal.allCases)
    func `a server that is killed and comes again costs nobody more than its time`(kind: Mortal) async throws {
        try await OwnServers.with { servers in
            let port = try FreePort.take()
            try await kind.start(servers, port: port)
            let name = name()
            let cache = try await replica(name, "\(kind)://127.0.0.1:\(port)")
            #expect(try await cache.value(for: "key") { [1] } == [1])
            await servers.kill(port)
            // What was heard of last may be old: memory was forgotten with the connection, or by its own lifetime.
            await eventually { cache.cached("key") == nil }
            for number in 0..<100 { #expect(try await cache.value(for: "key \(number)") { [number] } == [number]) }
            await eventually { cache.problems.first?.contains("does not serve") == true }
            try await kind.start(servers, port: port)
            await eventually { cache.problems.isEmpty }
            let other = try await replica(name, "\(kind)://127.0.0.1:\(port)")
            await eventually {
                try? await cache.remove("after")
                _ = try? await cache.value(for: "after") { [7] }
                return (try? await other.value(for: "after") { [8] }) == [7]
            }
            for cache in [cache, other] { await cache.close() }
        }
    }

    @Test(arguments: Mortal.allCases)
    func `a server that hangs is left alone after two replies that did not come`(kind: Mortal) async throws {
        try await OwnServers.with { servers in
            let port = try FreePort.take()
            try await kind.start(servers, port: port)
            let cache = try await replica(name(), "\(kind)://127.0.0.1:\(port)", replyLimit: RESPTierServer.replyLimit)
            #expect(try await cache.value(for: "key") { [1] } == [1])
            servers.signal(SIGSTOP, port)
            defer { servers.signal(SIGCONT, port) }
            let began = SystemClock().now()
            for number in 0..<50 { #expect(try await cache.value(for: "key \(number)") { [number] } == [number]) }
            // Each alone would wait a quarter of a second.
            #expect(SystemClock().now() - began < .seconds(8))
            servers.signal(SIGCONT, port)
            await eventually { cache.problems.isEmpty }
            await cache.close()
        }
    }

    @Test func `a wrong password is one line, and the cache goes on`() async throws {
        try await OwnServers.with { servers in
            let port = try FreePort.take()
            try await servers.start(port: port, "--requirepass right")
            let cache = try await replica(name(), "redis://:wrong@127.0.0.1:\(port)")
            await eventually {
                cache.problems.first?.contains("WRONGPASS") == true
                    || cache.problems.first?.contains("password") == true
            }
            #expect(cache.problems.first?.contains("\n") == false && cache.problems.first?.contains("wrong@") == false)
            #expect(try await cache.value(for: "key") { [1] } == [1])
            await cache.close()
        }
    }
}
