import ApusCore
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusCache

/// Subscriptions, and tracking of keys that change.
@Suite(.ownThread, .timeLimit(.minutes(5)))
struct RESPListeningTests {
    /// What a tracker heard, in order.
    private final class Heard: Sendable {
        enum Word: Equatable {
            case established
            case lost
            case keys([String]?)
        }
        private let words = Lock<[(Word, Instant)]>([])
        var all: [Word] { words.withLock { $0.map(\.0) } }
        var keys: [String] {
            all.flatMap { word in if case .keys(let keys?) = word { keys } else { [String]() } }
        }
        func time(of word: Word) -> Instant? { words.withLock { $0.first { $0.0 == word }?.1 } }

        var handlers: RESPTracking.Handlers {
            RESPTracking.Handlers(
                onInvalidate: { keys in self.add(.keys(keys?.map { String(decoding: $0, as: UTF8.self) })) },
                onLost: { _ in self.add(.lost) },
                onEstablished: { self.add(.established) }
            )
        }

        private func add(_ word: Word) { words.withLock { $0.append((word, SystemClock().now())) } }
    }

    // MARK: Subscriptions

    @Test(arguments: CachePlace.single, ["?protocol=2", "?protocol=3"])
    func `messages of channels and patterns come in order`(engine: CachePlace, version: String) async throws {
        try await engine.with { url, prefix in
            try await withClient(url + version) { client in
                let subscription = try client.subscribe(
                    channels: [prefix + "a", prefix + "b"],
                    patterns: [prefix + "p*"]
                )
                var messages = subscription.makeAsyncIterator()
                #expect(await messages.next() == .established)
                for number in 0..<100 {
                    let channel = ["a", "b", "p1", "none"][number % 4]
                    let heard = try await client.send(RESPCommand("PUBLISH", .text(prefix + channel), .number(number)))
                    #expect(heard == .integer(channel == "none" ? 0 : 1))
                }
                for number in 0..<100 where number % 4 < 3 {
                    let channel = prefix + ["a", "b", "p1"][number % 4]
                    let pattern = number % 4 == 2 ? prefix + "p*" : nil
                    let payload = Array("\(number)".utf8)
                    #expect(await messages.next() == .message(channel: channel, pattern: pattern, payload: payload))
                }
                subscription.close()
                #expect(await messages.next() == nil)
            }
        }
    }

    @Test func `a reader that is too slow is told how much it missed`() async throws {
        try await withEmbedded { url in
            try await withClient(url) {
                $0.messagesMax = 10
            } _: { client in
                let subscription = try client.subscribe(channels: ["c"])
                var messages = subscription.makeAsyncIterator()
                #expect(await messages.next() == .established)
                for number in 0..<50 { _ = try await client.send(RESPCommand("PUBLISH", "c", .number(number))) }
                var (heard, dropped) = (0, 0)
                while heard + dropped < 50 {
                    switch await messages.next() {
                    case .message?: heard += 1
                    case .dropped(let count)?: dropped += count
                    case let other: Issue.record("\(String(describing: other))")
                    }
                }
                #expect(heard >= 10)
                #expect(heard + dropped == 50)
                let reading = Task { await messages.next() }
                reading.cancel()
                #expect(await reading.value == nil)
            }
            await #expect(throws: RESPClientError.self) {
                try await withClient(url) { _ = try $0.subscribe() }
            }
        }
    }

    @Test(.needs(.redis)) func `a subscription comes back, and says that it was away`() async throws {
        try await OwnServers.with { servers in
            let port = try FreePort.take()
            try await servers.start(port: port)
            try await withClient("redis://127.0.0.1:\(port)") { client in
                var messages = try client.subscribe(channels: ["c"]).makeAsyncIterator()
                #expect(await messages.next() == .established)
                await servers.kill(port)
                #expect(await messages.next() == .interrupted)
                try await servers.start(port: port)
                #expect(await messages.next() == .established)
                await eventually { (try? await client.send(RESPCommand("PUBLISH", "c", "m"))) == .integer(1) }
                #expect(await messages.next() == .message(channel: "c", pattern: nil, payload: Array("m".utf8)))
            }
        }
    }

    // MARK: Tracking

    @Test(arguments: CachePlace.single)
    func `a change of somebody else is heard`(engine: CachePlace) async throws {
        try await engine.with { url, prefix in
            try await withClient(url) { client in
                let heard = Heard()
                let tracking = try client.track(
                    prefixes: [Array((prefix + "a").utf8), Array((prefix + "b").utf8)],
                    heard.handlers
                )
                await eventually { tracking.isEstablished }
                #expect(heard.all == [.established])
                try await withClient(url) { other in
                    for number in 0..<20 {
                        let key = "\(prefix)\(number.isMultiple(of: 2) ? "a" : "b")\(number)"
                        _ = try await other.send(RESPCommand("SET", .text(key), "v", "EX", 60))
                        await eventually { heard.keys.contains(key) }
                    }
                    _ = try await other.send(RESPCommand("SET", .text(prefix + "c"), "v", "EX", 60))
                    _ = try await other.send(RESPCommand("DEL", .text(prefix + "a0")))
                    await eventually { heard.keys.filter { $0 == prefix + "a0" }.count == 2 }
                }
                #expect(!heard.keys.contains(prefix + "c"))
                tracking.close()
            }
        }
    }

    @Test func `the loss of all keys is heard`() async throws {
        try await withEmbedded { url in
            try await withClient(url) { client in
                let heard = Heard()
                let tracking = try client.track(prefixes: [], heard.handlers)
                await eventually { tracking.isEstablished }
                _ = try await client.send(RESPCommand("FLUSHALL"))
                await eventually { heard.all.contains(.keys(nil)) }
            }
        }
    }

    @Test(.needs(.redis)) func `a killed server is a loss at once, and tracking comes back`() async throws {
        try await OwnServers.with { servers in
            let port = try FreePort.take()
            try await servers.start(port: port)
            try await withClient("redis://127.0.0.1:\(port)") { client in
                let heard = Heard()
                let tracking = try client.track(prefixes: [], heard.handlers)
                await eventually { tracking.isEstablished }
                await servers.kill(port)
                await eventually { heard.all == [.established, .lost] }
                #expect(!tracking.isEstablished)
                await eventually { tracking.problem?.code == .unreachable }
                try await servers.start(port: port)
                await eventually { heard.all == [.established, .lost, .established] }
                await eventually { (try? await client.send(RESPCommand("SET", "k", "v"))) != nil }
                await eventually { heard.keys.contains("k") }
            }
        }
    }

    @Test(.needs(.redis)) func `a frozen server is a loss within the bound, and not much sooner`() async throws {
        try await OwnServers.with { servers in
            let port = try FreePort.take()
            try await servers.start(port: port)
            try await withClient("redis://127.0.0.1:\(port)") {
                $0.lossLimit = .milliseconds(300)
            } _: { client in
                let heard = Heard()
                let tracking = try client.track(prefixes: [], heard.handlers)
                await eventually { tracking.isEstablished }
                let frozen = SystemClock().now()
                servers.signal(SIGSTOP, port)
                await eventually { heard.all.last == .lost }
                let lost = try #require(heard.time(of: .lost))
                // The bound runs from the last sign of life; the rest is what a busy machine may take to notice.
                #expect((lost - frozen).seconds < 0.3 + 5)
                #expect(heard.all == [.established, .lost])
                servers.signal(SIGCONT, port)
                await eventually { tracking.isEstablished }
            }
        }
    }

    @Test func `a server without RESP3 cannot be tracked, and the reason is known`() async throws {
        try await FakeServer.with { words in
            words.first == "HELLO" ? Array("-ERR unknown command\r\n".utf8) : Array("+OK\r\n".utf8)
        } _: { url in
            try await withClient(url) { client in
                let heard = Heard()
                let tracking = try client.track(prefixes: [], heard.handlers)
                await eventually { tracking.problem != nil }
                #expect(tracking.problem?.code == .accessRefused)
                #expect(tracking.problem?.detail.contains("RESP3") == true)
                #expect(heard.all == [])
            }
        }
    }
}
