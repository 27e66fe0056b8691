import ApusCore
import ApusRuntime
import CLinux

/// One shard in one SQLite file: a writer thread, reader threads, and a connection a loop.
final class SQLiteShard: ShardEngine {
    let path: String
    let index: Int
    let statistics: ShardStatistics
    let configuration: StoreConfiguration
    private let clock: any Clock
    private let commits: CommitCounter
    private let writer: ShardWriter
    private let readers: ShardReaders
    private let loopReaders: LoopReaders
    private let following: Following
    private let followed: Follower?
    private let table: SlotTable?
    private weak let shards: ShardList?

    init(
        path: String,
        store: String,
        index: Int,
        configuration: StoreConfiguration,
        clock: any Clock,
        watcher: DeadlineWatcher,
        shards: ShardList?,
        following: Following = .unsaid
    ) throws {
        self.path = path
        self.index = index
        self.configuration = configuration
        self.clock = clock
        self.shards = shards
        self.following = following
        table = shards?.table
        let slow = SlowStatements(after: configuration.slowAfter, clock: clock)
        statistics = ShardStatistics(store: store, shard: index, slow: slow)
        let lock = try LockFile(path: path + ".lock")
        let commits = CommitCounter(lock)
        self.commits = commits
        // A disk that is read-only is followed by nobody.
        followed = try (lock.isWritable ? following.place : nil).map { place in
            try Follower(
                of: path,
                index: index,
                in: place,
                page: commits,
                configuration: configuration,
                clock: clock,
                watcher: watcher
            )
        }
        writer = try ShardWriter(
            path: path,
            queue: WorkQueue(
                name: "writes of shard \(index)",
                waitingMax: configuration.writesWaitingMax,
                clock: clock,
                watcher: watcher
            ),
            configuration: configuration,
            clock: clock,
            commits: commits,
            statistics: statistics,
            follower: followed
        )
        readers = ShardReaders(
            path: path,
            queue: WorkQueue(
                name: "reads of shard \(index)",
                waitingMax: configuration.scansWaitingMax,
                clock: clock,
                watcher: watcher
            ),
            configuration: configuration,
            clock: clock,
            statistics: statistics
        )
        loopReaders = LoopReaders()
    }

    var localReads: Int { loopReaders.total }
    var waiting: Int { writer.queue.count }
    var problem: String? { followed?.problem }
    var follower: FollowerStatus? { followed?.status }
    var replicaReads: Int { followed?.reads ?? 0 }

    func position() async throws -> ShardPosition { ShardPosition(followed == nil ? 0 : commits[.committed]) }

    func replicaReads(_ demand: ReplicaDemand) -> (any ShardEngine)? {
        followed.map { FollowerReads(self, $0, demand) }
    }

    func localRead(_ sql: SQL, at place: KeyPlace) throws -> LocalRead? {
        // Before the commits are counted: what has come by now is then seen.
        guard holds(place), let address = apus_get_current_loop() else { return nil }
        guard let reader = loopReaders.find(address) else { return try firstRead(sql) }
        return try reader._withUnsafeGuaranteedRef { try $0.read(sql) }
    }

    /// A loop's first read makes the loop's connection.
    @inline(never)
    private func firstRead(_ sql: SQL) throws -> LocalRead? {
        guard let loop = EventLoop.current else { return nil }
        let reader = try LoopReader(path: path, configuration: configuration, commits: commits, loop: loop)
        try loopReaders.add(reader, for: loop)
        return try reader.read(sql)
    }

    @inline(__always)
    func holds(_ place: KeyPlace) -> Bool {
        guard let table, place.isKnown else { return true }
        return table.shard(of: place) == index
    }

    func home(of place: KeyPlace) throws -> (index: Int, engine: any ShardEngine) {
        guard let shards else { throw StoreError(.closed, "the store was closed") }
        let index = shards.table.shard(of: place)
        return (index, try shards.engine(index))
    }

    func read(deadline: Duration, _ body: @escaping @Sendable (any SQLSession) throws -> Void) async throws {
        try readers.start()
        try await counted { try await readers.queue.perform(deadline: deadline) { try body($0) } }
    }

    func write(deadline: Duration, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) async throws {
        try writer.start()
        try await counted { try await writer.queue.perform(deadline: deadline) { try body(Transaction($0)) } }
    }

    func exclusively(
        deadline: Duration,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Void
    ) async throws {
        try writer.start()
        try await counted {
            try await writer.queue.perform(deadline: deadline, isAlone: true) { try body(Transaction($0)) }
        }
    }

    func execute(_ sql: SQL, mayShare: Bool, at place: KeyPlace, deadline: Duration) async throws -> Int {
        try writer.start()
        return try await Answer.of { answer in
            try await counted {
                try await writer.queue.perform(deadline: deadline, isStatement: true) { [self] session in
                    // Under the shard's lock: what is here now stays until the statement is committed.
                    guard holds(place) else { throw KeyMoved() }
                    answer.set(try session.execute(sql))
                }
            }
        }
    }

    func prepare(_ migrations: [Migration], identity: String) throws {
        let lock = try LockFile(path: path + ".lock")
        // A disk that is read-only can still be read, where nothing is missing.
        if lock.isWritable { try lock.acquire(within: configuration.openDeadline) }
        defer { lock.release() }
        let epoch = table?.epoch(of: index) ?? 0
        // A file that is gone would be made anew, and nobody would hear that its rows are gone with it.
        if commits.value > 0 || epoch > 0, Files.status(path)?.size ?? 0 == 0 {
            throw StoreError(.corrupt, "\(path) is missing or empty, and had rows; restore it from a backup")
        }
        let connection = try SQLiteConnection(path: path, configuration: configuration, isReader: !lock.isWritable)
        connection.emptyLogAtClose()
        try checkFollowing(FollowRecord.read(connection), epoch: epoch)
        let runner = MigrationRunner(
            session: connection,
            file: path,
            clock: clock,
            isRestoring: configuration.isRestoring
        )
        if lock.isWritable { try runner.makeTables() }
        try runner.claim(identity: identity, index: index)
        if lock.isWritable { try beginFollowing(connection, epoch: epoch) }
        try runner.run(migrations)
        guard lock.isWritable else { return }
        if let followed {
            try FollowedTables.check(connection)
            try followed.attach(connection)
        }
        connection.keepLog()
        writer.adopt(connection)
    }

    /// Refuses a file that is not the shard any more, or not without its follower.
    private func checkFollowing(_ record: FollowRecord?, epoch: Int) throws {
        guard record?.role != .follower else {
            throw StoreError(
                .wrongShard,
                "\(path) is a shard's follower; store promote --shard \(index) makes it the shard"
            )
        }
        guard record?.epoch ?? 0 >= epoch else {
            throw StoreError(
                .wrongShard,
                "\(path) is from before shard \(index)'s follower was promoted; move it away, and put the later file back"
            )
        }
        if let record, record.lineage != 0, following == .unsaid {
            throw StoreError(
                .mapMismatch,
                "shard \(index) has a follower in \(record.place): say so in STORE_URL (sqlite:?follower=\(record.place)), or "
                    + "end that by sqlite:?follower=none"
            )
        }
        try followed?.refuseOlder(record)
    }

    private func beginFollowing(_ connection: SQLiteConnection, epoch: Int) throws {
        if let followed { return try followed.begin(on: connection, epoch: epoch) }
        if var record = try FollowRecord.read(connection), record.lineage != 0 {
            record.lineage = 0
            try record.write(connection)
            try ChangeLog.removeAll(on: connection)
        }
        commits.set(.lineage, to: 0)
    }

    func snapshot(of tables: [String], at point: StillPoint) throws -> ShardSnapshot {
        // Behind the gate, as every writer: it keeps order among those who wait.
        let (gate, lock) = (try LockFile(path: path + ".gate"), try LockFile(path: path + ".lock"))
        // A disk that is read-only is still anyway.
        try point.begin(index)
        if lock.isWritable {
            do {
                try gate.acquire(within: point.patience)
                defer { gate.release() }
                try lock.acquire(within: point.patience)
            } catch let error as StoreError where error.code == .busy {
                throw StillPoint.tooLong
            }
        }
        defer { lock.release() }
        point.hold(index)
        let connection = try SQLiteConnection(path: path, configuration: configuration, isReader: true)
        do {
            try connection.beginRead()
            // The transaction's moment is that of its first look.
            _ = try Transaction(connection).one("SELECT count(*) FROM sqlite_schema", as: Int.self)
            try point.arrive()
        } catch {
            connection.close()
            throw error
        }
        return ShardSnapshot(connection) {
            connection.rollback()
            connection.close()
        }
    }

    func integrityProblems() async throws -> [String] {
        try await Answer.read(self, deadline: .seconds(3600)) { session -> [String] in
            guard let connection = session as? SQLiteConnection else { return [] }
            return try connection.integrityProblems()
        }
    }

    func close() async {
        writer.queue.close()
        readers.queue.close()
        // Bounded: a thread that hangs in the disk is left behind; it ends with the process.
        _ = try? await StoreThread.run { [self] in
            // Whoever closes last copies the log into the file: this thread, which may wait for the disk, not a loop.
            let last = Files.status(path + "-wal").flatMap { _ in
                try? SQLiteConnection(path: path, configuration: configuration, isReader: true)
            }
            try? last?.run("SELECT 1 FROM sqlite_schema LIMIT 1")
            _ = loopReaders.close(nanoseconds: 1_000_000_000)
            let hasEnded = writer.awaitEnd(nanoseconds: 10_000_000_000)
            followed?.close(hasWriterEnded: hasEnded)
            writer.disown()
            _ = readers.awaitEnd(nanoseconds: 2_000_000_000)
            last?.close()
        }
    }
}
