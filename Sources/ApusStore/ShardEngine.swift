/// What an engine does for one shard.
///
/// Users never see it: they hold a ``Shard``.
@usableFromInline
protocol ShardEngine: AnyObject, Sendable {
    /// Bounds and sizes.
    var configuration: StoreConfiguration { get }
    /// Where the shard's reads and writes are counted.
    var statistics: ShardStatistics { get }
    /// A read that is done at once, on this thread; `nil` where the engine, or this thread, cannot, or the key is not here.
    ///
    /// The caller ends it before it does anything else. Where ``LocalRead/isFirst`` says so, the caller asks
    /// ``holds(_:)`` once more when it has read.
    func localRead(_ sql: SQL, at place: KeyPlace) throws -> LocalRead?
    /// The answer to a query with few rows that stands alone; `nil` where the engine reads by
    /// ``localRead(_:at:)`` and threads.
    func answer(to sql: SQL) async throws -> RowSource?
    /// Refuses a statement of one key that does not say so, where the database has to see it.
    func check(_ sql: SQL, of place: KeyPlace) throws
    /// Runs one statement that changes something, in a transaction of its own.
    ///
    /// With `mayShare`, other such statements that wait may be committed with it.
    ///
    /// - Throws: ``KeyMoved`` where the key is not here any more, with nothing changed.
    func execute(_ sql: SQL, mayShare: Bool, at place: KeyPlace, deadline: Duration) async throws -> Int
    /// Runs `body` in a read transaction off the loop.
    func read(deadline: Duration, _ body: @escaping @Sendable (any SQLSession) throws -> Void) async throws
    /// Runs `body` in a transaction that is on disk when this returns.
    func write(deadline: Duration, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) async throws
    /// The same while nobody else writes to the shard, in a transaction of its own.
    func exclusively(
        deadline: Duration,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Void
    ) async throws
    /// Runs `body` in a transaction that brings rows from another shard.
    func receive(deadline: Duration, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) async throws
    /// Does something while no key leaves the shard.
    func hold(deadline: Duration, _ body: @escaping @Sendable () async throws -> Void) async throws
    /// Runs statements of ours that change the schema.
    func define(_ texts: @escaping @Sendable (Dialect) -> [String]) async throws
    /// Takes in what the shard says of keys that have left it.
    func look() async throws
    /// Whether a key's rows are here at this moment.
    ///
    /// Within a transaction of ``write(deadline:_:)`` that stays so; what was read before is sound where it says yes afterwards.
    func holds(_ place: KeyPlace) -> Bool
    /// Whether a key's rows may be here already, before a transaction begins whose look at the rows is of its beginning: what came
    /// after that would be missing in it.
    func mayHold(_ place: KeyPlace) -> Bool
    /// The shard that has a key's rows.
    func home(of place: KeyPlace) throws -> (index: Int, engine: any ShardEngine)
    /// Reads done at once on loops so far.
    var localReads: Int { get }
    /// Reads that replicas have answered so far.
    var replicaReads: Int { get }
    /// How far the shard's log has come.
    func position() async throws -> ShardPosition
    /// The shard with its reads answered by replicas; `nil` where there are none.
    func replicaReads(_ demand: ReplicaDemand) -> (any ShardEngine)?
    /// Requests that wait to be written now.
    var waiting: Int { get }
    /// Makes sure that the shard is the one meant, and applies what is missing of `migrations`, in order. Blocks.
    func prepare(_ migrations: [Migration], identity: String) throws
    /// The shard as it is while nobody writes to these tables on any shard, for a copy.
    ///
    /// It holds the shard, looks at it, arrives at `point`, and lets go of it. Blocks.
    func snapshot(of tables: [String], at point: StillPoint) throws -> ShardSnapshot
    /// How the shard's follower stands; `nil` where it has none.
    var follower: FollowerStatus? { get }
    /// What is wrong with the shard although others serve, with the fix; `nil` for a shard that serves.
    var problem: String? { get }
    /// What a full check of the shard finds wrong; empty for a sound one.
    func integrityProblems() async throws -> [String]
    /// Finishes what was accepted and lets go of files and threads.
    func close() async
}

extension ShardEngine {
    @usableFromInline
    func answer(to sql: SQL) async throws -> RowSource? { nil }

    @usableFromInline func check(_ sql: SQL, of place: KeyPlace) throws {}

    @usableFromInline
    func execute(_ sql: SQL, mayShare: Bool, at place: KeyPlace, deadline: Duration) async throws -> Int {
        try await Answer.write(self, deadline: deadline) { try $0.execute(sql) }
    }

    @usableFromInline
    func exclusively(
        deadline: Duration,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Void
    ) async throws {
        throw StoreError(.statementInvalid, "this engine's shards cannot be held by one writer yet")
    }

    @usableFromInline
    func receive(deadline: Duration, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) async throws {
        try await exclusively(deadline: deadline, body)
    }

    @usableFromInline
    func define(_ texts: @escaping @Sendable (Dialect) -> [String]) async throws {
        try await write(deadline: configuration.openDeadline) { transaction in
            guard let session = transaction.session as? any MigrationSession else {
                throw StoreError(.statementInvalid, "this engine's schema is not ours to change")
            }
            for text in texts(session.dialect) { try session.run(text) }
        }
    }

    @usableFromInline func look() async throws {}
    @usableFromInline func mayHold(_ place: KeyPlace) -> Bool { true }

    @usableFromInline
    func hold(deadline: Duration, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await exclusively(deadline: deadline) { _ in try Blocking.run(body) }
    }

    @usableFromInline var problem: String? { nil }
    @usableFromInline var replicaReads: Int { 0 }
    @usableFromInline var follower: FollowerStatus? { nil }
    @usableFromInline func position() async throws -> ShardPosition { ShardPosition(0) }
    @usableFromInline func replicaReads(_ demand: ReplicaDemand) -> (any ShardEngine)? { nil }

    /// Counts what is refused because too many wait.
    func counted(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as StoreError where error.code == .overloaded {
            statistics.add(.refused)
            throw error
        }
    }
}

/// A key's rows have gone to another shard since the handle was made: ask there.
struct KeyMoved: Error {}

/// A connection that runs statements for one thread.
@usableFromInline
protocol SQLSession: AnyObject {
    /// Runs a statement to its end and says how many rows it changed.
    func execute(_ sql: SQL) throws -> Int
    /// Runs statements one after the other, where the engine can with one round trip, and says how many rows each changed.
    func execute(all statements: [SQL]) throws -> [Int]
    /// Hands over the rows of a query until `body` says false.
    func query(_ sql: SQL, _ body: (inout RowReader) throws -> Bool) throws
    /// The same, with the first columns not counted among the row's own.
    func query(_ sql: SQL, skipping: Int, _ body: (inout RowReader) throws -> Bool) throws
    /// Inserts the rows that `next` gives, until it gives none, and says how many; all of them or none.
    func insert(into table: String, _ columns: [String], _ next: () throws -> [SQLValue]?) throws -> Int
    /// What differs between the engines' languages.
    var dialect: Dialect { get }
    /// The rest of the transaction is of one key.
    func enter(_ place: KeyPlace)
}

extension SQLSession {
    @usableFromInline func enter(_ place: KeyPlace) {}

    @usableFromInline
    func execute(all statements: [SQL]) throws -> [Int] { try statements.map { try execute($0) } }
}
