import ApusCore
import Glibc

/// Ports of loopback for servers that a test starts.
public enum FreePort {
    /// No port could be had.
    public struct None: Error {}

    // Below those that the kernel gives to clients, so that no connection of another test takes one before its server does.
    private static let range: ClosedRange<UInt16> = 20_000...32_000
    private static let taken = Lock<Set<UInt16>>([])

    /// A port that nobody listens on, and that is given to nobody else in this process.
    ///
    /// - Throws: ``None`` where a thousand are taken.
    public static func take() throws -> UInt16 {
        for _ in 0..<1000 {
            let port = UInt16.random(in: range)
            if taken.withLock({ $0.contains(port) }) || !isFree(port) { continue }
            if taken.withLock({ $0.insert(port).inserted }) { return port }
        }
        throw None()
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
