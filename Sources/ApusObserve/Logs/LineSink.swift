public import ApusCore
import CLinux
import Glibc

/// A file, pipe, terminal or socket that takes whole lines and never makes the writer wait.
///
/// Where the other side does not read, ``write(_:)`` takes nothing and says so; the caller keeps or drops its lines. A line
/// that the kernel took only the front of is finished first the next time, so lines of several writers never mix.
/// Pipes and terminals are opened again without blocking, which leaves the flags of the shared descriptor alone.
public final class LineSink: Sendable {
    private let descriptor: Int32
    private let isOwned: Bool
    private let isSocket: Bool
    // The rest of a line that the kernel cut.
    private let rest = Lock<[UInt8]>([])
    private let failures = Lock<UInt64>(0)

    /// Standard output.
    public static let standardOutput = LineSink(descriptor: 1)
    /// Standard error.
    public static let standardError = LineSink(descriptor: 2)

    /// Writes to `descriptor`, which stays open and its caller's; the process ignores SIGPIPE from now on.
    public init(descriptor: Int32) {
        apus_ignore_sigpipe()
        var status = stat()
        let known = apus_fstat(descriptor, &status) == 0
        let kind = known ? status.st_mode & S_IFMT : 0
        isSocket = kind == S_IFSOCK
        let mayBlock = kind == S_IFIFO || kind == S_IFCHR
        let again = mayBlock ? apus_open("/proc/self/fd/\(descriptor)", O_WRONLY | O_NONBLOCK | O_NOCTTY, 0) : -1
        isOwned = again >= 0
        self.descriptor = isOwned ? again : descriptor
    }

    /// Appends to the file at `path`, which is made with mode 0600 where it is missing.
    ///
    /// - Throws: `ConfigurationError` where it cannot be opened.
    public init(path: String) throws(ConfigurationError) {
        let opened = apus_open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK, 0o600)
        guard opened >= 0 else {
            let why = String(cString: strerror(apus_errno()))
            throw ConfigurationError(field: "log file", value: path, accepted: "a file one can write (\(why))")
        }
        descriptor = opened
        isOwned = true
        isSocket = false
    }

    deinit { if isOwned { close(descriptor) } }

    /// True where a person reads along.
    public var isTerminal: Bool { isatty(descriptor) == 1 }

    /// How many bytes were thrown away because the file or pipe failed: full disk, closed pipe.
    public var failedBytes: UInt64 { failures.withLock { $0 } }

    /// Writes whole lines.
    ///
    /// - Returns: How many bytes were taken, always up to the end of a line; the caller has to keep the others or drop
    ///   them. Bytes that met an error other than "would block" count as taken, and in ``failedBytes``.
    public func write(_ lines: UnsafeRawBufferPointer) -> Int {
        rest.withLock { rest in
            guard finish(&rest) else { return 0 }
            guard let sent = send(lines) else { return fail(lines.count) }
            guard sent > 0, sent < lines.count else { return sent }
            var end = sent
            while end < lines.count, lines[end - 1] != UInt8(ascii: "\n") { end += 1 }
            rest.append(contentsOf: lines[sent..<end])
            return end
        }
    }

    private func finish(_ rest: inout [UInt8]) -> Bool {
        guard !rest.isEmpty else { return true }
        guard let sent = rest.withUnsafeBytes({ send($0) }) else {
            _ = fail(rest.count)
            rest.removeAll()
            return true
        }
        rest.removeFirst(sent)
        return rest.isEmpty
    }

    private func fail(_ count: Int) -> Int {
        failures.withLock { $0 += UInt64(count) }
        return count
    }

    /// What the kernel took, 0 where it would block, `nil` where it failed.
    private func send(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var offset = 0
        while offset < bytes.count, let start = bytes.baseAddress {
            let left = bytes.count - offset
            let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
            let sent =
                isSocket
                ? Glibc.send(descriptor, start + offset, left, flags)
                : Glibc.write(descriptor, start + offset, left)
            if sent > 0 {
                offset += sent
            } else if sent == 0 || apus_errno() == EAGAIN {
                break
            } else if apus_errno() != EINTR {
                return offset > 0 ? offset : nil
            }
        }
        return offset
    }
}
