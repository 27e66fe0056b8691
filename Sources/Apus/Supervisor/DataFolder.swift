import ApusCore
import ApusRuntime
import Glibc

/// The folder where a system's data lives: marked, of one format, and held by one process tree.
///
/// The marker file says that the folder is ours, which format it has and whose it is. Only a marked folder is ever emptied.
final class DataFolder: Sendable {
    /// What the marker file says.
    struct Marker: Codable, Equatable {
        var format = DataFolder.format
        var version: Int
        var system: String
    }

    static let format = "apus-data"
    static let markerName = "apus-data.json"
    /// The format this program writes.
    static let currentVersion = 1

    /// A step from one format to the next; gets the folder, whose copy has been made.
    struct Migration: Sendable {
        let from: Int
        let run: @Sendable (String) throws -> Void
    }
    /// One step for each older format.
    static let migrations: [Migration] = []

    let path: String
    private let lock: FileLock

    private init(path: String, lock: FileLock) {
        self.path = path
        self.lock = lock
    }

    /// Takes the folder for this process tree: makes it where it is missing, empties it where that is asked for, and
    /// brings it to the current format.
    ///
    /// - Parameters:
    ///   - given: The folder.
    ///   - system: Whose data it is.
    ///   - isFresh: Whether to start from nothing; only a marked folder of the same system is emptied.
    ///   - version: The format to bring it to.
    ///   - migrations: A step for each older format.
    ///   - report: Hears of what takes time.
    /// - Returns: The folder, held until ``release()`` or the end of the process.
    /// - Throws: ``StartFailure`` with one line that names the fix.
    static func take(
        _ given: String,
        system: String,
        isFresh: Bool = false,
        version: Int = currentVersion,
        migrations: [Migration] = migrations,
        report: (String) -> Void = { _ in }
    ) throws(StartFailure) -> DataFolder {
        do {
            try check(given, system: system)
            try Files.makeFolder(given)
            guard let path = Files.resolve(given) else { throw SystemError("open \(given)", errno: ENOENT) }
            guard let lock = try FileLock.take("\(path)/\(lockName)") else { throw held(path) }
            let folder = DataFolder(path: path, lock: lock)
            // Again, now that nobody else changes it.
            let marker = try check(path, system: system)
            try Files.writeAtomically("\(Program.pid)\n", to: "\(path)/\(pidName)")
            if isFresh, marker != nil {
                try folder.empty()
                try folder.mark(Marker(version: version, system: system))
            } else if let marker {
                try folder.migrate(from: marker, to: version, migrations, report)
            } else {
                try folder.mark(Marker(version: version, system: system))
            }
            return folder
        } catch let error as StartFailure {
            throw error
        } catch {
            throw StartFailure(wrapping: error, doing: "the data folder \(given)")
        }
    }

    /// The process that holds the folder, or `nil`.
    static func holder(of path: String) -> Int32? {
        guard let text = try? Files.readText("\(path)/\(pidName)", bytesMax: 32) else { return nil }
        return Int32(text.prefix { $0.isNumber })
    }

    /// Lets go of the folder.
    func release() { lock.release() }

    // MARK: Parts

    private static let lockName = "lock"
    private static let pidName = "pid"
    /// What a folder holds that was made and not yet marked.
    private static let unmarkedNames: Set<String> = [lockName, pidName]

    /// Whether the folder may be ours.
    ///
    /// - Returns: Its marker, or `nil` where it is empty or missing.
    @discardableResult
    private static func check(_ path: String, system: String) throws -> Marker? {
        guard let status = Files.status(path) else { return nil }
        guard status.isFolder else { throw StartFailure("\(path) is not a folder; choose another with --data") }
        guard status.userID == Program.userID else {
            throw StartFailure("\(path) belongs to another user; choose another folder with --data")
        }
        let names = try Files.list(path)
        guard names.contains(markerName) else {
            guard Set(names).isSubset(of: unmarkedNames) else {
                throw StartFailure(
                    "\(path) has files in it and was not made by Apus (no \(markerName)); choose another folder with --data"
                )
            }
            try close(path, status.mode)
            return nil
        }
        try close(path, status.mode)
        let text = try Files.read("\(path)/\(markerName)", bytesMax: 4096)
        guard let marker = try? JSONDocument.decode(Marker.self, from: text), marker.format == format else {
            throw StartFailure(
                "\(path)/\(markerName) is damaged; restore the folder from a backup, or choose another with --data"
            )
        }
        guard marker.system == system else {
            throw StartFailure(
                "\(path) has the data of \"\(marker.system)\", not of \"\(system)\"; choose another with --data"
            )
        }
        return marker
    }

    /// Keeps others of the machine out.
    private static func close(_ path: String, _ mode: UInt32) throws {
        if mode & 0o077 != 0, chmod(path, 0o700) != 0 { throw SystemError("chmod \(path)") }
    }

    private static func held(_ path: String) -> StartFailure {
        let who = holder(of: path).map { "process \($0)" } ?? "another process"
        return StartFailure("\(path) is in use by \(who); stop that one, or give this one its own --data")
    }

    private func mark(_ marker: Marker) throws {
        try Files.writeAtomically(try JSONDocument.encode(marker) + "\n", to: "\(path)/\(Self.markerName)")
    }

    private func empty(except kept: Set<String> = []) throws {
        for name in try Files.list(path) where !Self.unmarkedNames.contains(name) && !kept.contains(name) {
            // The marker goes last: a folder half emptied is still known as ours.
            if name != Self.markerName { try Files.remove("\(path)/\(name)") }
        }
    }

    // MARK: Formats

    private func migrate(
        from marker: Marker,
        to version: Int,
        _ migrations: [Migration],
        _ report: (String) -> Void
    ) throws {
        guard marker.version != version else { return }
        guard marker.version < version else {
            throw StartFailure(
                "\(path) was written by a newer Apus (format \(marker.version), this one knows \(version)); "
                    + "use that one, or restore the copy made before the upgrade"
            )
        }
        let copy = "before-format-\(marker.version + 1)"
        try copyAside(copy, report)
        var current = marker
        while current.version < version {
            guard let step = migrations.first(where: { $0.from == current.version }) else {
                throw StartFailure("\(path) has format \(current.version), which this Apus cannot read any more")
            }
            report("migrating \(path) from format \(current.version) to \(current.version + 1)")
            try step.run(path)
            current.version += 1
        }
        try mark(current)
        report("the data as it was is in \(path)/\(copy); remove it once all is well")
    }

    /// Makes a complete copy within the folder, or goes back to it where an earlier migration did not come to its end.
    private func copyAside(_ copy: String, _ report: (String) -> Void) throws {
        let target = "\(path)/\(copy)"
        let part = "\(target).part"
        let kept: Set<String> = [copy, "run"]
        if Files.status(target) != nil {
            report("an earlier migration was interrupted: starting again from \(target)")
            try empty(except: kept)
            for name in try Files.list(target) { try copyOne("\(target)/\(name)", to: "\(path)/\(name)") }
            return
        }
        report("copying \(path) to \(target) before its format changes")
        try Files.remove(part)
        try Files.makeFolder(part)
        for name in try Files.list(path)
        where !Self.unmarkedNames.contains(name) && !kept.contains(name) && name != "\(copy).part"
            && !name.hasPrefix("before-format-")
        {
            try copyOne("\(path)/\(name)", to: "\(part)/\(name)")
        }
        guard rename(part, target) == 0 else { throw SystemError("rename \(part)") }
    }

    private func copyOne(_ source: String, to target: String) throws {
        guard let status = Files.status(source) else { return }
        if status.isFolder {
            try Files.copyFolder(source, to: target)
        } else if status.isFile {
            try Files.writeAtomically(try Files.read(source), to: target, mode: status.mode)
        }
    }
}
