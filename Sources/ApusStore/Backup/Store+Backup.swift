public import ApusCore

/// How far a backup or a restore is.
public struct CopyProgress: Sendable, Hashable {
    /// Rows so far.
    public var rows: Int
    /// Rows that there will be; `nil` where that is not known before.
    public var rowsInAll: Int?
    /// True while what was restored is read back.
    public var isChecking: Bool
}

/// What a backup holds and took.
public struct BackupReport: Sendable, Hashable, Codable {
    /// Shards, a file each.
    public var shards: Int
    /// Rows in all.
    public var rows: Int
    /// The size of the files.
    public var bytes: Int
    /// For how long writers waited at most, in nanoseconds.
    public var pause: Int64
    /// How long all of it took, in nanoseconds.
    public var nanoseconds: Int64
}

/// What a restore brought and took.
public struct RestoreReport: Sendable, Hashable, Codable {
    /// Shards that the rows are on now.
    public var shards: Int
    /// Rows in all.
    public var rows: Int
    /// When the backup was taken, in seconds since 1970.
    public var takenAt: Int64
    /// How long it took, in nanoseconds.
    public var nanoseconds: Int64
}

/// Copies of all shards as they were at one moment.
///
/// ```swift
/// let report = try await store.backup(into: "/backup/monday")    // while everything goes on
/// let report = try await store.restore(from: "/backup/monday", at: site)    // a store that is not open, and empty
/// ```
/// A backup is a folder with a SQLite file a shard, whichever engine the store is on, and can be restored to another engine and
/// to another number of shards. The store declares its tables: ``StoreTable``.
extension Store {
    /// Copies all shards into a folder while the store serves.
    ///
    /// Every shard is held for the moment it takes until all of them are, some milliseconds, so that the copies are of one
    /// moment: a change that was made because of another one is not in the backup without it. Then they are read while
    /// everything goes on.
    ///
    /// - Parameters:
    ///   - folder: A folder that is empty or not there yet.
    ///   - progress: Told of rows that were copied.
    /// - Returns: What was done.
    /// - Throws: ``StoreError``: `statementInvalid` for a table that is not declared and for a folder with something in it;
    ///   `busy` where a shard cannot be held within 20 s; `diskFull`; what a shard said. The folder then holds no backup.
    @discardableResult
    public func backup(
        into folder: String,
        progress: @escaping @Sendable (CopyProgress) -> Void = { _ in }
    ) async throws -> BackupReport {
        let store = try current()
        if let refusal = store.leftToDatabase?.backup { throw refusal }
        return try await Backup(self, store, into: folder).run(progress)
    }

    /// Brings the rows of a backup into the store, which is not open and has no rows.
    ///
    /// No program can open the store until all rows are there and were read back; where it is cut off, it is begun again. The
    /// schema is the backup's: the next start applies what has been added since.
    ///
    /// - Parameters:
    ///   - folder: The backup's folder.
    ///   - site: Where the store is to be.
    ///   - progress: Told of rows that were brought.
    /// - Returns: What was done.
    /// - Throws: ``StoreError``: `corrupt` for a folder that holds no whole backup, and where what was written is not what the
    ///   backup has; `statementInvalid` for a store that has rows; `newerSchema`, `migrationEdited`; what a shard said.
    @discardableResult
    public func restore(
        from folder: String,
        at site: BlockSite,
        progress: @escaping @Sendable (CopyProgress) -> Void = { _ in }
    ) async throws -> RestoreReport {
        guard (try? current()) == nil else {
            throw StoreError(.statementInvalid, "the store \"\(name)\" is open; close it before a restore")
        }
        try StoreTable.check(tables)
        return try await Restore(self, from: folder).run(at: site, progress)
    }
}
