import ApusCore
import ApusRuntime
import ApusTesting
import Glibc

/// A server as it looks from far away, or under too much work: what it answers arrives only after a while.
final class SlowServer: Sendable {
    let port: UInt16
    private let delay = Lock(Duration.zero)
    private let group: LoopGroup
    private let work: Task<Void, any Error>

    /// Stands before the server at `port` of loopback, and listens.
    init(before port: UInt16) async throws {
        let own = try FreePort.take()
        let group = try LoopGroup(count: 1)
        let loop = group.loops[0]
        self.port = own
        self.group = group
        let isListening = Lock(false)
        work = Task(executorPreference: loop) { [delay] in
            let listener = try Listener(at: .loopback(port: own), on: loop)
            defer { listener.close() }
            isListening.withLock { $0 = true }
            await withDiscardingTaskGroup { tasks in
                while let client = await listener.accept() {
                    tasks.addTask(executorPreference: loop) {
                        await Self.serve(client, .loopback(port: port), delay, on: loop)
                    }
                }
            }
        }
        await eventually { isListening.withLock { $0 } }
    }

    deinit {
        work.cancel()
        group.shutdown()
    }

    /// From now on each answer takes so much longer, those on their way included.
    func answer(after delay: Duration) { self.delay.withLock { $0 = delay } }

    private static func serve(
        _ client: Channel,
        _ address: SocketAddress,
        _ delay: Lock<Duration>,
        on loop: EventLoop
    ) async {
        defer { client.close() }
        guard let server = try? await Channel.connect(to: address, on: loop, by: loop.now + .seconds(10)) else {
            return
        }
        defer { server.close() }
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask(executorPreference: loop) { await pass(from: client, to: server, nil, on: loop) }
            tasks.addTask(executorPreference: loop) { await pass(from: server, to: client, delay, on: loop) }
            // Where one side has ended, so has the other.
            await tasks.next()
            tasks.cancelAll()
        }
    }

    private static func pass(from: Channel, to: Channel, _ delay: Lock<Duration>?, on loop: EventLoop) async {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
        defer { bytes.deallocate() }
        while await from.readableCancellably(by: .distantFuture) == .ready {
            switch from.receive(into: bytes) {
            case .wouldBlock: continue
            case .bytes(let count):
                let came = loop.preciseNow()
                while let delay, loop.preciseNow() - came < delay.withLock({ $0 }) {
                    guard (try? await loop.sleep(for: .milliseconds(5))) != nil else { return }
                }
                guard await send(UnsafeRawBufferPointer(rebasing: bytes[..<count]), to: to) else { return }
            default: return
            }
        }
    }

    private static func send(_ bytes: UnsafeRawBufferPointer, to channel: Channel) async -> Bool {
        var sent = 0
        while sent < bytes.count {
            switch channel.send(UnsafeRawBufferPointer(rebasing: bytes[sent...])) {
            case .bytes(let count): sent += count
            case .wouldBlock:
                guard await channel.writableCancellably(by: .distantFuture) == .ready else { return false }
            default: return false
            }
        }
        return true
    }
}
