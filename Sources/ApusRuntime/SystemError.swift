import CLinux
import Glibc

/// A system call that failed.
public struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The call's name, such as `bind`, and what it was about where that helps.
    public let operation: String
    /// The kernel's error number, such as `EADDRINUSE`.
    public let errno: Int32

    /// The error that the calling thread's last system call left.
    public init(_ operation: String) {
        self.init(operation, errno: apus_errno())
    }

    /// An error with a known number.
    public init(_ operation: String, errno: Int32) {
        self.operation = operation
        self.errno = errno
    }

    /// The call and what the kernel says, such as `bind: Address already in use`.
    public var description: String { "\(operation): \(String(cString: strerror(errno)))" }
}
