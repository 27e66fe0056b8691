import CLinux
import Glibc

/// An exclusive lock on a file, held until ``release()`` or the end of the process, however it ends.
public final class FileLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock at once.
    ///
    /// - Returns: `nil` when another process, or another lock of this one, holds it.
    /// - Throws: ``SystemError`` when the file cannot be opened.
    public static func take(_ path: String) throws -> FileLock? {
        let descriptor = apus_open(path, O_RDWR | O_CREAT, 0o600)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        if apus_lock_file(descriptor, 0) == 0 { return FileLock(descriptor: descriptor) }
        let error = SystemError("lock \(path)")
        Glibc.close(descriptor)
        if error.errno == EAGAIN || error.errno == EACCES { return nil }
        throw error
    }

    private init(descriptor: Int32) { self.descriptor = descriptor }

    /// Lets go; the file stays.
    public func release() { _ = apus_unlock_file(descriptor) }

    deinit { close(descriptor) }
}
