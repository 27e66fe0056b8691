import ApusCore
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@Suite(.timeLimit(.minutes(5)))
struct TLSTests {
    /// What came of a connection: what each side failed with, and what the server received.
    struct Meeting: Sendable {
        var server: TLSError?
        var client: TLSError?
        var received: [UInt8] = []
    }

    /// Has a client and a server meet, and the client send `bytes`.
    static func meet(
        server: TLSServerOptions,
        client: TLSClientOptions,
        name: String,
        sending bytes: [UInt8] = [1, 2, 3]
    ) async throws -> Meeting {
        let (serverContext, clientContext) = (try TLSContext(server: server), try TLSContext(client: client))
        return try await onLoop { group in
            let loop = group.loops[0]
            let listener = try Listener(at: .loopback(port: 0), on: loop)
            let address = listener.address
            async let caller: TLSError? = {
                guard let channel = try? await Channel.connect(to: address, on: loop, by: loop.now + .seconds(5)) else {
                    return TLSError(.connectionLost, "not even connected")
                }
                defer { channel.close() }
                do {
                    try channel.secure(with: clientContext, name: name)
                    try await channel.handshake(by: loop.now + .seconds(30))
                } catch { return error as? TLSError }
                await ChannelTests.sendAll(bytes, to: channel)
                channel.shutdownWriting()
                // What a server sends of itself, such as session tickets, is read: else the kernel would reset.
                _ = await ChannelTests.receiveAll(from: channel)
                return nil
            }()
            var meeting = Meeting()
            if let channel = await listener.accept() {
                do {
                    try channel.secure(with: serverContext)
                    try await channel.handshake(by: loop.now + .seconds(30))
                    meeting.received = await ChannelTests.receiveAll(from: channel)
                } catch { meeting.server = error as? TLSError }
                channel.close()
            }
            meeting.client = await caller
            listener.close()
            return meeting
        }
    }

    @Test(arguments: ["shop.test", "127.0.0.1"])
    func `bytes arrive whole and in order, more than the buffers hold`(name: String) async throws {
        let authority = try TestAuthority()
        let sent = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let meeting = try await Self.meet(
            server: authority.server(name),
            client: authority.client,
            name: name,
            sending: sent
        )
        #expect(meeting.server == nil && meeting.client == nil)
        // Not compared within the expectation, which would print both.
        let isWhole = meeting.received == sent
        #expect(isWhole, "\(meeting.received.count) bytes")
    }

    @Test func `a client does not talk to another name, an unknown issuer or one out of date`() async throws {
        let (authority, stranger) = (try TestAuthority(), try TestAuthority())
        let cases: [(TLSServerOptions, TLSClientOptions, String)] = [
            (try authority.server("shop.test"), authority.client, "bank.test"),
            (try authority.server("127.0.0.1"), authority.client, "127.0.0.2"),
            (try authority.server("shop.test"), stranger.client, "shop.test"),
            (try authority.server("shop.test"), TLSClientOptions(), "shop.test"),
            (try authority.server("shop.test", days: -1), authority.client, "shop.test"),
        ]
        for (server, client, name) in cases {
            let meeting = try await Self.meet(server: server, client: client, name: name)
            #expect(meeting.client?.code == .untrustedPeer, "\(name): \(String(describing: meeting.client))")
            #expect(meeting.server != nil && meeting.received.isEmpty)
        }
    }

    @Test func `a server that asks for certificates lets in who shows one`() async throws {
        let authority = try TestAuthority()
        let server = try authority.server("shop.test", clients: true)
        var known = authority.client
        (known.certificateFile, known.keyFile) = try { ($0.certificate, $0.key) }(authority.certificate(for: "worker"))
        let welcome = try await Self.meet(server: server, client: known, name: "shop.test")
        #expect(welcome.server == nil && welcome.received == [1, 2, 3])
        let refused = try await Self.meet(server: server, client: authority.client, name: "shop.test")
        #expect(refused.server?.code == .handshake && refused.received.isEmpty)
    }

    @Test func `files that do not fit are named`() throws {
        let authority = try TestAuthority()
        let (one, other) = (try authority.certificate(for: "a.test"), try authority.certificate(for: "b.test"))
        for options in [
            TLSServerOptions(certificateFile: "/nowhere/a.pem", keyFile: one.key),
            TLSServerOptions(certificateFile: one.certificate, keyFile: other.key),
            TLSServerOptions(certificateFile: one.certificate, keyFile: one.certificate),
            TLSServerOptions(
                certificateFile: one.certificate,
                keyFile: one.key,
                clientAuthoritiesFile: "/nowhere/ca.pem"
            ),
        ] {
            let error = #expect(throws: TLSError.self) { try TLSContext(server: options) }
            #expect(error?.code == .configuration)
            #expect(error?.detail.contains(".pem") == true, "\(error?.detail ?? "")")
        }
        let error = #expect(throws: TLSError.self) {
            try TLSContext(client: TLSClientOptions(authoritiesFile: "/nowhere/ca.pem"))
        }
        #expect(error?.detail.contains("/nowhere/ca.pem") == true)
    }

    /// Whatever is sent in place of a handshake, the server refuses it at once and lives.
    @Test func `bytes that are no handshake are refused`() async throws {
        let authority = try TestAuthority()
        let context = try TLSContext(server: authority.server("shop.test"))
        var random = SeededRandom(seed: TestRun.seed)
        let junk =
            [Array("GET / HTTP/1.1\r\n\r\n".utf8), [22, 3, 1, 0xFF, 0xFF] + [UInt8](repeating: 1, count: 70_000)]
            + (0..<50).map { _ in
                (0..<Int.random(in: 16...300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            }
        for bytes in junk {
            let error = try await onLoop { group in
                let loop = group.loops[0]
                let listener = try Listener(at: .loopback(port: 0), on: loop)
                let client = try await Channel.connect(to: listener.address, on: loop, by: loop.now + .seconds(5))
                guard let server = await listener.accept() else { return TLSError?.none }
                async let sending: Void = ChannelTests.sendAll(bytes, to: client)
                var found: TLSError?
                do {
                    try server.secure(with: context)
                    // Bytes that begin like a record may leave the server waiting for the rest of it.
                    try await server.handshake(by: loop.now + .milliseconds(300))
                } catch { found = error as? TLSError }
                server.close()
                await sending
                client.close()
                listener.close()
                return found
            }
            #expect(error != nil)
        }
    }

    /// An end that was not announced is no end: what came before may have been cut.
    @Test func `a cut connection is a failure and not an end`() async throws {
        let authority = try TestAuthority()
        let server = try TLSContext(server: authority.server("shop.test"))
        let client = try TLSContext(client: authority.client)
        let ends = try await onLoop { group -> [Channel.IOResult] in
            let loop = group.loops[0]
            var results: [Channel.IOResult] = []
            for isAnnounced in [false, true] {
                let listener = try Listener(at: .loopback(port: 0), on: loop)
                let near = try await Channel.connect(to: listener.address, on: loop, by: loop.now + .seconds(5))
                guard let far = await listener.accept() else { return [] }
                try near.secure(with: client, name: "shop.test")
                try far.secure(with: server)
                async let other: Void = far.handshake(by: loop.now + .seconds(30))
                try await near.handshake(by: loop.now + .seconds(30))
                try await other
                if isAnnounced { near.close() } else { _ = shutdown(near.descriptor, Int32(SHUT_WR)) }
                var room = [UInt8](repeating: 0, count: 100)
                var result = Channel.IOResult.wouldBlock
                while result == .wouldBlock {
                    result = room.withUnsafeMutableBytes { far.receive(into: $0) }
                    if result == .wouldBlock { _ = await far.readable(by: loop.now + .seconds(5)) }
                }
                results.append(result)
                if !isAnnounced { near.close() }
                far.close()
                listener.close()
            }
            return results
        }
        #expect(ends.count == 2 && ends.first != .end && ends.last == .end)
    }

    /// The same on a machine where data travels in pieces, at times that a seed decides.
    @Test func `torn and late pieces change nothing`() throws {
        let authority = try TestAuthority()
        let server = try TLSContext(server: authority.server("shop.test"))
        let client = try TLSContext(client: authority.client)
        let sent = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for seed in (0..<UInt64(min(TestRun.seeds, 200) / 5)).map({ TestRun.seed &+ $0 }) {
            let machine = try SimulatedMachine(seed: seed)
            let received = try machine.run { machine in
                let loop = machine.loops[0]
                let listener = try Listener(at: .loopback(port: 80), on: loop)
                async let sending: Void = {
                    let near = try await Channel.connect(
                        to: .loopback(port: 80),
                        on: loop,
                        by: loop.now + .seconds(60)
                    )
                    try near.secure(with: client, name: "shop.test")
                    try await near.handshake(by: loop.now + .seconds(60))
                    await ChannelTests.sendAll(sent, to: near)
                    near.shutdownWriting()
                    _ = await ChannelTests.receiveAll(from: near)
                    near.close()
                }()
                guard let far = await listener.accept() else { return [UInt8]() }
                try far.secure(with: server)
                try await far.handshake(by: loop.now + .seconds(60))
                let received = await ChannelTests.receiveAll(from: far)
                far.close()
                try await sending
                listener.close()
                return received
            }
            let isWhole = received == sent
            #expect(isWhole, "\(received.count) bytes, seed \(seed)")
        }
    }
}
