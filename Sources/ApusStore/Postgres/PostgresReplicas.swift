#if PostgreSQL
import ApusCore
import ApusRuntime

/// A shard's replicas, and what its primary was seen to have reached when.
final class PostgresReplicas: Sendable {
    /// How far the primary had come at some moment, or later.
    private struct Mark {
        let at: Instant
        let position: UInt64
    }
    private static let marksMax = 128

    let all: [PostgresReplica]
    private let marks = Lock<[Mark]>([])
    private let turn = Lock(0)
    private let identity = Lock("")

    init(_ all: [PostgresReplica]) { self.all = all }

    /// The store that the shard belongs to.
    func belong(to identity: String) { self.identity.withLock { $0 = identity } }

    /// The primary had come so far at `instant`, or farther.
    func note(_ position: ShardPosition, at instant: Instant) {
        marks.withLock { marks in
            if let last = marks.last, last.at >= instant || last.position > position.number { return }
            if marks.count == Self.marksMax { marks.removeFirst() }
            marks.append(Mark(at: instant, position: position.number))
        }
    }

    /// The least that a replica must have reached to show everything of `bound` ago; `nil` where nobody knows.
    func floor(staleAtMost bound: Duration, at now: Instant) -> UInt64? {
        marks.withLock { marks in marks.first { $0.at + bound >= now }?.position }
    }

    /// Has `body` use a replica that meets the demand.
    ///
    /// - Returns: What `body` returns; `nil` where no replica does, or those that do failed.
    /// - Throws: What is wrong with the statement itself.
    func use<Value>(
        _ demand: ReplicaDemand,
        floor: UInt64,
        on loop: EventLoop,
        _ body: (PostgresReplica) async throws -> Value
    ) async throws -> Value? {
        let start = loop.preciseNow()
        let identity = identity.withLock { $0 }
        let first = turn.withLock { turn in
            turn = (turn + 1) % all.count
            return turn
        }
        for offset in all.indices {
            let replica = all[(first + offset) % all.count]
            guard replica.isHere(at: loop.preciseNow()) else { continue }
            do {
                let end = start + demand.wait
                guard try await replica.reaches(floor, by: end, identity: identity, on: loop) else { continue }
            } catch let error as StoreError {
                replica.failed(error, at: loop.preciseNow())
                continue
            }
            do {
                return try await body(replica)
            } catch let error as StoreError where Self.isTheServers(error.code) {
                replica.failed(error, at: loop.preciseNow())
            }
        }
        return nil
    }

    /// What another server may do better.
    private static func isTheServers(_ code: StoreError.Code) -> Bool {
        switch code {
        case .unreachable, .overloaded, .accessRefused, .busy, .deadlineExceeded, .inputOutput, .corrupt: true
        default: false
        }
    }
}

/// A shard whose reads are answered by replicas where they are fresh enough.
final class PostgresReplicaReads: ShardEngine {
    private let primary: PostgresShard
    private let replicas: PostgresReplicas
    private let demand: ReplicaDemand

    init(_ primary: PostgresShard, _ replicas: PostgresReplicas, _ demand: ReplicaDemand) {
        self.primary = primary
        self.replicas = replicas
        self.demand = demand
    }

    var configuration: StoreConfiguration { primary.configuration }
    var statistics: ShardStatistics { primary.statistics }
    var localReads: Int { primary.localReads }
    var replicaReads: Int { primary.replicaReads }
    var waiting: Int { primary.waiting }
    var problem: String? { primary.problem }

    /// What a replica must have reached.
    ///
    /// - Throws: ``StoreError`` where a bound cannot be proved because the primary does not answer.
    private func floor(on loop: EventLoop) async throws -> UInt64 {
        let after = demand.after?.number ?? 0
        guard let bound = demand.staleAtMost else { return after }
        if let floor = replicas.floor(staleAtMost: bound, at: loop.preciseNow()) { return max(after, floor) }
        return max(after, try await primary.position().number)
    }

    func localRead(_ sql: SQL, at place: KeyPlace) throws -> LocalRead? { nil }

    func answer(to sql: SQL) async throws -> RowSource? {
        let loop = try primary.loop()
        // A replica that falls silent leaves time to ask the primary.
        let half = configuration.readDeadline / 2
        let floor = try await floor(on: loop)
        let answer = try await replicas.use(demand, floor: floor, on: loop) { replica in
            try await replica.answer(to: sql, deadline: half, on: loop)
        }
        if let answer { return answer }
        return try await primary.answer(to: sql)
    }

    func read(deadline: Duration, _ body: @escaping @Sendable (any SQLSession) throws -> Void) async throws {
        let loop = try primary.loop()
        let start = loop.preciseNow()
        let floor = try await floor(on: loop)
        let isDone: Void? = try await replicas.use(demand, floor: floor, on: loop) { replica in
            try await replica.read(deadline: deadline / 2, body)
        }
        if isDone != nil { return }
        try await primary.read(deadline: max(.zero, start + deadline - loop.preciseNow()), body)
    }

    func execute(_ sql: SQL, mayShare: Bool, at place: KeyPlace, deadline: Duration) async throws -> Int {
        try await primary.execute(sql, mayShare: mayShare, at: place, deadline: deadline)
    }

    func write(deadline: Duration, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) async throws {
        try await primary.write(deadline: deadline, body)
    }

    func position() async throws -> ShardPosition { try await primary.position() }
    func replicaReads(_ demand: ReplicaDemand) -> (any ShardEngine)? { primary.replicaReads(demand) }
    func prepare(_ migrations: [Migration], identity: String) throws {
        try primary.prepare(migrations, identity: identity)
    }
    func snapshot(of tables: [String], at point: StillPoint) throws -> ShardSnapshot {
        try primary.snapshot(of: tables, at: point)
    }
    func integrityProblems() async throws -> [String] { try await primary.integrityProblems() }
    func close() async { await primary.close() }
}
#endif
