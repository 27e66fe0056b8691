import ApusCore
import ApusObserve
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusCache

/// The client against the real memcached and against the embedded server.
@Suite(.ownThread, .timeLimit(.minutes(3)))
struct MemcachedClientTests {
    /// A client's loop, and what must end with it.
    private func withLoop<Result: Sendable>(
        _ body: @escaping @Sendable (EventLoop) async throws -> Result
    ) async throws -> Result {
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        let loop = group.loops[0]
        return try await inTask(on: loop) { try await body(loop) }
    }

    private func configuration(
        _ ports: [UInt16],
        _ change: (inout MemcachedClientConfiguration) -> Void = { _ in }
    ) -> MemcachedClientConfiguration {
        var configuration = MemcachedClientConfiguration(
            servers: ports.map { MemcachedServer("127.0.0.1", port: $0) }
        )
        configuration.commandLimit = .seconds(20)
        configuration.connectLimit = .seconds(20)
        configuration.pauseFirst = .milliseconds(1)
        configuration.pauseLongest = .milliseconds(10)
        change(&configuration)
        return configuration
    }

    /// The code of the error that `body` throws.
    private func code(_ body: () async throws -> Void) async -> MemcachedError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? MemcachedError)?.code
        }
    }

    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// What both servers must do alike.
    private func contract(_ port: UInt16) async throws {
        try await withLoop { loop in
            let client = try MemcachedClient(configuration([port]), loops: [loop])
            defer { client.close() }
            let name = "c\(SecureRandom.token(bits: 32))"
            let (key, other) = (Self.bytes(name), Self.bytes(name + "-other"))
            #expect(try await client.get(key) == nil)
            try await client.set(key, Self.bytes("one\r\nEN\r\n"), flags: 7, lifetime: .seconds(100))
            let item = try #require(try await client.get(key))
            #expect(item.value == Self.bytes("one\r\nEN\r\n") && item.flags == 7)
            #expect(try await client.add(key, []) == false)
            #expect(try await client.compareAndSet(key, [2], version: item.version) == .stored)
            #expect(try await client.compareAndSet(key, [3], version: item.version) == .changed)
            #expect(try await client.compareAndSet(other, [3], version: item.version) == .missing)
            #expect(try await client.delete(key) == true)
            #expect(try await client.delete(key) == false)

            // One caller loads, the others wait.
            let lease = try await client.lease(key, for: 30)
            guard case .mayLoad(let version) = lease else {
                Issue.record("nobody may load: \(lease)")
                return
            }
            #expect(try await client.lease(key, for: 30) == .isBeingLoaded)
            #expect(try await client.get(key) == nil)
            #expect(try await client.compareAndSet(key, [1, 2], version: version, lifetime: .seconds(100)) == .stored)
            guard case .fresh(let loaded, mayRefresh: false) = try await client.lease(key, for: 30, early: 50) else {
                Issue.record("what was loaded is not there")
                return
            }
            #expect(loaded.value == [1, 2])
            guard case .fresh(_, mayRefresh: true) = try await client.lease(key, for: 30, early: 200) else {
                Issue.record("nobody is told to refresh")
                return
            }
            guard case .fresh(_, mayRefresh: false) = try await client.lease(key, for: 30, early: 200) else {
                Issue.record("two are told to refresh")
                return
            }

            // An invalidated value may be used while one caller loads it anew; a load that was too early is no fresh one.
            #expect(try await client.invalidate(key, usableFor: .seconds(60)) == true)
            #expect(try await client.invalidate(other) == false)
            guard case .stale(let stale, mayLoad: true) = try await client.lease(key, for: 30) else {
                Issue.record("nobody may load what was invalidated")
                return
            }
            #expect(stale.value == [1, 2])
            #expect(
                try await client.compareAndSet(key, [9], version: loaded.version, keepsAsStale: true) == .stored
            )
            guard case .stale(let older, mayLoad: false) = try await client.lease(key, for: 30) else {
                Issue.record("an early load is taken for a fresh one")
                return
            }
            #expect(older.value == [9])
            #expect(try await client.get(key) == nil)
            try await client.set(key, [4])
            #expect(try await client.get(key)?.value == [4])

            // Many at once, in one go and by many callers.
            let keys = (0..<300).map { Self.bytes("\(name)-\($0)") }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for key in keys { group.addTask { try await client.set(key, key) } }
                try await group.waitForAll()
            }
            let found = try await client.get(keys + [other])
            #expect(found.dropLast().map { $0?.value } == keys.map { $0 })
            #expect(found.last == .some(nil))
            let large = [UInt8](repeating: 7, count: 1_000_000)
            try await client.set(key, large)
            #expect(try await client.get(key)?.value == large)
            let larger = [UInt8](repeating: 7, count: 2_000_000)
            #expect(await code { try await client.set(key, larger) } == .notKept)
            #expect(try await client.get(other) == nil)
            for bad in ["", "a b", "a\r\nflush_all", String(repeating: "k", count: 251)] {
                #expect(await code { try await client.set(Self.bytes(bad), []) } == .badKey)
            }
            client.close()
            #expect(await code { _ = try await client.get(key) } == .closed)
        }
    }

    @Test(.needs(.memcached)) func `it works with memcached`() async throws {
        let url = try #require(RealPart.memcached.location)
        try await contract(try #require(url.split(separator: ":").last.flatMap { UInt16($0) }))
    }

    @Test func `it works with the embedded server`() async throws {
        try await withRunningServer { try await contract($0.memcached) }
    }

    @Test func `by TLS and with a password, and not without`() async throws {
        let authority = try TestAuthority()
        let options = try authority.server("127.0.0.1")
        try await withRunningServer {
            $0.tls = options
            $0.password = Secret("secret")
        } _: { ports in
            try await withLoop { loop in
                for (login, trusted, expected) in [
                    ("default secret", true, nil), ("default wrong", true, .refused),
                    ("default secret", false, .unreachable),
                ] as [(String, Bool, MemcachedError.Code?)] {
                    let configuration = configuration([ports.memcached]) {
                        $0.login = Secret(login)
                        $0.tls = trusted ? authority.client : TLSClientOptions()
                    }
                    let client = try MemcachedClient(configuration, loops: [loop])
                    defer { client.close() }
                    #expect(await code { try await client.set([65], [1]) } == expected)
                }
            }
        }
    }

    // MARK: Several servers

    @Test func `keys are shared as other clients share them, and the gutter takes over for a server that is gone`()
        async throws
    {
        try await withRunningServer { spare in
            try await withRunningServer { first in
                let second = StoppableServer()
                let port = try await second.start()
                try await withLoop { loop in
                    let shared = configuration([first.memcached, port]) {
                        $0.gutter = [MemcachedServer("127.0.0.1", port: spare.memcached)]
                        $0.gutterLifetime = .seconds(5)
                    }
                    let client = try MemcachedClient(shared, loops: [loop])
                    defer { client.close() }
                    let keys = (0..<100).map { Self.bytes("key\($0)") }
                    for key in keys { try await client.set(key, key) }
                    let circle = Ketama(shared.servers.map(\.place))
                    let own = keys.filter { circle.server(for: $0) == 0 }
                    let others = keys.filter { circle.server(for: $0) == 1 }
                    #expect(own.count > 10 && others.count > 10)
                    let single = try MemcachedClient(configuration([first.memcached]), loops: [loop])
                    defer { single.close() }
                    #expect(try await single.get(own).allSatisfy { $0 != nil })
                    #expect(try await single.get(others).allSatisfy { $0 == nil })

                    await second.stop()
                    #expect(try await client.get(keys).map { $0 == nil } == keys.map { circle.server(for: $0) == 1 })
                    for key in others { try await client.set(key, [1], lifetime: .seconds(1000)) }
                    #expect(try await client.get(others).allSatisfy { $0?.value == [1] })
                    let gutter = try MemcachedClient(configuration([spare.memcached]), loops: [loop])
                    defer { gutter.close() }
                    // Kept there for a short life, so that a refresh is due at once.
                    guard case .fresh(_, mayRefresh: true) = try await gutter.lease(others[0], for: 1, early: 6) else {
                        Issue.record("what is in the gutter lives too long")
                        return
                    }
                    // That the server may come back with the old value is said.
                    #expect(await code { try await client.delete(others[0]) } == .unreachable)
                    #expect(try await client.get(others[0]) == nil)
                    let version = try #require(try await client.get(others[1])).version
                    #expect(
                        await code { _ = try await client.compareAndSet(others[1], [], version: version) }
                            == .unreachable
                    )
                }
            }
        }
    }

    @Test func `a server that comes back is used again`() async throws {
        let server = StoppableServer()
        let port = try await server.start()
        try await withLoop { loop in
            let client = try MemcachedClient(configuration([port]), loops: [loop])
            defer { client.close() }
            try await client.set([65], [1])
            await server.stop()
            await eventually { await code { try await client.set([65], [1]) } != nil }
            _ = try await server.start(at: port)
            await eventually { await code { try await client.set([65], [2]) } == nil }
            #expect(try await client.get([65])?.value == [2])
        }
    }

    // MARK: Servers that do not do as they should

    @Test func `a silent server is given up at the deadline, and what waits has a bound`() async throws {
        let silent = try SilentServer()
        try await withLoop { loop in
            let patient = try MemcachedClient(
                configuration([silent.port]) {
                    $0.commandLimit = .milliseconds(200)
                    $0.outstandingMax = 3
                    $0.pauseFirst = .seconds(1000)
                    $0.pauseLongest = .seconds(1000)
                },
                loops: [loop]
            )
            defer { patient.close() }
            let codes = await withTaskGroup(of: MemcachedError.Code?.self) { group in
                for _ in 0..<5 { group.addTask { await code { _ = try await patient.get([65]) } } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.filter { $0 == .overloaded }.count == 2)
            #expect(codes.filter { $0 == .timedOut }.count == 3)
            // Nobody waits for it again before the pause is over.
            #expect(await code { _ = try await patient.get([65]) } == .unreachable)
        }
    }

    @Test(arguments: [
        "HELLO\r\n", "VA 99999999999 \r\n", "VA 3\r\nabcdef", "HD\r\nHD\r\n", String(repeating: "x", count: 5000),
    ])
    func `what is no answer ends the connection`(garbage: String) async throws {
        let server = try SilentServer(answer: Array(garbage.utf8))
        try await withLoop { loop in
            let client = try MemcachedClient(configuration([server.port]), loops: [loop])
            defer { client.close() }
            // One answer may be good; what nobody asked for is not.
            var code: MemcachedError.Code?
            while code == nil { code = await self.code { _ = try await client.get([65]) } }
            #expect(code == .malformedAnswer || garbage.hasPrefix("HD") && code == .unreachable)
        }
    }

    @Test func `configurations that make no sense are refused`() {
        func refused(_ change: (inout MemcachedClientConfiguration) -> Void) -> Bool {
            (try? configuration([1], change).checked()) == nil
        }
        #expect(!refused { _ in })
        #expect(refused { $0.servers = [] })
        #expect(refused { $0.servers = [MemcachedServer("no name")] })
        #expect(refused { $0.servers[0].weight = 0 })
        #expect(refused { $0.commandLimit = .zero })
        #expect(refused { $0.outstandingMax = 0 })
        #expect(refused { $0.unsentBytesMax = 0 })
        #expect(refused { $0.valueBytesMax = 0 })
    }
}
