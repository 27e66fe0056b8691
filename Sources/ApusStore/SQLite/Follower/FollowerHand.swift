import ApusCore
import ApusRuntime
import CSQLite

/// What one thread needs to write to a shard's follower: the lock of who may, and a connection to its file.
///
/// Everything but the lock is for whoever holds that.
//
// `@unchecked Sendable` is sound because one thread uses a hand; it is handed over once, to the thread that is started with it.
final class FollowerHand: @unchecked Sendable {
    /// The shard's file.
    let source: String
    /// The follower's.
    let path: String
    let lock: LockFile
    private let configuration: StoreConfiguration
    private let page: CommitCounter
    private var file: SQLiteConnection?
    private var copy: UInt64 = 0
    /// Looks into the shard's log.
    private var reader: SQLiteConnection?

    /// The follower cannot be told row by row: it is to be made anew.
    struct NeedsCopy: Error { let reason: String }

    init(source: String, path: String, configuration: StoreConfiguration, page: CommitCounter) throws {
        self.source = source
        self.path = path
        self.configuration = configuration
        self.page = page
        lock = try LockFile(path: source + ".follower")
    }

    /// Lets go of the files.
    func close() {
        file?.close()
        reader?.close()
        (file, reader) = (nil, nil)
    }

    // MARK: With the lock

    /// The follower's file, opened anew where it is another one.
    ///
    /// - Throws: ``StoreError``; ``NeedsCopy`` where there is none that follows this lineage.
    private func opened(_ lineage: Int64) throws -> SQLiteConnection {
        if let file, copy == page[.copy], !file.hasMoved { return file }
        file?.close()
        file = nil
        guard Files.status(path)?.size ?? 0 > 0 else { throw NeedsCopy(reason: "\(path) is missing") }
        let opened = try SQLiteConnection(path: path, configuration: configuration, isReader: false, makesFile: false)
        do {
            apus_sqlite_follow(opened.handle)
            guard let record = try FollowRecord.read(opened), record.role == .follower, record.lineage == lineage else {
                throw NeedsCopy(reason: "\(path) follows something else")
            }
        } catch {
            opened.close()
            throw error
        }
        copy = page[.copy]
        file = opened
        return opened
    }

    /// Brings one transaction's changes, just committed on `session`, to the follower.
    func follow(_ entry: ChangeEntry, of session: SQLiteConnection, lineage: Int64) throws {
        let file = try opened(lineage)
        if entry.isWhole { throw NeedsCopy(reason: "a change of schema with rows, or made by a transaction") }
        if try apply([entry], to: file, elseNil: true) == nil { _ = try catchUp(from: session, lineage: lineage) }
    }

    /// Brings everything from the shard's log.
    ///
    /// - Returns: The position that it came to.
    func catchUp(lineage: Int64) throws -> Int64 {
        let source =
            try reader ?? SQLiteConnection(path: source, configuration: configuration, isReader: true)
        reader = source
        do { return try catchUp(from: source, lineage: lineage) } catch {
            reader?.close()
            reader = nil
            throw error
        }
    }

    func catchUp(from source: SQLiteConnection, lineage: Int64) throws -> Int64 {
        let file = try opened(lineage)
        var position = try Self.position(file)
        let last = try Self.position(source)
        guard position <= last else { throw NeedsCopy(reason: "\(path) is ahead of the shard") }
        while true {
            let entries = try ChangeLog.read(after: position, on: source)
            guard let first = entries.first else { break }
            guard first.position == position + 1, !entries.contains(where: \.isWhole) else {
                throw NeedsCopy(reason: "what it has yet to have is not kept row by row")
            }
            guard let reached = try apply(entries, to: file, elseNil: false) else { break }
            position = reached
        }
        guard position >= last else { throw NeedsCopy(reason: "what it has yet to have is not kept any more") }
        return position
    }

    /// Whether the two files have the same schema.
    func hasSchema(of source: SQLiteConnection, lineage: Int64) throws -> Bool {
        let question: SQL = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1"
        let ours: [String] = try Transaction(source).all(question)
        return try Transaction(opened(lineage)).all(question, as: String.self) == ours
    }

    /// Makes the follower anew while everything goes on.
    ///
    /// - Returns: The position that it has.
    func make() throws -> Int64 {
        file?.close()
        file = nil
        var position: Int64 = 0
        try FollowerCopy.make(of: source, at: path, configuration) { copy in
            guard var record = try FollowRecord.read(copy), record.lineage != 0 else {
                throw Follower.fenced(source)
            }
            record.role = .follower
            try record.write(copy)
            try ChangeLog.removeAll(on: copy)
            position = record.position
        }
        // On a disk that is another one, the map is missing too.
        do { try FollowerFolder.copyMap(from: Self.folder(of: source), to: Self.folder(of: path)) } catch {
            throw StoreError(wrapping: error, path)
        }
        return position
    }

    private static func folder(of path: String) -> String {
        String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
    }

    // MARK: Changes

    static func position(_ session: any SQLSession) throws -> Int64 {
        try Transaction(session).first("SELECT position FROM apus_follow WHERE number = 1") ?? -1
    }

    /// Brings entries in one transaction, as far as the file does not have them.
    ///
    /// - Returns: The position then; `nil` with `elseNil` where some before them are missing.
    private func apply(_ entries: [ChangeEntry], to file: SQLiteConnection, elseNil: Bool) throws -> Int64? {
        try file.begin()
        do {
            var position = try Self.position(file)
            for entry in entries where entry.position > position {
                if entry.position != position + 1 {
                    file.rollback()
                    if elseNil { return nil }
                    throw NeedsCopy(reason: "a change is missing")
                }
                if let text = entry.text { try file.run(text) }
                try apply(entry.changes, to: file)
                position = entry.position
            }
            guard try Self.position(file) == position else { throw NeedsCopy(reason: "\(path) differs from the shard") }
            try file.commit()
            return position
        } catch {
            file.rollback()
            throw error
        }
    }

    /// - SeeAlso: sqlite.org/session/sqlite3changeset_apply.html
    private func apply(_ changes: [UInt8], to file: SQLiteConnection) throws {
        if changes.isEmpty { return }
        let code = changes.withUnsafeBytes { bytes in
            sqlite3changeset_apply(
                file.handle,
                Int32(bytes.count),
                UnsafeMutableRawPointer(mutating: bytes.baseAddress),
                nil,
                // A row that is not what it was on the shard: the two have come apart.
                { _, _, _ in SQLITE_CHANGESET_ABORT },
                nil
            )
        }
        if code == SQLITE_OK { return }
        if code & 0xFF == SQLITE_ABORT || code & 0xFF == SQLITE_CONSTRAINT {
            throw NeedsCopy(reason: "\(path) differs from the shard")
        }
        throw StoreError(sqlite: code, on: file.handle, path: path)
    }
}
