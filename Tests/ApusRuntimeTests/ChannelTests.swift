import ApusCore
import ApusRuntime
import Testing

/// A folder that is gone when the test is.
final class TemporaryFolder {
    let path = "/tmp/apus-test-\(SecureRandom.token(bits: 64))"
    init() throws { try Files.makeFolder(path) }
    deinit { try? Files.remove(path) }
}

@Suite(.timeLimit(.minutes(5)))
struct ChannelTests {
    /// Sends everything, waiting where it must.
    static func sendAll(_ bytes: [UInt8], to channel: Channel) async {
        var offset = 0
        while offset < bytes.count {
            let result = bytes.withUnsafeBytes { channel.send(UnsafeRawBufferPointer(rebasing: $0[offset...])) }
            switch result {
            case .bytes(let count): offset += count
            case .wouldBlock: _ = await channel.writable(by: .distantFuture)
            case .end, .failed: return
            }
        }
    }

    /// Reads until the peer closes.
    static func receiveAll(from channel: Channel) async -> [UInt8] {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 7_000)
        while true {
            switch chunk.withUnsafeMutableBytes({ channel.receive(into: $0) }) {
            case .bytes(let count): all += chunk[..<count]
            case .wouldBlock: _ = await channel.readable(by: .distantFuture)
            case .end, .failed: return all
            }
        }
    }

    @Test(arguments: [true, false])
    func `bytes arrive whole and in order, more than the kernel's buffers hold`(unix: Bool) async throws {
        let folder = try TemporaryFolder()
        let address = unix ? SocketAddress.unix(path: "\(folder.path)/s") : .loopback(port: 0)
        let sent = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let received = try await onLoop { group in
            let loop = group.loops[0]
            let listener = try Listener(at: address, on: loop)
            let listening = listener.address
            async let client: Void = {
                guard let channel = try? await Channel.connect(to: listening, on: loop, by: loop.now + .seconds(5))
                else { return }
                await Self.sendAll(sent, to: channel)
                channel.close()
            }()
            guard let server = await listener.accept() else { return [UInt8]() }
            let received = await Self.receiveAll(from: server)
            server.close()
            await client
            listener.close()
            return received
        }
        #expect(received == sent)
    }

    @Test func `a wait ends at its deadline`() async throws {
        let wake = try await onLoop { group in
            let loop = group.loops[0]
            let listener = try Listener(at: .loopback(port: 0), on: loop)
            let client = try await Channel.connect(to: listener.address, on: loop, by: loop.now + .seconds(5))
            let wake = await client.readable(by: loop.now + .milliseconds(10))
            client.close()
            listener.close()
            return wake
        }
        #expect(wake == .timedOut)
    }

    @Test func `a wait ends when the task is cancelled`() async throws {
        let wake = try await onLoop { group in
            let loop = group.loops[0]
            let listener = try Listener(at: .loopback(port: 0), on: loop)
            let client = try await Channel.connect(to: listener.address, on: loop, by: loop.now + .seconds(5))
            let waiter = Task(executorPreference: loop) { await client.readableCancellably(by: .distantFuture) }
            await Task.yield()
            waiter.cancel()
            let wake = await waiter.value
            client.close()
            listener.close()
            return wake
        }
        #expect(wake == .cancelled)
    }

    @Test func `a port in use and a missing path are said by name`() async throws {
        try await onLoop { group in
            let loop = group.loops[0]
            let listener = try Listener(at: .loopback(port: 0), on: loop)
            #expect(throws: SystemError.self) { try Listener(at: listener.address, on: loop) }
            await #expect(throws: SystemError("connect unix:/nowhere/s", errno: 2)) {
                _ = try await Channel.connect(
                    to: .unix(path: "/nowhere/s"),
                    on: loop,
                    by: loop.now + .seconds(1)
                )
            }
            listener.close()
        }
    }

    @Test(arguments: ["127.0.0.1:80", "unix:/run/a.sock", "10.1.2.3:65535"])
    func `an address reads what it prints`(text: String) {
        #expect(SocketAddress(text)?.description == text)
    }

    @Test(arguments: ["", "80", "1.2.3:80", "256.1.1.1:80", "1.2.3.4:65536", "unix:", "host:80", "1.2.3.4:80:1"])
    func `what is no address is refused`(text: String) {
        #expect(SocketAddress(text) == nil)
    }
}
