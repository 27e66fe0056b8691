import ApusCore
import Glibc

/// The socket of a connection that a C library made.
enum ServerSocket {
    /// Waits until the socket is ready; false once the deadline is over.
    static func wait(_ socket: Int32, for events: Int32, by deadline: Int64) -> Bool {
        var entry = pollfd(fd: socket, events: Int16(events), revents: 0)
        while true {
            let left = deadline - SystemClock().now().nanoseconds
            if left <= 0 { return false }
            let ready = poll(&entry, 1, Int32(clamping: left / 1_000_000 + 1))
            if ready > 0 { return true }
            if ready < 0, errno != EINTR { return true }
        }
    }
}
