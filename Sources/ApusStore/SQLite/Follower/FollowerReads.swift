/// A shard whose reads are answered by its follower where that is fresh enough.
///
/// They run on the follower's own threads: a file that is found to be wrong there is left out, and the read is done again
/// on the shard.
final class FollowerReads: ShardEngine {
    private let primary: SQLiteShard
    private let follower: Follower
    private let demand: ReplicaDemand

    init(_ primary: SQLiteShard, _ follower: Follower, _ demand: ReplicaDemand) {
        self.primary = primary
        self.follower = follower
        self.demand = demand
    }

    var configuration: StoreConfiguration { primary.configuration }
    var statistics: ShardStatistics { primary.statistics }
    var localReads: Int { primary.localReads }
    var replicaReads: Int { primary.replicaReads }
    var waiting: Int { primary.waiting }
    var problem: String? { primary.problem }
    func position() async throws -> ShardPosition { try await primary.position() }
    func replicaReads(_ demand: ReplicaDemand) -> (any ShardEngine)? { primary.replicaReads(demand) }

    func holds(_ place: KeyPlace) -> Bool { primary.holds(place) }
    func home(of place: KeyPlace) throws -> (index: Int, engine: any ShardEngine) {
        let home = try primary.home(of: place)
        return (home.index, home.engine.replicaReads(demand) ?? home.engine)
    }

    func localRead(_ sql: SQL, at place: KeyPlace) throws -> LocalRead? { nil }

    func read(deadline: Duration, _ body: @escaping @Sendable (any SQLSession) throws -> Void) async throws {
        if await follower.comes(to: demand) {
            let copy = follower.page[.copy]
            do {
                try follower.readers.start()
                try await follower.readers.queue.perform(deadline: deadline) { try body($0) }
                return follower.countRead()
            } catch let error as StoreError {
                switch error.code {
                case .corrupt, .inputOutput: follower.failed(error, copy: copy)
                // It may lag behind a migration, or have too many reads.
                case .statementInvalid, .busy, .overloaded, .readOnly: break
                default: throw error
                }
            }
        }
        try await primary.read(deadline: deadline, body)
    }

    func execute(_ sql: SQL, mayShare: Bool, at place: KeyPlace, deadline: Duration) async throws -> Int {
        try await primary.execute(sql, mayShare: mayShare, at: place, deadline: deadline)
    }
    func write(deadline: Duration, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) async throws {
        try await primary.write(deadline: deadline, body)
    }
    func exclusively(
        deadline: Duration,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Void
    ) async throws { try await primary.exclusively(deadline: deadline, body) }

    func prepare(_ migrations: [Migration], identity: String) throws {
        try primary.prepare(migrations, identity: identity)
    }
    func snapshot(of tables: [String], at point: StillPoint) throws -> ShardSnapshot {
        try primary.snapshot(of: tables, at: point)
    }
    func integrityProblems() async throws -> [String] { try await primary.integrityProblems() }
    func close() async { await primary.close() }
}
