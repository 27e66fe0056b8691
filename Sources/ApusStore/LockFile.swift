import ApusCore
import ApusRuntime
import CLinux
import Glibc

/// A lock between processes on which a thread waits; let go of when its holder dies.
///
/// It is an open-file-description lock, so two stores within one process exclude each other too. One lock is used by
/// one thread at a time.
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
        guard reading >= 0 else { throw StoreError(SystemError("open \(path)")) }
        descriptor = reading
        isWritable = false
    }

    deinit { _ = Glibc.close(descriptor) }

    /// Waits until the lock is ours.
    func acquire() throws {
        guard isWritable else { throw StoreError(.readOnly, "\(path) cannot be opened for writing") }
        while apus_lock_file(descriptor, 1) != 0 {
            guard apus_errno() == EINTR else { throw StoreError(SystemError("lock \(path)")) }
        }
    }

    /// Waits until the lock is ours, on a thread of its own, so that the wait has an end.
    ///
    /// - Throws: ``StoreError`` with code `busy` after `deadline`; the lock is then let go of as soon as it comes.
    func acquire(within deadline: Duration) throws {
        guard isWritable else { return try acquire() }
        if tryAcquire() { return }
        let waiting = Monitor(Waiting())
        try StoreThread.start("store-lock") { [self] in
            let result = Result { try acquire() }
            let isUnwanted = waiting.withLock { waiting in
                waiting.result = result
                return waiting.isOver
            }
            if isUnwanted { release() }
            waiting.broadcast()
        }
        let result = waiting.wait(nanoseconds: Int(deadline.nanoseconds)) { $0.result }
        // It may have come between the last look and this one.
        let late = waiting.withLock { waiting in
            waiting.isOver = true
            return waiting.result
        }
        guard let result = result ?? late else {
            throw StoreError(
                .busy,
                "\(path) was locked by another process for \(deadline.seconds) s; end or continue that process"
            )
        }
        try result.get()
    }

    private struct Waiting {
        var result: Result<Void, any Error>?
        var isOver = false
    }

    /// Takes the lock if nobody has it.
    func tryAcquire() -> Bool { isWritable && apus_lock_file(descriptor, 0) == 0 }

    /// Takes a share of the lock if nobody has all of it; others may have shares too.
    func tryShare() -> Bool { apus_share_file(descriptor) == 0 }

    func release() { _ = apus_unlock_file(descriptor) }
}

extension StoreError {
    /// What a failed system call means for the store.
    init(_ error: SystemError) {
        let code: Code =
            switch error.errno {
            case ENOSPC, EDQUOT, EFBIG: .diskFull
            case EROFS, EACCES, EPERM: .readOnly
            default: .inputOutput
            }
        self.init(code, error.description, cause: error)
    }

    /// `error` as one of ours.
    init(wrapping error: any Error, _ what: String) {
        switch error {
        case let error as StoreError: self = error
        case let error as SystemError: self.init(error)
        default: self.init(.inputOutput, what, cause: error)
        }
    }
}
