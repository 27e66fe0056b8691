import ApusCore
import CLinux
import Glibc

/// A lock between processes: one holder at a time, let go of when the holder dies.
///
/// It is an open-file-description lock, so two stores within one process exclude each other too.
final class LockFile: Sendable {
    let path: String
    let descriptor: Int32
    /// False where the file could only be opened for reading: then nothing can be locked.
    let isWritable: Bool

    /// Opens the file, making it where it is missing.
    init(path: String) throws {
        self.path = path
        let file = apus_open(path, O_RDWR | O_CREAT, 0o600)
        if file >= 0 {
            descriptor = file
            isWritable = true
            return
        }
        let reading = apus_open(path, O_RDONLY, 0)
        guard reading >= 0 else { throw DiskFile.failure("open", path) }
        descriptor = reading
        isWritable = false
    }

    deinit { _ = Glibc.close(descriptor) }

    /// Waits until the lock is ours.
    func acquire() throws {
        guard isWritable else { throw StoreError(.readOnly, "\(path) cannot be opened for writing") }
        while apus_lock_file(descriptor, 1) != 0 {
            guard apus_errno() == EINTR else { throw DiskFile.failure("lock", path) }
        }
    }

    /// Takes the lock if nobody has it.
    func tryAcquire() -> Bool { isWritable && apus_lock_file(descriptor, 0) == 0 }

    func release() { _ = apus_unlock_file(descriptor) }
}
