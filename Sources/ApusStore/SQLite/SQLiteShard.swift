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
    private let table: SlotTable?
    private weak let shards: ShardList?

    init(
        path: String,
        store: String,
        index: Int,
        configuration: StoreConfiguration,
        clock: any Clock,
        watcher: DeadlineWatcher,
        shards: ShardList?
    ) throws {
        self.path = path
        self.index = index
        self.configuration = configuration
        self.clock = clock
        self.shards = shards
        table = shards?.table
        let slow = SlowStatements(after: configuration.slowAfter, clock: clock)
        statistics = ShardStatistics(store: store, shard: index, slow: slow)
        commits = CommitCounter(try LockFile(path: path + ".lock"))
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
            statistics: statistics
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
        // A file that is gone would be made anew, and nobody would hear that its rows are gone with it.
        if commits.value > 0, Files.status(path)?.size ?? 0 == 0 {
            throw StoreError(.corrupt, "\(path) is missing or empty, and had rows; restore it from a backup")
        }
        let connection = try SQLiteConnection(path: path, configuration: configuration, isReader: !lock.isWritable)
        connection.emptyLogAtClose()
        let runner = MigrationRunner(
            session: connection,
            file: path,
            clock: clock,
            isRestoring: configuration.isRestoring
        )
        if lock.isWritable { try runner.makeTables() }
        try runner.claim(identity: identity, index: index)
        try runner.run(migrations)
        guard lock.isWritable else { return }
        connection.keepLog()
        writer.adopt(connection)
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
            _ = writer.awaitEnd(nanoseconds: 10_000_000_000)
            writer.disown()
            _ = readers.awaitEnd(nanoseconds: 2_000_000_000)
            last?.close()
        }
    }
}
