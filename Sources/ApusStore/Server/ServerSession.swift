import ApusCore

/// What a connection that one thread has is used for.
enum ServerWork: Sendable {
    /// Reads that stand alone.
    case points
    /// Several reads that belong together.
    case scans
    /// Writes that stand alone.
    case statements
    /// Everything else; it is as if such transactions ran one after the other.
    case transactions

    /// True where nothing may be changed.
    var isReading: Bool { self == .points || self == .scans }
    /// True where the statements of one request belong together.
    var isTransaction: Bool { self == .scans || self == .transactions }
}

/// A connection to a database server that runs one request after the other for one thread.
protocol ServerSession: SQLSession, SendableMetatype {
    /// The database, for errors.
    var name: String { get }
    /// Until when the request at hand may take, in monotonic nanoseconds.
    var deadline: Int64 { get set }
    /// The request at hand, which its caller may cancel.
    var item: WorkItem? { get set }
    /// False where the server has ended the connection while nothing was asked.
    var isAlive: Bool { get }
    /// Nothing more can be asked.
    var isBroken: Bool { get }
    /// The connection was lost while something was under way that may have been done, or not.
    var isUncertain: Bool { get }
    /// True where the deadline or the caller ended the request.
    var wasStopped: Bool { get }
    /// What made the server give up the open transaction.
    var failure: StoreError? { get }
    /// The request failed through no fault of its own, and nothing of it was kept: the same again may succeed.
    var mustRunAgain: Bool { get }
    /// A statement came after one that had failed: the same again must undo statements alone.
    var mustUndoStatements: Bool { get }

    func begin(_ work: ServerWork, undoesStatements: Bool)
    /// Commits what the request did.
    ///
    /// - Throws: ``StoreError``; `outcomeUnknown` where the server did not say.
    func commit() throws
    /// Undoes the open transaction, if there is one.
    func rollback()
    /// Runs a command of ours, such as taking a lock that other sessions see.
    func control(_ text: String) throws
    func close()
}

extension ServerSession {
    /// Gives the next statement so much time from now on.
    func allow(_ time: Duration, _ clock: any Clock) { deadline = (clock.now() + time).nanoseconds }
}

extension ShardEngine {
    /// How long one statement of a copy may take.
    static var copyPatience: Duration { .seconds(600) }
}
