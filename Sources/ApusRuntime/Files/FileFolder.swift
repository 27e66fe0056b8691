import CLinux
import Glibc

/// A folder whose files are opened by name, and nothing outside it.
///
/// Links in it are not followed, wherever they point, and no name leads upwards. The calls block: make them from a
/// ``BlockingPool``.
public struct FileFolder: Sendable, Hashable {
    /// Where the folder is.
    ///
    /// It is looked up afresh for each file, so it may be exchanged for another by renaming.
    public let path: String

    /// What a name in the folder is.
    public enum Entry: Sendable {
        /// A regular file, open for reading.
        case file(OpenFile)
        /// A folder.
        case folder
        /// Nothing that can be read: absent, a link, a device, or not permitted.
        case nothing
    }

    /// The folder at `path`.
    ///
    /// - Throws: ``SystemError`` with `ENOTDIR` or `ENOENT` where there is none now.
    public init(_ path: String) throws {
        guard let status = Files.status(path) else { throw SystemError("open folder \(path)", errno: ENOENT) }
        guard status.isFolder else { throw SystemError("open folder \(path)", errno: ENOTDIR) }
        self.path = path
    }

    /// Opens what lies behind `names`: folders, and a file or folder at the end.
    ///
    /// A name that is empty, `.`, `..` or has a slash or NUL in it names nothing.
    ///
    /// - Throws: ``SystemError`` where the machine cannot say, such as `EMFILE` and `EIO`.
    public func open(_ names: [String]) throws -> Entry {
        for name in names where name.isEmpty || name == "." || name == ".." || name.utf8.contains(where: Self.isBad) {
            return .nothing
        }
        var folder = apus_open(path, O_RDONLY | O_DIRECTORY, 0)
        guard folder >= 0 else { return try refusal() }
        defer { close(folder) }
        for (index, name) in names.enumerated() {
            let isLast = index == names.count - 1
            let next = apus_open_in(folder, name, isLast ? O_RDONLY : O_RDONLY | O_DIRECTORY)
            guard next >= 0 else { return try refusal() }
            if isLast { return try OpenFile.adopt(next) }
            close(folder)
            folder = next
        }
        return .folder
    }

    private static func isBad(_ byte: UInt8) -> Bool { byte == 0 || byte == UInt8(ascii: "/") }

    private func refusal() throws -> Entry {
        switch apus_errno() {
        case ENOENT, ENOTDIR, ELOOP, EACCES, EPERM, ENAMETOOLONG, ENXIO, ENODEV: return .nothing
        default: throw SystemError("open in \(path)")
        }
    }
}

/// A regular file that is open for reading; closed when nobody holds it.
public final class OpenFile: Sendable {
    private let descriptor: Int32
    /// Its length when it was opened, in bytes.
    public let size: UInt64
    /// Its last change when it was opened, in nanoseconds since 1970.
    public let modified: Int64
    /// Its number in its file system.
    public let inode: UInt64

    private init(descriptor: Int32, status: stat) {
        self.descriptor = descriptor
        size = UInt64(max(0, status.st_size))
        modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        inode = UInt64(status.st_ino)
    }

    deinit { close(descriptor) }

    static func adopt(_ descriptor: Int32) throws -> FileFolder.Entry {
        var status = stat()
        guard apus_fstat(descriptor, &status) == 0 else {
            let error = SystemError("fstat")
            close(descriptor)
            throw error
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file(OpenFile(descriptor: descriptor, status: status))
        case S_IFDIR:
            close(descriptor)
            return .folder
        default:
            close(descriptor)
            return .nothing
        }
    }

    /// Up to `count` bytes from `offset`; fewer only at the file's end.
    ///
    /// - Throws: ``SystemError``.
    public func read(at offset: UInt64, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let place = buffer.baseAddress.map { $0 + filled }
                let got = pread(descriptor, place, count - filled, off_t(offset) + off_t(filled))
                if got == 0 { return }
                if got > 0 {
                    filled += got
                } else if apus_errno() != EINTR {
                    throw SystemError("read")
                }
            }
        }
    }
}
