import ApusCore
import CLinux
import Glibc

/// Listening sockets that outlive the process that serves them: opened by a supervisor, inherited by its processes.
///
/// While such a process is started anew, the kernel holds the connections that come.
extension Listener {
    private static let inherited = Lock<[SocketAddress: [Int32]]>([:])

    /// Opens listening sockets that share a port, for another process to inherit.
    ///
    /// - Parameters:
    ///   - count: How many, one a loop of that process.
    ///   - address: Where; with port 0 the kernel chooses one for all of them.
    /// - Returns: The descriptors, and the address with its port.
    /// - Throws: ``SystemError``, such as `EADDRINUSE`.
    public static func open(
        _ count: Int,
        at address: SocketAddress
    ) throws -> (descriptors: [Int32], address: SocketAddress) {
        // Whether others hold the port shows only without sharing it.
        let probe = try open(address, sharesPort: false, backlog: 1)
        Glibc.close(probe)
        var descriptors: [Int32] = []
        var bound = address
        do {
            for _ in 0..<count {
                let descriptor = try open(bound, sharesPort: true, backlog: 1024)
                descriptors.append(descriptor)
                if case .inet(let host, 0) = bound {
                    bound = .inet(address: host, port: UInt16(truncatingIfNeeded: apus_local_port(descriptor)))
                }
            }
        } catch {
            for descriptor in descriptors { Glibc.close(descriptor) }
            throw error
        }
        return (descriptors, bound)
    }

    /// Has the listeners that will be made at `address` use sockets that are open already, one each.
    ///
    /// They belong to the listeners from then on. Where there are more listeners than sockets, the others open their own.
    public static func inherit(_ descriptors: [Int32], at address: SocketAddress) {
        for descriptor in descriptors {
            _ = apus_fcntl_int(descriptor, F_SETFL, O_NONBLOCK)
            _ = apus_fcntl_int(descriptor, F_SETFD, FD_CLOEXEC)
        }
        inherited.withLock { $0[address, default: []] += descriptors }
    }

    /// The next socket that was inherited for `address`, or `nil`.
    static func takeInherited(_ address: SocketAddress) -> Int32? {
        inherited.withLock { inherited in
            guard var left = inherited[address], !left.isEmpty else { return nil }
            let descriptor = left.removeFirst()
            inherited[address] = nil
            // Asked for with port 0, the others will be asked for with the port that it has.
            var known = address
            if case .inet(let host, 0) = address {
                known = .inet(address: host, port: UInt16(truncatingIfNeeded: apus_local_port(descriptor)))
            }
            if !left.isEmpty { inherited[known] = left }
            return descriptor
        }
    }
}
