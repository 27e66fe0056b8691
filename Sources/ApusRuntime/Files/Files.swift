import CLinux
import Glibc

/// Plain file operations.
///
/// They block: call them at start and end, or from a ``BlockingPool``.
public enum Files {
    /// What kind of thing a path names, and its size.
    public struct Status: Sendable, Hashable {
        /// True for a folder.
        public let isFolder: Bool
        /// True for a regular file.
        public let isFile: Bool
        /// Bytes.
        public let size: Int64
        /// Last change, in nanoseconds since 1970.
        public let modified: Int64
        /// Permission bits.
        public let mode: UInt32
        /// The owner.
        public let userID: UInt32
    }

    /// The status of what `path` names, or `nil` where there is nothing.
    public static func status(_ path: String) -> Status? {
        var info = stat()
        guard apus_stat(path, &info) == 0 else { return nil }
        return Status(
            isFolder: info.st_mode & S_IFMT == S_IFDIR,
            isFile: info.st_mode & S_IFMT == S_IFREG,
            size: Int64(info.st_size),
            modified: Int64(info.st_mtim.tv_sec) * 1_000_000_000 + Int64(info.st_mtim.tv_nsec),
            mode: info.st_mode & 0o7777,
            userID: info.st_uid
        )
    }

    /// The whole content of a file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - bytesMax: Refuses a larger file with `EFBIG`.
    /// - Returns: Its bytes.
    /// - Throws: ``SystemError``.
    public static func read(_ path: String, bytesMax: Int = 1 << 30) throws -> [UInt8] {
        let file = apus_open(path, O_RDONLY, 0)
        guard file >= 0 else { throw SystemError("open \(path)") }
        defer { close(file) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count == 0 { return content }
            guard count > 0 else {
                if apus_errno() == EINTR { continue }
                throw SystemError("read \(path)")
            }
            content.append(contentsOf: chunk[..<count])
            if content.count > bytesMax { throw SystemError("read \(path)", errno: EFBIG) }
        }
    }

    /// The whole content of a file as text.
    ///
    /// - Throws: ``SystemError``; `EILSEQ` when it is not UTF-8.
    public static func readText(_ path: String, bytesMax: Int = 1 << 30) throws -> String {
        guard let text = String(validating: try read(path, bytesMax: bytesMax), as: UTF8.self) else {
            throw SystemError("read \(path)", errno: EILSEQ)
        }
        return text
    }

    /// Writes a file so that after a crash it has either its old content or all of the new: written beside it,
    /// synced, renamed over it, and the folder synced.
    ///
    /// - Throws: ``SystemError``, such as `ENOSPC`; the old content is kept then.
    public static func writeAtomically(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o600) throws {
        let temporary = "\(path).\(getpid()).new"
        let file = apus_open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode)
        guard file >= 0 else { throw SystemError("open \(temporary)") }
        do {
            try writeAll(bytes, to: file, path: path)
            guard fsync(file) == 0 else { throw SystemError("fsync \(path)") }
        } catch {
            close(file)
            unlink(temporary)
            throw error
        }
        close(file)
        guard rename(temporary, path) == 0 else {
            let error = SystemError("rename \(path)")
            unlink(temporary)
            throw error
        }
        try syncFolder(of: path)
    }

    /// Writes a text file as ``writeAtomically(_:to:mode:)`` does.
    ///
    /// - Throws: ``SystemError``.
    public static func writeAtomically(_ text: String, to path: String, mode: UInt32 = 0o600) throws {
        try writeAtomically(Array(text.utf8), to: path, mode: mode)
    }

    static func writeAll(_ bytes: [UInt8], to file: Int32, path: String) throws {
        try bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                let count = Glibc.write(file, buffer.baseAddress.map { $0 + offset }, buffer.count - offset)
                if count < 0 {
                    if apus_errno() == EINTR { continue }
                    throw SystemError("write \(path)")
                }
                offset += count
            }
        }
    }

    private static func syncFolder(of path: String) throws {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let file = apus_open(folder.isEmpty ? "/" : folder, O_RDONLY, 0)
        guard file >= 0 else { throw SystemError("open \(folder)") }
        defer { close(file) }
        guard fsync(file) == 0 else { throw SystemError("fsync \(folder)") }
    }

    /// Makes a folder and those above it, all with `mode`; one that exists is left as it is.
    ///
    /// - Throws: ``SystemError``.
    public static func makeFolder(_ path: String, mode: UInt32 = 0o700) throws {
        if status(path)?.isFolder == true { return }
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try makeFolder(String(path[..<slash]), mode: mode)
        }
        if apus_mkdir(path, mode) != 0, apus_errno() != EEXIST { throw SystemError("mkdir \(path)") }
    }

    /// The names in a folder, sorted, without `.` and `..`.
    ///
    /// - Throws: ``SystemError``.
    public static func list(_ path: String) throws -> [String] {
        guard let folder = opendir(path) else { throw SystemError("opendir \(path)") }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes a file, or a folder with all in it; links are removed, not followed.
    ///
    /// - Throws: ``SystemError``; nothing there is no error.
    public static func remove(_ path: String) throws {
        if unlink(path) == 0 || apus_errno() == ENOENT { return }
        let reason = apus_errno()
        guard reason == EISDIR || reason == EPERM else { throw SystemError("remove \(path)", errno: reason) }
        for name in try list(path) { try remove("\(path)/\(name)") }
        guard rmdir(path) == 0 else { throw SystemError("rmdir \(path)") }
    }

    /// Copies a folder with all regular files and folders in it.
    ///
    /// - Throws: ``SystemError``; what was copied so far stays.
    public static func copyFolder(_ source: String, to target: String) throws {
        try makeFolder(target)
        for name in try list(source) {
            let from = "\(source)/\(name)"
            guard let status = status(from) else { continue }
            if status.isFolder {
                try copyFolder(from, to: "\(target)/\(name)")
            } else if status.isFile {
                try writeAtomically(read(from), to: "\(target)/\(name)", mode: status.mode)
            }
        }
    }

    /// A path without links, or `nil` where it names nothing.
    public static func resolve(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
