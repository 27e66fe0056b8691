import ApusTesting
import Glibc
import Testing

@testable import ApusCache

/// A blocking connection to a server that speaks RESP, written apart from the product's client.
final class PlainConnection {
    struct Lost: Error {}

    private let socket: Int32
    private var scanner = RESPReplyScanner()
    private var received: [UInt8] = []

    /// Connects to `redis://127.0.0.1:PORT`.
    convenience init(url: String) throws {
        let port = try #require(url.split(separator: ":").last.flatMap { UInt16($0) }, "\(url) has no port")
        try self.init(port: port)
    }

    /// Connects to a port of loopback.
    init(port: UInt16) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw Lost() }
        // Whoever waits longer than this waits for nothing.
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(socket) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.start + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Lost() }
            sent += count
        }
    }

    /// Sends a command and gives its reply.
    @discardableResult
    func call(_ words: [[UInt8]]) throws -> RESPValue {
        try send(CoreClient.wire(words))
        return try next()
    }

    @discardableResult
    func call(_ words: String...) throws -> RESPValue { try call(words.map { Array($0.utf8) }) }

    /// The next reply; waits for it.
    func next() throws -> RESPValue {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let found = received.withUnsafeBytes { bytes -> (RESPValue, Int)? in
                guard let base = bytes.baseAddress, case .complete(let used) = scanner.scan(base, bytes.count) else {
                    return nil
                }
                var reader = RESPReplyReader(base)
                return (reader.value(), used)
            }
            if let (value, used) = found {
                received.removeFirst(used)
                return value
            }
            let count = recv(socket, &chunk, chunk.count, 0)
            guard count > 0 else { throw Lost() }
            received += chunk[..<count]
        }
    }

    /// What has come; waits for some.
    func some() throws -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(socket, &chunk, chunk.count, 0)
        guard count > 0 else { throw Lost() }
        return Array(chunk[..<count])
    }

    /// True once the other side has closed and everything was read.
    func isClosed() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(socket, &chunk, chunk.count, 0)
            if count <= 0 { return count == 0 || errno == ECONNRESET }
        }
    }
}
