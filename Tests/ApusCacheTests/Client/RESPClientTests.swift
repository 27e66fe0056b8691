import ApusCore
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusCache

/// The client on servers that are well: the embedded one, and a real Redis.
@Suite(.ownThread, .timeLimit(.minutes(5)))
struct RESPClientTests {
    @Test(arguments: CachePlace.single)
    func `commands and replies of all kinds`(engine: CachePlace) async throws {
        try await engine.with { url, prefix in
            try await withClient(url) { client async throws in
                let key = RESPArgument.text(prefix + "a")
                #expect(try await client.send(RESPCommand("SET", key, "1")) == .ok)
                #expect(try await client.send(RESPCommand("GET", key)) == .text("1"))
                #expect(try await client.send(RESPCommand("INCRBY", key, 41)) == .integer(42))
                #expect(try await client.send(RESPCommand("GET", .text(prefix + "none"))) == .null)
                let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0) }
                #expect(try await client.send(RESPCommand("SET", key, .bytes(bytes))) == .ok)
                #expect(try await client.send(RESPCommand("GET", key)) == .bulk(bytes))
                let refused = await failure { try await client.send(RESPCommand("LPUSH", key, "x")) } as? RESPFailure
                #expect(refused?.code == "WRONGTYPE")
                #expect(try await client.send(RESPCommand("DEL", key)) == .integer(1))
                let hash = RESPArgument.text(prefix + "h")
                #expect(try await client.send(RESPCommand("HSET", hash, "f", "v")) == .integer(1))
                #expect(
                    try await client.send(RESPCommand("HGETALL", hash))
                        == .map([RESPValue.Pair(.text("f"), .text("v"))])
                )
                #expect(try await client.send(RESPCommand("DEL", hash)) == .integer(1))
            }
        }
    }

    @Test(arguments: CachePlace.single, ["?protocol=2", "?protocol=3"])
    func `many tasks on one connection, each gets its own reply`(engine: CachePlace, version: String) async throws {
        try await engine.with { url, prefix in
            try await withClient(url + version) { client in
                try await withLoop { _ async throws in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for task in 0..<64 {
                            group.addTask { () async throws in
                                let key = RESPArgument.text("\(prefix)\(task)")
                                for round in 0..<50 {
                                    let value = RESPArgument.text("\(task):\(round)")
                                    #expect(try await client.send(RESPCommand("SET", key, value, "EX", 60)) == .ok)
                                    #expect(
                                        try await client.send(RESPCommand("GET", key)) == .text("\(task):\(round)")
                                    )
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                    let list = try await client.send(RESPCommand("CLIENT", "INFO")).text ?? ""
                    if engine == .redis { #expect(list.contains("name=apus")) }
                }
            }
        }
    }

    @Test(arguments: CachePlace.single)
    func `commands in a row, with refusals in their places`(engine: CachePlace) async throws {
        try await engine.with { url, prefix in
            try await withClient(url) { client in
                let key = RESPArgument.text(prefix + "n")
                let commands = (0..<1000).map { _ in RESPCommand("INCR", key) }
                #expect(try await client.send(commands) == (1...1000).map { .integer($0) })
                let replies = try await client.send([
                    RESPCommand("GET", key), RESPCommand("LPUSH", key, "x"), RESPCommand("DEL", key),
                ])
                #expect(replies[0] == .text("1000"))
                #expect(replies[1].isError)
                #expect(replies[2] == .integer(1))
                #expect(try await client.send([RESPCommand]()) == [])
            }
        }
    }

    @Test(arguments: CachePlace.single)
    func `large values go both ways`(engine: CachePlace) async throws {
        try await engine.with { url, prefix in
            try await withClient(url) { client in
                let value = (0..<(8 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 7) }
                let key = RESPArgument.text(prefix + "large")
                #expect(try await client.send(RESPCommand("SET", key, .bytes(value))) == .ok)
                let replies = try await client.send([RESPCommand("GET", key), RESPCommand("GET", key)])
                #expect(replies == [.bulk(value), .bulk(value)])
                #expect(try await client.send(RESPCommand("DEL", key)) == .integer(1))
            }
        }
    }

    @Test(arguments: CachePlace.single)
    func `a transaction that somebody comes between does not happen`(engine: CachePlace) async throws {
        try await engine.with { url, prefix in
            try await withClient(url) { client in
                let key = RESPArgument.text(prefix + "w")
                _ = try await client.send(RESPCommand("SET", key, "1"))
                let lost = try await client.exclusively { connection in
                    _ = try await connection.send(RESPCommand("WATCH", key))
                    _ = try await client.send(RESPCommand("SET", key, "2"))
                    let replies = try await connection.send([
                        RESPCommand("MULTI"), RESPCommand("SET", key, "3"), RESPCommand("EXEC"),
                    ])
                    return replies[2]
                }
                #expect(lost == .null)
                #expect(try await client.send(RESPCommand("GET", key)) == .text("2"))
                let won = try await client.exclusively { connection in
                    _ = try await connection.send(RESPCommand("WATCH", key))
                    _ = try await connection.send(RESPCommand("MULTI"))
                    _ = try await connection.send(RESPCommand("INCR", key))
                    return try await connection.send(RESPCommand("EXEC"))
                }
                #expect(won == .array([.integer(3)]))
                _ = try await client.send(RESPCommand("DEL", key))
            }
        }
    }

    @Test(arguments: CachePlace.single)
    func `what an exclusive use leaves behind is nobody else's`(engine: CachePlace) async throws {
        try await engine.with { url, prefix in
            try await withClient(url) {
                $0.exclusiveMax = 1
            } _: { client in
                let key = RESPArgument.text(prefix + "x")
                _ = try await client.exclusively { try await $0.send(RESPCommand("MULTI")) }
                #expect(try await client.exclusively { try await $0.send(RESPCommand("SET", key, "1")) } == .ok)
                _ = try await client.exclusively { try await $0.send(RESPCommand("WATCH", key)) }
                _ = try await client.send(RESPCommand("SET", key, "2"))
                let replies = try await client.exclusively { connection in
                    try await connection.send([RESPCommand("MULTI"), RESPCommand("DEL", key), RESPCommand("EXEC")])
                }
                #expect(replies[2] == .array([.integer(1)]))
            }
        }
    }

    @Test func `what is done on a loop begins on its thread, whoever wants it`() async throws {
        let group = try LoopGroup(count: 2)
        let (other, loop) = (group.loops[0], group.loops[1])
        let here: @Sendable () async throws -> Bool = { try await onLoop(loop) { loop.isCurrent } }
        let fromNoLoop = try await Task.detached { try await here() }.value
        let fromAnother = try await Task.detached(executorPreference: other) { try await here() }.value
        let fromItself = try await Task.detached(executorPreference: loop) { try await here() }.value
        #expect([fromNoLoop, fromAnother, fromItself] == [true, true, true])
        try await end(group)
    }

    @Test(arguments: CachePlace.single)
    func `connections for exclusive use have a bound, and whoever waits for one a deadline`(engine: CachePlace)
        async throws
    {
        try await engine.with { url, prefix in
            // The bound is each loop's own: both uses are said to be the same loop's.
            try await withLoop { loop in
                try await withClient(url) {
                    $0.exclusiveMax = 1
                    $0.exclusiveWaitersMax = 0
                } _: { client in
                    try await client.exclusively { _ in
                        let found = await failure {
                            try await inTask(on: loop) { try await client.exclusively { _ in } }
                        }
                        #expect((found as? RESPClientError)?.code == .overloaded, "\(String(describing: found))")
                    }
                }
            }
            try await withClient(url) {
                $0.exclusiveMax = 1
            } _: { client in
                let (gate, held) = (Gate(), Gate())
                async let first: Void = client.exclusively { connection in
                    _ = try await connection.send(RESPCommand("PING"))
                    held.open()
                    await gate.pass()
                }
                await held.pass()
                #expect(await code { try await client.exclusively(within: .milliseconds(10)) { _ in } } == .timedOut)
                async let second = client.exclusively { try await $0.send(RESPCommand("PING")) }
                gate.open()
                #expect(try await second == .simple("PONG"))
                try await first
            }
        }
    }

    @Test(arguments: CachePlace.single)
    func `a command that waits has a connection of its own`(engine: CachePlace) async throws {
        try await engine.with { url, prefix in
            try await withClient(url) { client in
                let key = RESPArgument.text(prefix + "q")
                async let popped = client.exclusively { try await $0.send(RESPCommand("BLPOP", key, 10)) }
                // The shared connection is free meanwhile.
                #expect(try await client.send(RESPCommand("PING")) == .simple("PONG"))
                _ = try await client.send(RESPCommand("RPUSH", key, "v"))
                #expect(try await popped.elements?.last == .text("v"))
                #expect(await code { try await client.send(RESPCommand("BLPOP", key, 10)) } == .misplacedCommand)
                #expect(await code { try await client.send(RESPCommand("MULTI")) } == .misplacedCommand)
                #expect(await code { try await client.send([RESPCommand("SUBSCRIBE", "c")]) } == .misplacedCommand)
                #expect(
                    await code { try await client.exclusively { try await $0.send(RESPCommand("SELECT", 1)) } }
                        == .misplacedCommand
                )
            }
        }
    }

    @Test(.needs(.redis)) func `a script runs by its name, also where the server does not know it yet`() async throws {
        try await CachePlace.redis.with { url, prefix in
            try await withClient(url) { client in
                let script = RESPScript("return redis.call('INCRBY', KEYS[1], ARGV[1]) -- \(prefix)")
                let key = RESPArgument.text(prefix + "s")
                #expect(try await client.run(script, keys: [key], [5]) == .integer(5))
                #expect(try await client.run(script, keys: [key], [5]) == .integer(10))
                #expect(
                    try await client.send(RESPCommand("EVALSHA", .text(script.name), 1, key, 5)) == .integer(15)
                )
                _ = try await client.send(RESPCommand("DEL", key))
            }
        }
    }

    @Test(.needs(.redis)) func `a database of its own`() async throws {
        try await CachePlace.redis.with { url, prefix in
            try await withClient(url + "/12") { third in
                try await withClient(url) { client in
                    let key = RESPArgument.text(prefix + "d")
                    _ = try await third.send(RESPCommand("SET", key, "3"))
                    #expect(try await client.send(RESPCommand("GET", key)) == .null)
                    #expect(try await third.exclusively { try await $0.send(RESPCommand("GET", key)) } == .text("3"))
                    _ = try await third.send(RESPCommand("DEL", key))
                }
            }
            let refusal = await code { try await withClient(url + "/9999") { try await $0.send(RESPCommand("PING")) } }
            #expect(refusal == .accessRefused)
        }
    }

    @Test func `a closed client says so`() async throws {
        try await withEmbedded { url in
            let client = try RESPClient(RESPAddress(url: url))
            #expect(try await client.send(RESPCommand("PING")) == .simple("PONG"))
            await client.close()
            await client.close()
            #expect(await code { try await client.send(RESPCommand("PING")) } == .closed)
            #expect(await code { try await client.exclusively { _ in } } == .closed)
            #expect(await code { try client.subscribe(channels: ["c"]) } == .closed)
            // On a loop that had a connection, too.
            let other = try RESPClient(RESPAddress(url: url))
            try await withLoop { _ async throws in
                #expect(try await other.send(RESPCommand("PING")) == .simple("PONG"))
                await other.close()
                await eventually { await code { try await other.send(RESPCommand("PING")) } == .closed }
            }
        }
    }
}
