import CLinux
import Glibc

/// A file that only grows, read at any place while it does.
///
/// The calls block: make them from a ``BlockingPool``. What was appended survives the end of the process, and power loss only
/// after ``sync()``.
public final class AppendFile: Sendable {
    private let descriptor: Int32
    private let path: String

    /// Opens the file at `path` for reading and appending; one that is missing is made with mode 0600.
    ///
    /// - Throws: ``SystemError``.
    public init(_ path: String) throws {
        self.path = path
        descriptor = apus_open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
    }

    deinit { close(descriptor) }

    /// Its length now, in bytes.
    public var size: Int {
        var status = stat()
        return apus_fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Adds `bytes` at the end.
    ///
    /// - Throws: ``SystemError``, such as `ENOSPC`; a part of the bytes may be there then.
    public func append(_ bytes: [UInt8]) throws { try Files.writeAll(bytes, to: descriptor, path: path) }

    /// Up to `count` bytes from `offset` on; fewer at the end of the file.
    ///
    /// - Throws: ``SystemError``.
    public func read(at offset: Int, count: Int) throws -> [UInt8] {
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count, let start = buffer.baseAddress {
                let got = pread(descriptor, start + filled, count - filled, off_t(offset + filled))
                if got == 0 { return }
                if got > 0 {
                    filled += got
                } else if apus_errno() != EINTR {
                    failure = SystemError("read \(path)")
                    return
                }
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Returns once everything is on disk.
    ///
    /// - Throws: ``SystemError``.
    public func sync() throws {
        guard fdatasync(descriptor) == 0 else { throw SystemError("fdatasync \(path)") }
    }
}
