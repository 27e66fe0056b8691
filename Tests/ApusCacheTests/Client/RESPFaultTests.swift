import ApusCore
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusCache

/// The client on servers that are killed, frozen, closed to it, or no servers of this protocol at all.
@Suite(.ownThread, .timeLimit(.minutes(5)))
struct RESPFaultTests {
    private static let ping = RESPCommand("PING")

    // MARK: Time

    /// Answers `HELLO`, and `PING` unless it is told not to.
    private static func quiet(_ words: [String]) -> [UInt8] {
        switch words.first {
        case "HELLO": FakeServer.greeting
        case "PING": Array("+PONG\r\n".utf8)
        default: []
        }
    }

    @Test func `a command without a reply ends at its deadline, and its reply is nobody else's`() async throws {
        let held = Lock(true)
        try await FakeServer.with { words in
            if words.first == "GET", held.withLock({ $0 }) { return [] }
            // The late reply comes with the next.
            return words.first == "GET" ? Array("$4\r\nlate\r\n$3\r\nnow\r\n".utf8) : Self.quiet(words)
        } _: { url in
            try await withClient(url) {
                $0.silenceLimit = .seconds(20)
            } _: { client in
                // Connected before the short time begins.
                #expect(try await client.send(Self.ping) == .simple("PONG"))
                let error = await failure { try await client.send(RESPCommand("GET", "a"), within: .milliseconds(20)) }
                let own = try #require(error as? RESPClientError)
                #expect(own.code == .timedOut)
                #expect(own.wasSent)
                held.withLock { $0 = false }
                #expect(try await client.send(RESPCommand("GET", "b")) == .text("now"))
                #expect(try await client.send(Self.ping) == .simple("PONG"))
            }
        }
    }

    @Test func `a slot that takes long to move is waited for, and being sent on for ever has an end`() async throws {
        let port = Lock("")
        let (tries, isAsking, isEndless) = (Count(), Lock(false), Lock(false))
        try await FakeServer.with { words in
            let here = port.withLock { $0 }
            switch words.first {
            case "CLUSTER":
                return Array("*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:\(here)\r\n".utf8)
            case "ASKING":
                isAsking.withLock { $0 = true }
                return Array("+OK\r\n".utf8)
            case "MGET":
                tries.up()
                if isEndless.withLock({ $0 }) { return Array("-MOVED 1 127.0.0.1:\(here)\r\n".utf8) }
                let wasAsking = isAsking.withLock { asking in
                    defer { asking = false }
                    return asking
                }
                if !wasAsking { return Array("-ASK 1 127.0.0.1:\(here)\r\n".utf8) }
                // More often than it may be sent on at once.
                return Array((tries.value < 20 ? "-TRYAGAIN not yet\r\n" : "+moved\r\n").utf8)
            default: return Self.quiet(words)
            }
        } _: { url in
            let number = try #require(url.split(separator: ":").last)
            port.withLock { $0 = String(number) }
            try await withClient("redis+cluster://127.0.0.1:\(number)") { client in
                let get = RESPCommand("MGET", "{a}1", "{a}2")
                let reply = try await client.send(get)
                #expect(reply == .simple("moved"))
                #expect(tries.value == 20)
            }
            isEndless.withLock { $0 = true }
            try await withClient("redis+cluster://127.0.0.1:\(number)") {
                $0.commandLimit = .milliseconds(300)
            } _: { client in
                let error = await failure { try await client.send(RESPCommand("MGET", "{a}1", "{a}2")) }
                #expect((error as? RESPClientError)?.code == .timedOut)
                // Sixteen times at once, then with a pause, and pauses grow: how often at least is the machine's affair.
                #expect((21...20 + 16 * 10).contains(tries.value))
            }
        }
    }

    @Test func `a server that stays silent loses its connection`() async throws {
        let (greetings, gets) = (Count(), Count())
        try await FakeServer.with { words in
            if words.first == "HELLO" { greetings.up() }
            if words.first == "GET" { gets.up() }
            return Self.quiet(words)
        } _: { url in
            try await withClient(url) {
                $0.silenceLimit = .milliseconds(20)
            } _: { client in
                // What was not sent on a connection says nothing of it.
                #expect(try await client.send(Self.ping) == .simple("PONG"))
                async let other = failure { try await client.send(RESPCommand("GET", "other")) }
                await eventually { gets.value == 1 }
                #expect(
                    await code { try await client.send(RESPCommand("GET", "a"), within: .milliseconds(20)) }
                        == .timedOut
                )
                // The other's deadline is far away, but its connection goes.
                let lost = try #require(await other as? RESPClientError)
                #expect(lost.code == .connectionLost)
                #expect(lost.wasSent)
                #expect(try await client.send(Self.ping) == .simple("PONG"))
                #expect(greetings.value == 2)
            }
        }
    }

    @Test func `cancellation reaches whoever waits`() async throws {
        let asked = Gate()
        try await FakeServer.with { words in
            if words.first == "GET" { asked.open() }
            return Self.quiet(words)
        } _: { url in
            try await withClient(url) { client in
                let waiting = Task { try await client.send(RESPCommand("GET", "a")) }
                await asked.pass()
                waiting.cancel()
                await #expect(throws: CancellationError.self) { try await waiting.value }
                let row = Task { try await client.send([RESPCommand("GET", "a"), RESPCommand("GET", "b")]) }
                row.cancel()
                await #expect(throws: CancellationError.self) { try await row.value }
                let ended = Task {
                    try await client.exclusively { connection in
                        row.cancel()
                        return try await connection.send(RESPCommand("GET", "a"))
                    }
                }
                ended.cancel()
                await #expect(throws: CancellationError.self) { try await ended.value }
            }
        }
    }

    @Test func `what nobody answers has a bound`() async throws {
        let gets = Count()
        try await FakeServer.with { words in
            if words.first == "GET" { gets.up() }
            return Self.quiet(words)
        } _: { url in
            try await withClient(url) {
                $0.outstandingMax = 8
                $0.unsentBytesMax = 4096
                $0.silenceLimit = .seconds(20)
            } _: { client in
                try await withLoop { _ in
                    _ = try await client.send(Self.ping)
                    let waiting = (0..<8).map { number in
                        Task(executorPreference: EventLoop.current) {
                            await code { try await client.send(RESPCommand("GET", .number(number))) }
                        }
                    }
                    await eventually { gets.value == 8 }
                    let refusal = await failure { try await client.send(Self.ping) } as? RESPClientError
                    #expect(refusal?.wasSent == false)
                    #expect(refusal?.detail.contains("at most 8") == true)
                    for task in waiting { task.cancel() }
                    for task in waiting { #expect(await task.value == nil) }
                }
                let large = RESPCommand("SET", "a", .bytes([UInt8](repeating: 0, count: 5000)))
                #expect(await code { try await client.send(large) } == .overloaded)
            }
        }
    }

    // MARK: Lies

    @Test(arguments: [
        ("what is this\r\n", "does not speak RESP"),
        ("$99999999\r\n", "invalid bulk length"),
        ("*1000000000\r\n", "invalid multibulk"), ("$2\r\nabcd", "CR LF"), (":1x\r\n", "invalid number"),
        (">2\r\n+a\r\n+b\r\n", "nobody asked"), (String(repeating: "*1\r\n", count: 40), "nested"),
        ("+" + String(repeating: "x", count: 70_000), "too big"),
    ])
    func `a server that lies is cut off with a clear error`(answer: String, word: String) async throws {
        try await FakeServer.with { words in
            words.first == "GET" ? Array(answer.utf8) : Self.quiet(words)
        } _: { url in
            try await withClient(url) {
                $0.replyBytesMax = 1 << 20
            } _: { client async throws in
                let error = await failure { try await client.send(RESPCommand("GET", "a")) } as? RESPClientError
                #expect(error?.code == .malformedReply)
                #expect(error?.detail.contains(word) == true, "\(String(describing: error))")
                #expect(error?.wasSent == true)
                #expect(try await client.send(Self.ping) == .simple("PONG"))
            }
        }
    }

    @Test func `a server that says more than it was asked is cut off before the next command`() async throws {
        let greetings = Count()
        try await FakeServer.with { words in
            if words.first == "HELLO" { greetings.up() }
            return words.first == "GET" ? Array("+a\r\n+b\r\n".utf8) : Self.quiet(words)
        } _: { url async throws in
            try await withClient(url) { client async throws in
                #expect(try await client.send(RESPCommand("GET", "a")) == .simple("a"))
                // Nobody gets the second reply.
                #expect(try await client.send(Self.ping) == .simple("PONG"))
                #expect(greetings.value == 2)
            }
        }
    }

    @Test func `a flood has an end`() async throws {
        // Megabytes of numbers in one array, more than a reply may have.
        let flood =
            Array("*1000000\r\n".utf8) + Array(repeating: Array(":123456\r\n".utf8), count: 300_000).flatMap { $0 }
        try await FakeServer.with { words in
            words.first == "GET" ? flood : Self.quiet(words)
        } _: { url in
            try await withClient(url) {
                $0.replyBytesMax = 1 << 20
            } _: { client async throws in
                let error = await failure { try await client.send(RESPCommand("GET", "a")) } as? RESPClientError
                #expect(error?.code == .malformedReply)
                #expect(error?.detail.contains("more than 1048576 B") == true)
                #expect(try await client.send(Self.ping) == .simple("PONG"))
            }
        }
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "%1\r\n+proto\r\n:3\r\n+more\r\n", ""])
    func `what does not greet as a server should is no server`(greeting: String) async throws {
        try await FakeServer.with { _ in
            greeting.isEmpty ? nil : Array(greeting.utf8)
        } _: { url in
            try await withClient(url) { client in
                let error = await failure { try await client.send(Self.ping) } as? RESPClientError
                #expect(error?.code == (greeting.isEmpty ? .unreachable : .malformedReply))
                #expect(error?.wasSent == false)
                // Trying again waits, and meanwhile says the same at once.
                #expect(await failure { try await client.send(Self.ping) } is RESPClientError)
            }
        }
    }

    // MARK: Real servers

    @Test(.needs(.redis)) func `a killed server's commands fail, and the next ones find the new one`() async throws {
        try await OwnServers.with { servers in
            let port = try FreePort.take()
            try await servers.start(port: port)
            try await withClient("redis://127.0.0.1:\(port)") { client in
                #expect(try await client.send(RESPCommand("SET", "a", "1")) == .ok)
                async let waiting = failure {
                    try await client.exclusively { try await $0.send(RESPCommand("BLPOP", "q", 0)) }
                }
                await eventually {
                    (try? await client.send(RESPCommand("CLIENT", "LIST")).text?.contains("cmd=blpop")) == true
                }
                await servers.kill(port)
                let lost = try #require(await waiting as? RESPClientError)
                #expect(lost.code == .connectionLost)
                #expect(lost.wasSent)
                var codes: Set<RESPClientError.Code> = []
                for _ in 0..<20 {
                    let error = await failure { try await client.send(Self.ping) } as? RESPClientError
                    if let error { codes.insert(error.code) }
                }
                #expect(codes.isSubset(of: [.unreachable, .connectionLost]))
                #expect(codes.contains(.unreachable))
                try await servers.start(port: port)
                await eventually { (try? await client.send(Self.ping)) != nil }
                #expect(try await client.send(RESPCommand("GET", "a")) == .null)
            }
        }
    }

    @Test(.needs(.redis)) func `a frozen server keeps nobody waiting`() async throws {
        try await OwnServers.with { servers in
            let port = try FreePort.take()
            try await servers.start(port: port)
            try await withClient("redis://127.0.0.1:\(port)") {
                $0.commandLimit = .milliseconds(50)
                $0.silenceLimit = .milliseconds(50)
                $0.connectLimit = .milliseconds(100)
            } _: { client async throws in
                // On a busy machine the first answers may be late.
                await eventually { (try? await client.send(Self.ping)) == .simple("PONG") }
                servers.signal(SIGSTOP, port)
                let began = SystemClock().now()
                #expect(await code { try await client.send(Self.ping) } == .timedOut)
                var codes: Set<RESPClientError.Code> = []
                // The connection is dropped, and a new one is not answered.
                while !codes.contains(.unreachable) {
                    if let seen = await code(of: { try await client.send(Self.ping) }) { codes.insert(seen) }
                }
                #expect((SystemClock().now() - began).seconds < 60)
                #expect(codes.isSubset(of: [.timedOut, .connectionLost, .unreachable]))
                servers.signal(SIGCONT, port)
                await eventually { (try? await client.send(Self.ping)) != nil }
            }
        }
    }

    @Test(.needs(.redis)) func `passwords and users`() async throws {
        try await OwnServers.with { servers in
            let port = try FreePort.take()
            try await servers.start(port: port, "--requirepass hush --user anna on >pass ~* &* +@all")
            let place = "127.0.0.1:\(port)"
            for version in ["", "?protocol=2"] {
                for user in [":hush@", "default:hush@", "anna:pass@"] {
                    let pong = try await withClient("redis://\(user)\(place)\(version)") {
                        try await $0.send(Self.ping)
                    }
                    #expect(pong == .simple("PONG"))
                }
                for user in ["", ":wrong@", "anna:hush@", "nobody:hush@"] {
                    let error = await failure {
                        try await withClient("redis://\(user)\(place)\(version)") { try await $0.send(Self.ping) }
                    }
                    let refusal = try #require(error as? RESPClientError)
                    #expect(refusal.code == .accessRefused, "\(user) \(refusal)")
                    #expect(refusal.detail.contains(place) && refusal.detail.contains("password"))
                    #expect(!refusal.detail.contains("hush") && !refusal.detail.contains("\n"))
                }
            }
        }
    }

    @Test(.needs(.redis)) func `TLS, with the authority and the name that it must show`() async throws {
        let (authority, stranger) = (try TestAuthority(), try TestAuthority())
        let files = try authority.certificate(for: "127.0.0.1")
        try await OwnServers.with { servers in
            let (port, secure) = (try FreePort.take(), try FreePort.take())
            try await servers.start(
                port: port,
                "--tls-port \(secure) --tls-cert-file \(files.certificate) --tls-key-file \(files.key)",
                "--tls-ca-cert-file \(authority.authorityFile) --tls-auth-clients no"
            )
            let good = "rediss://127.0.0.1:\(secure)?ca=\(authority.authorityFile)"
            try await withClient(good) { client async throws in
                let value = (0..<(4 << 20)).map { UInt8(truncatingIfNeeded: $0) }
                #expect(try await client.send(RESPCommand("SET", "a", .bytes(value))) == .ok)
                #expect(try await client.send(RESPCommand("GET", "a")) == .bulk(value))
                let many = (0..<2000).map {
                    RESPCommand("SET", .number($0), .bytes([UInt8](repeating: 7, count: 1000)))
                }
                #expect(try await client.send(many) == many.map { _ in .ok })
            }
            let bad = [
                "rediss://127.0.0.1:\(secure)?ca=\(stranger.authorityFile)",
                "rediss://localhost:\(secure)?ca=\(authority.authorityFile)", "rediss://127.0.0.1:\(secure)",
            ]
            for url in bad {
                let error = await failure { try await withClient(url) { try await $0.send(Self.ping) } }
                let refusal = try #require(error as? RESPClientError)
                #expect(refusal.code == .accessRefused)
                #expect(refusal.detail.contains("certificate"), "\(refusal)")
            }
            // TLS with a server that has none.
            let error = await failure {
                try await withClient("rediss://127.0.0.1:\(port)?ca=\(authority.authorityFile)") {
                    try await $0.send(Self.ping)
                }
            }
            #expect((error as? RESPClientError)?.code == .unreachable, "\(String(describing: error))")
        }
        #expect(throws: TLSError.self) { try RESPClient(RESPAddress(url: "rediss://localhost?ca=/nowhere.pem")) }
    }

    @Test(.needs(.redis)) func `a Unix socket`() async throws {
        try await OwnServers.with { servers in
            let port = try FreePort.take()
            try await servers.start(port: port, "--unixsocket \(servers.folder)/redis.sock")
            try await withClient("unix://\(servers.folder)/redis.sock") { client async throws in
                #expect(try await client.send(Self.ping) == .simple("PONG"))
            }
            let nowhere = await code {
                try await withClient("unix://\(servers.folder)/none.sock") { try await $0.send(Self.ping) }
            }
            #expect(nowhere == .unreachable)
        }
    }
}
