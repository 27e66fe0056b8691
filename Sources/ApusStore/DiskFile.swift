import ApusCore
import CLinux
import Glibc

/// Small files that are read and replaced whole.
enum DiskFile {
    /// The file's bytes, or `nil` where there is no file.
    static func read(_ path: String, bytesMax: Int = 16 << 20) throws -> [UInt8]? {
        let file = apus_open(path, O_RDONLY, 0)
        guard file >= 0 else {
            if apus_errno() == ENOENT { return nil }
            throw failure("open", path)
        }
        defer { _ = Glibc.close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while bytes.count <= bytesMax {
            let got = Glibc.read(file, &chunk, chunk.count)
            if got == 0 { return bytes }
            guard got > 0 else {
                if apus_errno() == EINTR { continue }
                throw failure("read", path)
            }
            bytes += chunk[..<got]
        }
        throw StoreError(.corrupt, "\(path) is larger than \(bytesMax) B")
    }

    /// Puts `bytes` in the file's place so that after a crash the old or the new content stands there, whole.
    static func replace(_ path: String, with bytes: [UInt8], folder: String) throws {
        let temporary = path + ".new"
        let file = apus_open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard file >= 0 else { throw failure("create", temporary) }
        do {
            defer { _ = Glibc.close(file) }
            var written = 0
            while written < bytes.count {
                let count = bytes[written...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
                if count < 0, apus_errno() == EINTR { continue }
                guard count > 0 else { throw failure("write", temporary) }
                written += count
            }
            guard fsync(file) == 0 else { throw failure("sync", temporary) }
        }
        guard rename(temporary, path) == 0 else { throw failure("rename", temporary) }
        let directory = apus_open(folder, O_RDONLY | O_DIRECTORY, 0)
        guard directory >= 0 else { throw failure("open", folder) }
        defer { _ = Glibc.close(directory) }
        guard fsync(directory) == 0 else { throw failure("sync", folder) }
    }

    /// The error for the call that just failed.
    static func failure(_ verb: String, _ path: String) -> StoreError {
        let number = apus_errno()
        let code: StoreError.Code =
            switch number {
            case ENOSPC, EDQUOT, EFBIG: .diskFull
            case EROFS, EACCES, EPERM: .readOnly
            default: .inputOutput
            }
        return StoreError(code, "cannot \(verb) \(path): errno \(number)")
    }
}
