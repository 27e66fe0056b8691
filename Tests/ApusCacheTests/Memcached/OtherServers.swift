import ApusCore
import ApusObserve
import ApusRuntime
import Foundation
import Glibc
import Testing

@testable import ApusCache

/// An embedded server that a test stops, and starts again at the same port.
final class StoppableServer: Sendable {
    private struct Running {
        let server: CacheServer
        let group: LoopGroup
        let serving: Task<Void, any Error>
    }
    private let running = Lock<Running?>(nil)

    /// Serves memcached's protocol; its port.
    func start(at port: UInt16 = 0) async throws -> UInt16 {
        let server = try CacheServer(metrics: Metrics())
        let group = try LoopGroup(count: 1)
        let (ports, told) = AsyncStream.makeStream(of: UInt16.self)
        let serving = Task {
            // Where the port is not to be had, nobody waits for it.
            defer { told.finish() }
            try await server.run(
                at: .loopback(port: 0),
                memcachedAt: .loopback(port: port),
                on: group.loops[0],
                memcachedReady: { told.yield($0.port ?? 0) }
            )
        }
        running.withLock { $0 = Running(server: server, group: group, serving: serving) }
        var iterator = ports.makeAsyncIterator()
        return try #require(await iterator.next())
    }

    /// Closes all connections, and its port.
    func stop() async {
        let running = self.running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let running else { return }
        running.server.drain()
        try? await running.serving.value
        running.group.shutdown()
    }
}

/// A port where whoever connects is heard and not answered, or always answered the same.
final class SilentServer: Sendable {
    let port: UInt16
    private let socket: Int32

    struct Failed: Error {}

    /// Where it is given an answer, it sends that for whatever it is sent.
    init(answer: [UInt8] = []) throws {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.socket = socket
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && listen(socket, 100) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        guard isListening else { throw Failed() }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread {
            while case let client = accept(socket, nil, nil), client >= 0 {
                guard !answer.isEmpty else { continue }
                var asked = [UInt8](repeating: 0, count: 4096)
                while recv(client, &asked, asked.count, 0) > 0 {
                    guard send(client, answer, answer.count, Int32(MSG_NOSIGNAL)) == answer.count else { break }
                }
                close(client)
            }
        }
    }

    deinit { shutdown(socket, Int32(SHUT_RDWR)) }
}
