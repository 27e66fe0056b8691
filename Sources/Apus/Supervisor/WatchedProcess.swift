import ApusCore
import ApusRuntime
import CLinux
import Glibc

/// Another process of this machine, whose end is waited for.
struct WatchedProcess: Sendable {
    private let descriptor: Int32
    private let loop: EventLoop

    /// Only on the loop's own thread.
    init(_ pid: Int32, on loop: EventLoop) throws {
        self.loop = loop
        descriptor = apus_pidfd_open(pid)
        // One that is gone already has nothing to wait for.
        guard descriptor >= 0 || apus_errno() == ESRCH else { throw SystemError("pidfd_open \(pid)") }
    }

    /// Waits for its end, at most until `deadline`.
    func hasEnded(by deadline: Instant) async -> Bool {
        guard descriptor >= 0 else { return true }
        guard let channel = try? Channel(adopting: descriptor, on: loop) else { return false }
        defer { channel.close() }
        return await channel.readable(by: deadline) == .ready
    }
}
