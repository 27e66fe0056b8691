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
    private var isEndScheduled = false
    /// Reads so far; written by the loop alone.
    let count: UnsafeMutablePointer<UInt64>

    init(path: String, configuration: StoreConfiguration, commits: CommitCounter) throws {
        connection = try SQLiteConnection(path: path, configuration: configuration, isReader: true)
        self.commits = commits
        looksMax = configuration.pointReadStepsMax / Int(SQLiteConnection.stepsPerLook)
        count = .allocate(capacity: 1)
        count.initialize(to: 0)
    }

    deinit { count.deallocate() }

    /// Starts a read in the turn's transaction.
    @inline(__always)
    func read(_ sql: SQL) throws -> LocalRead {
        let committed = commits.value
        if !isOpen || committed != snapshot { try begin(at: committed) }
        connection.watch.looksLeft = looksMax
        apus_relaxed_add(count, 1)
        return LocalRead(connection: connection, statement: try connection.bound(sql))
    }

    @inline(never)
    private func begin(at count: UInt64) throws {
        end()
        connection.watch.begin()
        try connection.beginRead()
        isOpen = true
        snapshot = count
        if !isEndScheduled, let loop = EventLoop.current {
            isEndScheduled = true
            loop.atTurnEnd { [self] in
                isEndScheduled = false
                end()
            }
        }
    }

    func end() {
        guard isOpen else { return }
        isOpen = false
        do { try connection.commit() } catch { connection.rollback() }
    }
}

/// A read that is under way on this thread: step by step, and done before anything else is.
@usableFromInline
struct LocalRead {
    private let connection: Unmanaged<SQLiteConnection>
    private let statement: OpaquePointer
    /// The row that the last ``step()`` stood on.
    @usableFromInline var row: RowReader
    private var rows = 0

    init(connection: SQLiteConnection, statement: OpaquePointer) {
        self.connection = .passUnretained(connection)
        self.statement = statement
        row = RowReader(statement: statement)
    }

    /// Moves to the next row; false after the last.
    @usableFromInline
    mutating func step() throws -> Bool {
        let code = sqlite3_step(statement)
        if code == SQLITE_ROW {
            rows += 1
            guard rows <= connection._withUnsafeGuaranteedRef({ $0.rowsMax }) else {
                throw StoreError(.tooLarge, "more rows than the configuration allows; ask for pages")
            }
            row.rewind()
            return true
        }
        guard code == SQLITE_DONE else { throw connection.takeUnretainedValue().failure(code) }
        return false
    }

    /// Gives the statement back; exactly once.
    //
    // A `deinit` would do this by itself, but the 6.3 optimiser dies on one that is reached from inlinable code.
    @usableFromInline
    func finish() { sqlite3_reset(statement) }
}
