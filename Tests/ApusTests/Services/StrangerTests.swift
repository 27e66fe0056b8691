@testable import Apus
import ApusCore
import ApusRuntime
import ApusWire
import Testing

/// Somebody who speaks to a callee byte by byte.
struct Stranger {
    let channel: Channel

    static func connect(to address: SocketAddress, on loop: EventLoop) async throws -> Stranger {
        Stranger(channel: try await Channel.connect(to: address, on: loop, by: loop.now + .seconds(5)))
    }

    func send(_ bytes: [UInt8]) async {
        var offset = 0
        while offset < bytes.count {
            let result = bytes.withUnsafeBytes { channel.send(UnsafeRawBufferPointer(rebasing: $0[offset...])) }
            switch result {
            case .bytes(let count): offset += count
            case .wouldBlock: _ = await channel.writable(by: channel.loop.now + .seconds(5))
            case .end, .failed: return
            }
        }
    }

    /// Reads until `count` bytes came; `nil` where the callee ends the connection before, or nothing comes for 10 s.
    func receive(_ count: Int) async -> [UInt8]? {
        var all: [UInt8] = []
        while all.count < count {
            guard case .some(.some(let bytes)) = await next() else { return nil }
            all += bytes
        }
        return all
    }

    /// True once the callee has ended the connection, whatever it still sends.
    func isCutOff() async -> Bool {
        while let chunk = await next() {
            if chunk == nil { return true }
        }
        return false
    }

    /// The next bytes; an inner `nil` for the end, an outer one where nothing comes for 10 s.
    private func next() async -> [UInt8]?? {
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            switch chunk.withUnsafeMutableBytes({ channel.receive(into: $0) }) {
            case .bytes(let count): return .some(.some(Array(chunk[..<count])))
            case .wouldBlock:
                if await channel.readable(by: channel.loop.now + .seconds(10)) == .timedOut { return .none }
            case .end, .failed: return .some(.none)
            }
        }
    }
}

/// Frames as bytes.
enum Bytes {
    static func frames(_ write: (inout WireWriter) -> Void) -> [UInt8] {
        var writer = WireWriter()
        write(&writer)
        return writer.withBytes { Array($0) }
    }

    static func frame(_ kind: FrameKind, _ number: UInt64 = 0, _ body: [UInt8] = []) -> [UInt8] {
        frames { writer in
            let mark = writer.openFrame(kind, number)
            body.withUnsafeBytes { writer.writeRaw($0) }
            writer.closeFrame(mark)
        }
    }

    static let hello = frames { Hello(version: Hello.version, secret: "").write(into: &$0) }
    static let defineAdd = frame(.define, 0, [4] + "desk".utf8 + [3] + "add".utf8)
    static let defineHang = frame(.define, 1, [4] + "desk".utf8 + [4] + "hang".utf8)

    /// A call of target 0, `add`, with both arguments 1.
    static func add(_ number: UInt64) -> [UInt8] { frame(.call, number, [0, 0, 0, 0, 2, 2]) }
    static func hang(_ number: UInt64) -> [UInt8] { frame(.call, number, [1, 0, 0, 0]) }
}

@Suite(.timeLimit(.minutes(5)))
struct StrangerTests {
    @Test func `a well-behaved stranger of the same user is served`() async throws {
        let site = try Site()
        let callee = try await site.callee(0)
        let address = site.path("desk")
        try await site.on(1) { loop in
            let stranger = try await Stranger.connect(to: address, on: loop)
            await stranger.send(Bytes.hello + Bytes.defineAdd + Bytes.add(7))
            let welcome = Bytes.frames { Welcome(version: 1, inFlightMax: 1024).write(into: &$0) }
            let answer = welcome + Bytes.frame(.ok, 7, [4])
            #expect(await stranger.receive(answer.count) == answer)
            stranger.channel.close()
        }
        try await site.end(callee)
    }

    static let lies: [(String, [UInt8])] = [
        ("something else", Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)),
        ("a call before hello", Bytes.add(1)),
        ("a hello of another protocol", Bytes.frame(.hello, 0, [1, 2, 3, 4, 1, 0])),
        ("a hello that is cut", Bytes.frame(.hello, 0, Array("APUS".utf8))),
        ("a second hello", Bytes.hello + Bytes.hello),
        ("a large frame before hello", [0, 16, 0, 0, 1, 0]),
        ("a frame above the limit", Bytes.hello + [255, 255, 255, 127, 2, 0]),
        ("an empty frame", Bytes.hello + [0, 0, 0, 0]),
        ("an unknown kind", Bytes.hello + [2, 0, 0, 0, 77, 0]),
        ("an answer", Bytes.hello + Bytes.frame(.ok, 1, [1])),
        ("a goaway", Bytes.hello + Bytes.frame(.goaway)),
        ("a call to nothing", Bytes.hello + Bytes.add(1)),
        ("a call that is cut", Bytes.hello + Bytes.defineAdd + Bytes.frame(.call, 1, [0])),
        ("a call with other flags", Bytes.hello + Bytes.defineAdd + Bytes.frame(.call, 1, [0, 0, 0, 9, 2, 2])),
        ("a call with half a trace", Bytes.hello + Bytes.defineAdd + Bytes.frame(.call, 1, [0, 0, 0, 1, 2, 2])),
        ("a number used twice", Bytes.hello + Bytes.defineHang + Bytes.hang(1) + Bytes.hang(1)),
        ("a target defined twice", Bytes.hello + Bytes.defineAdd + Bytes.defineAdd),
        (
            "a target with a long name",
            Bytes.hello + Bytes.frame(.define, 1, [4] + "desk".utf8 + [255, 2] + [UInt8](repeating: 65, count: 383))
        ),
        ("too many targets", Bytes.hello + (0...5000).flatMap { Bytes.frame(.define, UInt64($0), [1, 65, 1, 65]) }),
    ]

    @Test(arguments: lies.indices)
    func `frames that lie end their connection, and only theirs`(index: Int) async throws {
        let (what, bytes) = Self.lies[index]
        let site = try Site()
        let callee = try await site.callee(0)
        let (caller, handle) = try await site.caller(1)
        #expect(try await handle.add(1, 1) == 2)
        let address = site.path("desk")
        try await site.on(1) { loop in
            let stranger = try await Stranger.connect(to: address, on: loop)
            await stranger.send(bytes)
            #expect(await stranger.isCutOff(), "\(what)")
            stranger.channel.close()
        }
        #expect(try await site.on(0) { _ in callee.counters.framesRefused } == 1)
        #expect(try await handle.add(1, 1) == 2)
        try await site.end(caller, callee)
    }

    @Test func `arguments that lie are refused, and the connection goes on`() async throws {
        let site = try Site()
        let callee = try await site.callee(0)
        let address = site.path("desk")
        try await site.on(1) { loop in
            let stranger = try await Stranger.connect(to: address, on: loop)
            let lie = Bytes.frame(.call, 1, [0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255])
            let identity = Bytes.frame(.call, 3, [0, 1, 65, 0, 0, 2, 2])
            await stranger.send(Bytes.hello + Bytes.defineAdd + lie + identity + Bytes.add(2))
            let welcome = Bytes.frames { Welcome(version: 1, inFlightMax: 1024).write(into: &$0) }
            let expected = welcome.count + Bytes.frame(.ok, 2, [4]).count + 2 * 20
            let answer = await stranger.receive(expected)
            #expect(answer?.suffix(7) == [3, 0, 0, 0, 3, 2, 4])
            stranger.channel.close()
        }
        #expect(try await site.on(0) { _ in callee.counters.framesRefused } == 0)
        try await site.end(callee)
    }

    @Test func `a flood of calls is bounded, and answered with refusals`() async throws {
        let site = try Site()
        let events = Events()
        var narrow = ServiceSettings.patient
        narrow.inFlightMax = 10
        let callee = try await site.callee(0, events: events, settings: narrow)
        let address = site.path("desk")
        try await site.on(1) { loop in
            let stranger = try await Stranger.connect(to: address, on: loop)
            await stranger.send(Bytes.hello + Bytes.defineHang + (1...5000).flatMap { Bytes.hang(UInt64($0)) })
            _ = await stranger.receive(4990 * 18)
            stranger.channel.close()
        }
        await events.happened("cancelled", times: 10)
        #expect(events.count("hanging") == 10)
        #expect(try await site.on(0) { _ in callee.counters.callsRefused } == 4990)
        try await site.end(callee)
    }

    @Test func `a peer that does not read its answers is cut off`() async throws {
        let site = try Site()
        var narrow = ServiceSettings.patient
        narrow.unsentBytesMax = 300_000
        narrow.inFlightMax = 60_000
        let callee = try await site.callee(0, settings: narrow)
        let address = site.path("desk")
        try await site.on(1) { loop in
            let stranger = try await Stranger.connect(to: address, on: loop)
            await stranger.send(Bytes.hello + Bytes.defineAdd)
            var number: UInt64 = 0
            // More calls than socket buffers and the bound have room for answers.
            while number < 400_000, !stranger.channel.isPeerClosed {
                let from = number
                await stranger.send((0..<1000).flatMap { Bytes.add(from + $0) })
                number += 1000
            }
            #expect(await stranger.isCutOff())
            stranger.channel.close()
        }
        #expect(try await site.on(0) { _ in callee.counters.framesRefused } == 1)
        try await site.end(callee)
    }

    @Test func `a peer that says nothing is cut off at the handshake limit`() async throws {
        let site = try Site()
        var short = ServiceSettings()
        short.handshakeTimeout = .milliseconds(50)
        let callee = try await site.callee(0, settings: short)
        let address = site.path("desk")
        try await site.on(1) { loop in
            let silent = try await Stranger.connect(to: address, on: loop)
            let slow = try await Stranger.connect(to: address, on: loop)
            await slow.send(Array(Bytes.hello[..<5]))
            #expect(await silent.isCutOff())
            #expect(await slow.isCutOff())
            silent.channel.close()
            slow.channel.close()
        }
        try await site.end(callee)
    }

    @Test func `connections beyond the bound are refused`() async throws {
        let site = try Site()
        var narrow = ServiceSettings.patient
        narrow.connectionsMax = 2
        let callee = try await site.callee(0, settings: narrow)
        let address = site.path("desk")
        try await site.on(1) { loop in
            var strangers: [Stranger] = []
            for _ in 0..<3 { strangers.append(try await Stranger.connect(to: address, on: loop)) }
            #expect(await strangers[2].isCutOff())
            for stranger in strangers { stranger.channel.close() }
        }
        #expect(try await site.on(0) { _ in callee.counters.strangersRefused } == 1)
        try await site.end(callee)
    }

    @Test func `random frames after a greeting never end the callee`() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        let site = try Site()
        let callee = try await site.callee(0)
        let (caller, handle) = try await site.caller(1)
        let address = site.path("desk")
        try await site.on(1) { loop in
            var random = SeededRandom(seed: seed)
            for _ in 0..<300 {
                let stranger = try await Stranger.connect(to: address, on: loop)
                var bytes = Bytes.hello + Bytes.defineAdd + Bytes.defineHang
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    var frame =
                        [Bytes.add(1), Bytes.hang(2), Bytes.frame(.cancel, 2), Bytes.defineAdd].randomElement(
                            using: &random
                        ) ?? []
                    frame[Int.random(in: 0..<frame.count, using: &random)] ^=
                        1 << UInt8.random(in: 0...7, using: &random)
                    bytes += frame
                }
                await stranger.send(bytes)
                stranger.channel.close()
            }
        }
        #expect(try await handle.add(20, 22) == 42)
        try await site.end(caller, callee)
    }
}

@Suite(.timeLimit(.minutes(5)))
struct SecretTests {
    @Test func `over TCP a peer has to say the secret`() async throws {
        let site = try Site()
        var settings = ServiceSettings()
        settings.secret = Secret("right")
        let address = try await site.on(0) { [settings] loop in
            let system = try ApusActorSystem(loop: loop, settings: settings)
            system.offer(desk) { DeskService(actorSystem: $0, events: Events()) }
            return (system, try system.listen(at: .loopback(port: 0)))
        }
        for (secret, mayCall) in [("right", true), ("wrong", false), ("", false)] {
            settings.secret = Secret(secret)
            let (caller, handle) = try await site.on(1) { [settings] loop in
                let system = try ApusActorSystem(loop: loop, settings: settings)
                system.update(ServiceDirectory(["desk": [.init(address.1, replica: 0)]]))
                return (system, try system.service(desk))
            }
            if mayCall {
                #expect(try await handle.add(1, 1) == 2)
            } else {
                let error = await #expect(throws: CallError.self) {
                    try await CallContext.within(.milliseconds(300)) { try await handle.add(1, 1) }
                }
                #expect(error?.code != nil)
            }
            try await site.on(1) { _ in caller.close() }
        }
        #expect(try await site.on(0) { _ in address.0.counters.framesRefused } >= 2)
        try await site.end(address.0)
    }

    @Test func `listening over TCP without a secret, or in a folder others can enter, is refused`() async throws {
        let site = try Site()
        let open = "\(site.folder)/open"
        try Files.makeFolder(open, mode: 0o755)
        try await site.on(0) { loop in
            let system = try ApusActorSystem(loop: loop)
            let tcp = #expect(throws: ConfigurationError.self) { try system.listen(at: .loopback(port: 0)) }
            #expect(tcp?.field == "services.secret")
            let folder = #expect(throws: ConfigurationError.self) {
                try system.listen(at: .unix(path: "\(open)/desk.sock"))
            }
            #expect(folder?.accepted == "a folder of mode 0700")
            var settings = ServiceSettings()
            settings.inFlightMax = 0
            #expect(throws: ConfigurationError.self) { try ApusActorSystem(loop: loop, settings: settings) }
        }
        try await site.end()
    }
}
