import ApusCore
import CLinux
import Glibc

/// A listening socket of one loop.
///
/// With `sharesPort` every loop of a process opens one on the same address and the kernel spreads connections over
/// them (`SO_REUSEPORT`), so that no connection changes threads. On a Unix path the loops share one descriptor.
public final class Listener {
    /// Where it listens; with port 0 asked for, the port the kernel chose.
    public let address: SocketAddress
    private let channel: Channel
    private let unlinksPath: Bool

    /// Listens at `address`.
    ///
    /// Only on the loop's own thread.
    ///
    /// - Parameters:
    ///   - address: Where to listen.
    ///   - loop: The loop that accepts.
    ///   - sharesPort: Lets other loops listen on the same port.
    ///   - backlog: Connections the kernel holds until they are accepted.
    /// - Throws: ``SystemError``, such as `EADDRINUSE`.
    public init(at address: SocketAddress, on loop: EventLoop, sharesPort: Bool = false, backlog: Int32 = 1024) throws {
        if let machine = loop.machine {
            let socket = machine.listen(at: address, for: loop)
            guard socket >= 0 else { throw SystemError("listen \(address)", errno: -socket) }
            channel = Channel(state: try loop.register(socket))
            loop.simulated[socket] = channel.state
            self.address = address
            unlinksPath = false
            return
        }
        let inherited = Listener.takeInherited(address)
        let descriptor = try inherited ?? Listener.open(address, sharesPort: sharesPort, backlog: backlog)
        channel = try Channel(adopting: descriptor, on: loop)
        if case .inet(let host, 0) = address {
            self.address = .inet(address: host, port: UInt16(truncatingIfNeeded: apus_local_port(descriptor)))
        } else {
            self.address = address
        }
        // Of an inherited socket the path goes with whoever opened it.
        unlinksPath = inherited == nil
    }

    /// Another loop's end of the same listening descriptor, for Unix paths, where the kernel does not spread.
    public init(sharing other: Listener, on loop: EventLoop) throws {
        let descriptor = apus_fcntl_int(other.channel.descriptor, F_DUPFD_CLOEXEC, 3)
        guard descriptor >= 0 else { throw SystemError("dup") }
        channel = try Channel(adopting: descriptor, on: loop)
        address = other.address
        unlinksPath = false
    }

    static func open(_ address: SocketAddress, sharesPort: Bool, backlog: Int32) throws -> Int32 {
        let isUnix = if case .unix = address { true } else { false }
        let descriptor = apus_socket(isUnix ? AF_UNIX : AF_INET, Int32(SOCK_STREAM.rawValue))
        guard descriptor >= 0 else { throw SystemError("socket") }
        var result: Int32
        switch address {
        case .inet(let host, let port):
            _ = apus_set_int_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            if sharesPort { _ = apus_set_int_option(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
            // Accepted sockets inherit it.
            _ = apus_set_int_option(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            result = apus_bind_inet(descriptor, host, port)
        case .unix(let path):
            unlink(path)
            result = apus_bind_unix(descriptor, path)
            if result == 0 { chmod(path, 0o600) }
        }
        if result == 0 { result = listen(descriptor, backlog) }
        if result != 0 {
            let error = SystemError("listen \(address)")
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    /// The next connection that waits, or `nil` where none does.
    ///
    /// - Throws: ``SystemError`` when the process or the machine is out of descriptors (`EMFILE`, `ENFILE`).
    public func acceptNow() throws -> Channel? {
        guard channel.state.pointee.readReady else { return nil }
        let loop = channel.loop
        if let machine = loop.machine {
            guard let socket = machine.accept(channel.descriptor) else {
                channel.state.pointee.readReady = false
                return nil
            }
            let accepted = Channel(state: try loop.register(socket))
            accepted.state.pointee.writeReady = true
            loop.simulated[socket] = accepted.state
            return accepted
        }
        while true {
            let descriptor = apus_accept(channel.descriptor)
            if descriptor >= 0 { return try Channel(adopting: descriptor, on: loop) }
            switch apus_errno() {
            case EINTR, ECONNABORTED: continue
            case EAGAIN:
                channel.state.pointee.readReady = false
                return nil
            default: throw SystemError("accept")
            }
        }
    }

    /// Waits for the next connection.
    ///
    /// When the process is out of descriptors it waits a moment for some to come free, and goes on.
    ///
    /// - Returns: `nil` once the listener is closed or the task cancelled.
    public func accept() async -> Channel? {
        let loop = channel.loop
        while !Task.isCancelled {
            do {
                if let accepted = try acceptNow() { return accepted }
                if await channel.readableCancellably(by: .distantFuture) == .cancelled { return nil }
            } catch {
                do { try await loop.sleep(for: .milliseconds(100)) } catch { return nil }
            }
        }
        return nil
    }

    /// Stops listening; whoever waits in ``accept()`` gets `nil`.
    public func close() {
        channel.close()
        if unlinksPath, case .unix(let path) = address { unlink(path) }
    }
}
