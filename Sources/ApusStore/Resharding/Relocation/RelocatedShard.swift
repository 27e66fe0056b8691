import ApusCore

/// A shard on a server that a folder's table of slots leads to, until the rows are the server's for good.
///
/// It is used as a shard in a file is: by the processes of one machine, which look up a key in the table that they share where the
/// call runs, under the lock that a step needs for itself. That lock is the server's, and each write takes a share of it first, so that
/// no key leaves, on the way back, before the write is committed. What the shard itself says of keys counts besides: once the
/// rows are the server's, they may be resharded there.
final class RelocatedShard: ShardEngine {
    let index: Int
    private let there: any ShardEngine
    private let token: UInt64
    private let table: SlotTable
    private weak let shards: ShardList?

    /// - Parameters:
    ///   - index: Its number in the folder.
    ///   - there: The same shard, as the server's store has it.
    ///   - token: Tells the server from another one that came after it.
    ///   - shards: The folder's shards.
    init(_ index: Int, there: any ShardEngine, token: UInt64, _ shards: ShardList) {
        self.index = index
        self.there = there
        self.token = token
        self.shards = shards
        table = shards.table
    }

    /// The shard, unless the folder's rows have gone to another server since.
    private func engine() throws -> any ShardEngine {
        guard table.serverToken == token else {
            throw StoreError(.closed, "the folder's rows have gone to another server since; start the program anew")
        }
        return there
    }

    var configuration: StoreConfiguration { there.configuration }
    var statistics: ShardStatistics { there.statistics }
    var localReads: Int { there.localReads }
    var waiting: Int { there.waiting }
    var problem: String? { there.problem }

    // MARK: Where keys are

    func mayHold(_ place: KeyPlace) -> Bool { !place.isKnown || table.shard(of: place) == index }
    func holds(_ place: KeyPlace) -> Bool { mayHold(place) && there.holds(place) }

    func home(of place: KeyPlace) throws -> (index: Int, engine: any ShardEngine) {
        let home = table.shard(of: place)
        if home == index { return try there.home(of: place) }
        guard let shards else { throw StoreError(.closed, "the store was closed") }
        return (home, try shards.engine(home))
    }

    func look() async throws { try await engine().look() }
    func position() async throws -> ShardPosition { try await engine().position() }

    // MARK: Reads

    func localRead(_ sql: SQL, at place: KeyPlace) throws -> LocalRead? { nil }
    func answer(to sql: SQL) async throws -> RowSource? { try await engine().answer(to: sql) }

    func read(deadline: Duration, _ body: @escaping @Sendable (any SQLSession) throws -> Void) async throws {
        try await engine().read(deadline: deadline, body)
    }

    // MARK: Writes

    func execute(_ sql: SQL, mayShare: Bool, at place: KeyPlace, deadline: Duration) async throws -> Int {
        let engine = try engine()
        guard mayHold(place) else { throw KeyMoved() }
        if table.isSettled {
            return try await engine.execute(sql, mayShare: mayShare, at: place, deadline: deadline)
        }
        return try await Answer.write(self, deadline: deadline) { [self] transaction in
            guard holds(place) else { throw KeyMoved() }
            return try transaction.execute(sql)
        }
    }

    func write(deadline: Duration, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) async throws {
        let engine = try engine()
        // Once it is settled nothing goes back by the folder's table.
        if table.isSettled { return try await engine.write(deadline: deadline, body) }
        try await engine.write(deadline: deadline) { transaction in
            try transaction.keepKeys()
            try body(transaction)
        }
    }

    func exclusively(
        deadline: Duration,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Void
    ) async throws {
        try await engine().exclusively(deadline: deadline, body)
    }

    func receive(deadline: Duration, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) async throws {
        // Whoever puts right what a dead step left takes the lock for itself first: no commit of that step comes later.
        try await engine().receive(deadline: deadline) { transaction in
            try transaction.keepKeys()
            try body(transaction)
        }
    }

    func hold(deadline: Duration, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await engine().hold(deadline: deadline, body)
    }

    func define(_ texts: @escaping @Sendable (Dialect) -> [String]) async throws {
        try await engine().define(texts)
    }

    // MARK: Opening, copying, checking, closing

    // The store on the server has done so.
    func prepare(_ migrations: [Migration], identity: String) throws {}

    func snapshot(of tables: [String], at point: StillPoint) throws -> ShardSnapshot {
        try engine().snapshot(of: tables, at: point)
    }

    func integrityProblems() async throws -> [String] { try await engine().integrityProblems() }

    // The store on the server is closed as a whole.
    func close() async {}
}

extension Transaction {
    /// Keeps keys from leaving the server's shard until the transaction ends; its first statement.
    fileprivate borrowing func keepKeys() throws {
        switch session.dialect {
        case .sqlite: break
        // No query: the transaction's snapshot is to be of after it.
        case .postgres: try (session as? any ServerSession)?.control("LOCK TABLE apus_moving IN ROW SHARE MODE")
        case .mysql:
            _ = try one("SELECT version FROM apus_moving WHERE id = 1 LOCK IN SHARE MODE", as: Int64.self)
        }
    }
}
