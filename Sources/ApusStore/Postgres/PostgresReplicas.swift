#if PostgreSQL
import ApusCore
import ApusRuntime

/// A shard's copies, of which one is the primary's, and what its primary was seen to have reached when.
final class PostgresReplicas: Sendable {
    /// How far the primary had come at some moment, or later.
    private struct Mark {
        let at: Instant
        let position: UInt64
    }
    private static let marksMax = 128

    let all: [PostgresReplica]
    private let members: PostgresMembers
    private let noted = Lock<Int64?>(nil)
    private let marks = Lock<[Mark]>([])
    private let turn = Lock(0)
    private let identity = Lock("")
    /// What a replica must have reached so that it has the keys that came from other shards, and which those are.
    private let arrived = Lock<(news: Int, floor: UInt64)>((0, 0))

    /// - Parameters:
    ///   - all: In the order of the members.
    ///   - members: Who says which of them is the primary.
    init(_ all: [PostgresReplica], members: PostgresMembers) {
        self.all = all
        self.members = members
    }

    /// The store that the shard belongs to.
    func belong(to identity: String) { self.identity.withLock { $0 = identity } }

    /// Another server has become the primary: how far the one before had come is nothing to go by.
    func forget() {
        marks.withLock { $0 = [] }
        arrived.withLock { $0 = (0, 0) }
    }

    func hasNoted(_ timeline: Int64) { noted.withLock { $0 = timeline } }

    /// What replicas of the shard are known by; `note` has the primary's timeline noted in the shard, once.
    ///
    /// - Throws: What `note` throws.
    func origin(_ note: (Int64) async throws -> Void) async throws -> PostgresReplica.Origin {
        let timeline = members.timeline ?? 0
        if noted.withLock({ $0 != timeline }) {
            try await note(timeline)
            hasNoted(timeline)
        }
        return PostgresReplica.Origin(identity: identity.withLock { $0 }, timeline: timeline)
    }

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

    /// What a replica must have reached to have the keys that came with the news, or before; `nil` where nobody knows.
    func floor(of news: Int) -> UInt64? { arrived.withLock { $0.news == news ? $0.floor : nil } }
    /// How long a primary that did not say whether keys leave it is not asked again.
    private static let silence: Int64 = 1_000_000_000
    private let silentUntil = Lock<Int64>(.min)

    /// Whether the primary is asked at this moment, in monotonic nanoseconds.
    func mayAsk(at now: Int64) -> Bool { silentUntil.withLock { now >= $0 } }
    func didNotAnswer(at now: Int64) { silentUntil.withLock { $0 = now + Self.silence } }

    /// Keys came, and the primary has them at this position.
    func came(_ news: Int, by position: ShardPosition) { arrived.withLock { $0 = (news, position.number) } }

    /// Has `body` use a replica that meets the demand.
    ///
    /// - Returns: What `body` returns; `nil` where no replica does, or those that do failed.
    /// - Throws: What is wrong with the statement itself.
    func use<Value>(
        _ demand: ReplicaDemand,
        floor: UInt64,
        of origin: PostgresReplica.Origin,
        on loop: EventLoop,
        _ body: (PostgresReplica) async throws -> Value
    ) async throws -> Value? {
        let start = loop.preciseNow()
        let primary = members.index
        let first = turn.withLock { turn in
            turn = (turn + 1) % all.count
            return turn
        }
        for offset in all.indices {
            let index = (first + offset) % all.count
            let replica = all[index]
            guard index != primary, replica.isHere(at: loop.preciseNow()) else { continue }
            do {
                let end = start + demand.wait
                guard try await replica.reaches(floor, by: end, of: origin, on: loop) else { continue }
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
        let after = max(demand.after?.number ?? 0, try await arrivals())
        guard let bound = demand.staleAtMost else { return after }
        if let floor = replicas.floor(staleAtMost: bound, at: loop.preciseNow()) { return max(after, floor) }
        return max(after, try await primary.position().number)
    }

    private func origin() async throws -> PostgresReplica.Origin {
        try await replicas.origin { try await primary.note($0) }
    }

    /// What a replica must have reached to have what has come from other shards.
    private func arrivals() async throws -> UInt64 {
        let news = primary.slots.arrivals(at: primary.index)
        if let floor = replicas.floor(of: news) { return floor }
        let position = try await primary.position()
        replicas.came(news, by: position)
        return position.number
    }

    func holds(_ place: KeyPlace) -> Bool { primary.holds(place) }

    func home(of place: KeyPlace) throws -> (index: Int, engine: any ShardEngine) {
        let home = try primary.home(of: place)
        return (home.index, home.engine.replicaReads(demand) ?? home.engine)
    }

    func localRead(_ sql: SQL, at place: KeyPlace) throws -> LocalRead? { nil }

    /// How long a primary has to say whether keys leave it: replicas answer also while it is away.
    private static let askDeadline: Duration = .milliseconds(250)

    /// What the primary says of keys that leave it.
    private enum Word { case shut, open, nothing }

    /// Has the primary say whether keys leave it, unless it has just done so.
    private func ask() async -> Word {
        let now = primary.now()
        if primary.lease.isValid(at: now) { return .shut }
        if primary.lease.isOpen(at: now) { return .open }
        guard replicas.mayAsk(at: now) else { return .nothing }
        do {
            try await primary.look(within: Self.askDeadline)
            return primary.lease.isValid(at: primary.now()) ? .shut : .open
        } catch {
            replicas.didNotAnswer(at: now)
            return .nothing
        }
    }

    /// Takes in what a replica says of keys that had left by when it was asked.
    private func learn(_ session: any SQLSession) throws {
        do { try primary.slots.learn(session, of: primary.index) } catch let error as StoreError {
            // A replica that is not as far as to have the table has not come far enough.
            guard (error.cause as? PostgresError)?.state == "42P01" else { throw error }
            throw StoreError(.unreachable, "a replica of \(primary.address.name) lags too far behind", cause: error)
        }
    }

    func answer(to sql: SQL) async throws -> RowSource? {
        if await ask() == .open { return try await primary.answer(to: sql) }
        let loop = try primary.loop()
        // A replica that falls silent leaves time to ask the primary.
        let half = configuration.readDeadline / 2
        let (origin, floor) = (try await origin(), try await floor(on: loop))
        let answer = try await replicas.use(demand, floor: floor, of: origin, on: loop) { replica in
            let answer = try await replica.answer(to: sql, deadline: half, on: loop)
            // What has left meanwhile the primary says, and while it is away nothing leaves: then the replica says what had.
            if await ask() == .nothing {
                try await replica.read(deadline: half) { try self.learn($0) }
            } else if !primary.lease.isValid(at: primary.now()) {
                try await primary.look()
            }
            return answer
        }
        if let answer { return answer }
        return try await primary.answer(to: sql)
    }

    func read(deadline: Duration, _ body: @escaping @Sendable (any SQLSession) throws -> Void) async throws {
        if await ask() == .open { return try await primary.read(deadline: deadline, body) }
        let loop = try primary.loop()
        let start = loop.preciseNow()
        let (origin, floor) = (try await origin(), try await floor(on: loop))
        let isDone: Void? = try await replicas.use(demand, floor: floor, of: origin, on: loop) { replica in
            try await replica.read(deadline: deadline / 2) { session in
                // In its snapshot: what is here in it, was.
                try self.learn(session)
                try body(session)
            }
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
