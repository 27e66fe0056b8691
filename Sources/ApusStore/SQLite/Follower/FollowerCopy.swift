import ApusCore
import ApusRuntime
import CSQLite
import Glibc

/// Makes a whole copy of a file by SQLite's own backup while others write to it.
///
/// - SeeAlso: sqlite.org/backup.html
enum FollowerCopy {
    /// Copies the file as it is at one moment, changes the copy, and puts it in the target's place.
    ///
    /// Whatever ends it on the way, the target is what it was, is missing, or is all of the new one.
    ///
    /// - Parameters:
    ///   - source: The file.
    ///   - target: Where the copy is to be; what is there goes.
    ///   - configuration: Sizes.
    ///   - edit: Changes the copy, in a transaction.
    /// - Throws: ``StoreError``.
    static func make(
        of source: String,
        at target: String,
        _ configuration: StoreConfiguration,
        _ edit: (SQLiteConnection) throws -> Void
    ) throws {
        let new = target + ".new"
        try remove(new)
        do {
            try copy(source, to: new, configuration)
            let made = try SQLiteConnection(path: new, configuration: configuration, isReader: false)
            defer { made.close() }
            try made.begin()
            try edit(made)
            try made.commit()
            // Into the file itself: the log goes.
            try made.run("PRAGMA wal_checkpoint(TRUNCATE)")
        } catch {
            try? remove(new)
            throw error
        }
        // Whoever still reads the old file has its log and its index by their open files; the new one begins its own.
        try remove(target)
        guard rename(new, target) == 0 else { throw StoreError(SystemError("rename \(target)")) }
        for suffix in logs { try Files.remove(new + suffix) }
        try sync(folderOf: target)
    }

    private static let logs = ["-wal", "-shm"]

    /// Removes a file with its log.
    static func remove(_ path: String) throws {
        do { for suffix in [""] + logs { try Files.remove(path + suffix) } } catch {
            throw StoreError(wrapping: error, path)
        }
    }

    /// Renames a file with its log.
    static func move(_ path: String, to target: String) throws {
        // The log first: without it the file is older, and it is found by the file's name.
        for suffix in logs + [""] where Files.status(path + suffix) != nil {
            guard rename(path + suffix, target + suffix) == 0 else { throw StoreError(SystemError("rename \(path)")) }
        }
        try sync(folderOf: path)
    }

    static func sync(folderOf path: String) throws {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw StoreError(SystemError("open \(folder)")) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw StoreError(SystemError("sync \(folder)")) }
    }

    private static func copy(_ source: String, to new: String, _ configuration: StoreConfiguration) throws {
        let from = try SQLiteConnection(path: source, configuration: configuration, isReader: true)
        defer { from.close() }
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(new, &opened, flags, nil)
        defer { sqlite3_close_v2(opened) }
        guard code == SQLITE_OK, let opened else { throw StoreError(sqlite: code, on: opened, path: new) }
        chmod(new, 0o600)
        guard let backup = sqlite3_backup_init(opened, "main", from.handle, "main") else {
            throw StoreError(sqlite: sqlite3_errcode(opened), on: opened, path: new)
        }
        // All pages in one step: one moment, and writers go on.
        let stepped = sqlite3_backup_step(backup, -1)
        let finished = sqlite3_backup_finish(backup)
        guard stepped == SQLITE_DONE else {
            throw StoreError(sqlite: stepped, on: stepped & 0xFF == SQLITE_CORRUPT ? from.handle : opened, path: new)
        }
        guard finished == SQLITE_OK else { throw StoreError(sqlite: finished, on: opened, path: new) }
    }
}
