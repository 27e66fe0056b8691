import ApusCore
import ApusRuntime
import CLinux
import CSQLite

/// One loop's connection to one shard, for point reads: one read transaction a turn.
///
/// Locks are taken once a turn instead of once a read, which is four fifths of a read's cost. The transaction ends
/// early when a commit was counted since it began: then somebody may have been told of that commit, and this loop's
/// next read must see it.
//
// `@unchecked Sendable` is sound because only the loop's own thread uses it, from making it to the end of the last
// turn in which it read.
final class LoopReader: @unchecked Sendable {
    let connection: SQLiteConnection
    private let commits: CommitCounter
    private let looksMax: Int
    private var snapshot: UInt64 = 0
    private var isOpen = false
    /// Whether the transaction has perhaps not looked at the shard yet: until it does, it is of no moment.
    private var isFresh = false
    private var isEndScheduled = false
    private var isClosed = false
    private let loop: EventLoop
    /// Reads so far; written by the loop alone.
    let count: UnsafeMutablePointer<UInt64>

    init(path: String, configuration: StoreConfiguration, commits: CommitCounter, loop: EventLoop) throws {
        self.loop = loop
        connection = try SQLiteConnection(path: path, configuration: configuration, isReader: true)
        self.commits = commits
        looksMax = configuration.pointReadStepsMax / Int(SQLiteConnection.stepsPerLook)
        count = .allocate(capacity: 1)
        count.initialize(to: 0)
    }

    deinit { count.deallocate() }

    /// Starts a read in the turn's transaction.
    //
    // Not inlined, and the connection as one that is only borrowed: so nothing is retained for a read.
    @inline(never)
    func read(_ sql: SQL) throws -> LocalRead {
        let committed = commits.value
        if !isOpen || committed != snapshot || connection.hasFailed { try begin(at: committed) }
        if isFresh { isFresh = !connection.isReading }
        apus_relaxed_add(count, 1)
        return try Unmanaged.passUnretained(connection)._withUnsafeGuaranteedRef { connection in
            connection.watch.looksLeft = looksMax
            return LocalRead(connection: connection, statement: try connection.bound(sql), isFirst: isFresh)
        }
    }

    @inline(never)
    private func begin(at count: UInt64) throws {
        if isClosed { throw StoreError(.closed, "the store was closed") }
        end()
        connection.hasFailed = false
        connection.watch.begin()
        try connection.beginRead()
        isOpen = true
        isFresh = true
        snapshot = count
        if !isEndScheduled {
            isEndScheduled = true
            loop.atTurnEnd { [self] in
                isEndScheduled = false
                end()
            }
        }
    }

    /// Closes the connection, on its loop; then calls `done`.
    func close(_ done: @escaping @Sendable () -> Void) {
        loop.execute { [self] in
            end()
            isClosed = true
            connection.close()
            done()
        }
    }

    func end() {
        guard isOpen else { return }
        isOpen = false
        do { try connection.commit() } catch { connection.rollback() }
    }
}

/// A read that is under way on this thread: step by step, and done before anything else is.
//
// Four words and no more, so that it is handed over in registers.
@usableFromInline
struct LocalRead {
    private let connection: Unmanaged<SQLiteConnection>
    /// The row that the last ``step()`` stood on.
    @usableFromInline var row: RowReader
    /// Rows that may still come.
    private var rowsLeft: Int32
    /// Whether the turn's transaction began with this read.
    ///
    /// Then its key may have gone between the look at the table of slots and the transaction's moment. A later read's key was here
    /// after that moment, and so is all of it in the transaction.
    @usableFromInline let isFirst: Bool

    @inline(__always)
    init(connection: SQLiteConnection, statement: OpaquePointer, isFirst: Bool) {
        self.connection = .passUnretained(connection)
        row = RowReader(statement: statement)
        rowsLeft = Int32(truncatingIfNeeded: connection.rowsMax)
        self.isFirst = isFirst
    }

    /// Moves to the next row; false after the last.
    @usableFromInline
    mutating func step() throws -> Bool {
        let code = sqlite3_step(row.statement)
        guard code == SQLITE_ROW, rowsLeft > 0 else { return try ended(code) }
        rowsLeft -= 1
        row.rewind()
        return true
    }

    /// False after the last row; throws where a row is one too many, or none could be had.
    @inline(never)
    private func ended(_ code: Int32) throws -> Bool {
        if code == SQLITE_DONE { return false }
        guard code == SQLITE_ROW else { throw connection.takeUnretainedValue().failure(code) }
        throw StoreError(.tooLarge, "more rows than the configuration allows; ask for pages")
    }

    /// Gives the statement back; exactly once.
    //
    // A `deinit` would do this by itself, but the 6.3 optimiser dies on one that is reached from inlinable code.
    @usableFromInline
    func finish() { sqlite3_reset(row.statement) }
}
