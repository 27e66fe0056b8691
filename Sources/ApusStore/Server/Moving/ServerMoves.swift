import ApusCore
import ApusRuntime

/// A resharding of shards on servers: every shard keeps its own cursor in its own tables, so that what has left it and where the
/// cursor is change in one transaction; plan and map are kept beside the first shard's tables.
///
/// What a dead step leaves is rows on the target that are still on the source too: the two count their steps, and the target's
/// count is then ahead.
struct ServerMoves: MoveSite {
    let store: String
    let map: ShardMap
    let shards: ShardList
    let slots: ServerSlots
    let tables: [TableStatements]
    let configuration: StoreConfiguration
    let clock: any Clock
    let scratch: String
    // It is mostly round trips.
    var rowsLeast: Int { 64 }
    // They go on beside it.
    func holdsTarget(_ shard: Int) -> Bool { false }
    // Less than after which the server ends a transaction that does nothing.
    var meeting: Duration { .seconds(10) }
    /// A connection to the first shard that belongs to nobody else; blocks.
    let connect: @Sendable () throws -> any ServerSession
    private let run = Run()

    /// What one process that reshards goes on with.
    private final class Run: Sendable {
        /// The number of the plan that is carried out.
        let plan = Lock<Int64>(0)
        let version = Lock<Int64>(0)
        let claim = Lock<Claim?>(nil)
        /// Steps in a row that others were in the way of.
        let hindered = Lock(0)
    }
    private static let hinderedMax = 100

    /// Rows that a dead step brought are in the way of the next step.
    private struct StepUnmended: Error {}

    init(
        store: Store,
        map: ShardMap,
        shards: ShardList,
        slots: ServerSlots,
        scratch: String,
        clock: any Clock,
        connect: @escaping @Sendable () throws -> any ServerSession
    ) {
        self.store = store.name
        self.map = map
        self.shards = shards
        self.slots = slots
        self.scratch = scratch
        self.clock = clock
        self.connect = connect
        configuration = store.configuration
        tables = TableStatements.ordered(store.tables.filter { !$0.isReference })
    }

    private var first: any ShardEngine { get throws { try shards.engine(0) } }

    /// A number larger than that of any change so far.
    private func nextVersion() -> Int64 {
        run.version.withLock { version in
            version = max(version, slots.lastVersion) + 1
            return version
        }
    }

    // MARK: Records

    /// A lock that lasts as long as its connection.
    //
    // `@unchecked Sendable` is sound because one resharding uses it, whose steps come one after the other.
    private final class Claim: MoveClaim, @unchecked Sendable {
        private let session: any ServerSession
        init(_ session: any ServerSession) { self.session = session }
        func release() { session.close() }
        deinit { session.close() }

        /// Makes sure that the connection lasts, and is not taken for a silent one.
        func check(_ clock: any Clock) throws {
            do {
                session.allow(.seconds(10), clock)
                try session.control("SELECT 1")
            } catch {
                throw StoreError(
                    .busy,
                    "the lock of the one who reshards was lost with its connection; go on",
                    cause: error
                )
            }
        }
    }

    /// Nobody else reshards at this moment.
    private func checkClaim() async throws {
        guard let claim = run.claim.withLock({ $0 }) else { return }
        try await StoreThread.run { [clock] in try claim.check(clock) }
    }

    func claim() async throws -> any MoveClaim {
        let (connect, scratch, name) = (connect, scratch, "apus reshard \(map.identity)")
        let claim: Claim? = try await StoreThread.run {
            do { try Files.makeFolder(scratch) } catch { throw StoreError(wrapping: error, scratch) }
            let session = try connect()
            let got: Int = try Transaction(session).one(session.dialect.tryLock(name))
            guard got == 1 else {
                session.close()
                return nil
            }
            return Claim(session)
        }
        guard let claim else { throw MoveRecord.taken }
        run.claim.withLock { $0 = claim }
        return claim
    }

    func record() async throws -> MoveRecord? {
        let document: String? = try await Answer.read(try first, deadline: configuration.readDeadline) {
            try Transaction($0).first("SELECT document FROM apus_reshard WHERE id = 1")
        }
        return try document.map { try MoveRecord.read(Array($0.utf8), from: "table apus_reshard of shard 0") }
    }

    func keep(_ record: MoveRecord) async throws {
        let text = String(decoding: try record.encoded(), as: UTF8.self)
        try await Answer.write(try first, deadline: nil) { try Self.keep(text, $0) }
    }

    private static func keep(_ text: String, _ transaction: borrowing Transaction) throws {
        try transaction.execute("DELETE FROM apus_reshard")
        try transaction.execute("INSERT INTO apus_reshard (id, document) VALUES (1, \(text))")
    }

    func forget() async throws {
        try await Answer.write(try first, deadline: nil) { _ = try $0.execute("DELETE FROM apus_reshard") }
    }

    func start(_ record: inout MoveRecord) async throws {
        for shard in try shards.every() { try await shard.look() }
        let isNew = record.number == nil
        let number = record.number ?? slots.lastPlan + 1
        record.number = number
        run.plan.withLock { $0 = number }
        let text = String(decoding: try record.encoded(), as: UTF8.self)
        let count = max(record.plan.shards, map.table.shards)
        // The map as it is now, with what earlier plans did, and the shards that come.
        let document = isNew ? try encodedMap(shards: count, plan: number - 1) : nil
        try await Answer.write(try first, deadline: nil) { transaction in
            try Self.keep(text, transaction)
            if let document { try Self.write(document, transaction) }
        }
        if count > map.table.shards { try map.table.grow(to: count) }
    }

    private func encodedMap(shards: Int, plan: Int64) throws -> String {
        String(
            decoding: try map.encoded(store: store, format: ShardMap.movedOnServers, shards: shards, plan: plan),
            as: UTF8.self
        )
    }

    /// A new version of the map; the last ones before it stay for people who look for what was.
    private static func write(_ document: String, _ transaction: borrowing Transaction) throws {
        let version = try transaction.one("SELECT max(version) FROM apus_map", as: Int.self) + 1
        try transaction.execute("INSERT INTO apus_map (version, document) VALUES (\(version), \(document))")
        try transaction.execute("DELETE FROM apus_map WHERE version < \(version - 8)")
    }

    // MARK: Opening and shutting a shard

    func open(_ shard: Int, _ tables: [TableStatements]) async throws {
        let engine = try shards.engine(shard)
        let (version, slots) = (nextVersion(), slots)
        try await engine.exclusively(deadline: ShardMover.patience) { transaction in
            guard try !slots.learn(transaction.session, of: shard).isOpen else { return }
            let now: Int64 = try transaction.one(transaction.session.dialect.now)
            try transaction.execute(
                "UPDATE apus_moving SET is_open = 1, opened_at = \(now), version = \(version) WHERE id = 1"
            )
        }
        for statements in tables { try await engine.define { statements.raiseFence($0) } }
        try await engine.look()
        // Until then somebody may still believe that it is shut.
        try await Pause.take(ServerLease.patience)
    }

    func end(_ record: MoveRecord, _ tables: [TableStatements]) async throws {
        var wasOpen = false
        for (index, engine) in try shards.every().enumerated() {
            try await engine.look()
            guard slots.state(of: index)?.isOpen == true else { continue }
            wasOpen = true
            try await ShardMover.endNotes(engine, tables)
            try await checkClaim()
            // Whoever looked before it was opened, and was held up until now, has lost the way to the server.
            try await Self.endSilent(engine)
            for statements in tables { try await engine.define { statements.dropFence($0) } }
            let version = nextVersion()
            try await engine.exclusively(deadline: ShardMover.patience) { transaction in
                try transaction.execute("UPDATE apus_moving SET is_open = 0, version = \(version) WHERE id = 1")
            }
            try await engine.look()
        }
        guard wasOpen || !record.isDone else { return }
        try await keepMap()
    }

    /// Keeps the map as it is now, for every program.
    func keepMap() async throws {
        let document = try encodedMap(shards: map.table.shards, plan: slots.lastPlan)
        try await Answer.write(try first, deadline: nil) { try Self.write(document, $0) }
    }

    /// Ends connections of programs of ours that have done nothing since the shard was opened.
    private static func endSilent(_ engine: any ShardEngine) async throws {
        for _ in 0..<endingLooks {
            let left = try await Answer.of { answer in
                try await engine.receive(deadline: ShardMover.patience) { transaction in
                    let opened: Int64 = try transaction.one("SELECT opened_at FROM apus_moving WHERE id = 1")
                    let before = opened + Int64(ServerLease.patience.seconds * 1000)
                    guard let session = transaction.session as? any ServerSession,
                        let sql = session.dialect.silent(since: before)
                    else { return answer.set(0) }
                    let ids: [Int] = try transaction.all(sql)
                    // One that has ended by itself meanwhile is no mistake; one that cannot be ended is there at the next look.
                    for id in ids { try? session.control(session.dialect.end(connection: id)) }
                    answer.set(ids.count)
                }
            }
            if left == 0 { return }
            try await Pause.take(endingPause)
        }
        throw StoreError(
            .busy,
            "connections that have been silent since the shard was opened cannot be ended; end them, and go on"
        )
    }

    private static let endingLooks = 50
    private static let endingPause: Duration = .milliseconds(100)

    // MARK: Steps

    func begin(_ slot: Int, from: Int, to: Int) async throws {
        let engine = try shards.engine(from)
        let (version, none) = (nextVersion(), ShardState.number(0))
        try await engine.exclusively(deadline: ShardMover.patience) { transaction in
            try transaction.execute(
                """
                UPDATE apus_moving SET slot = \(slot), target = \(to), reached = \(none), version = \(version)
                WHERE id = 1 AND slot IS NULL
                """
            )
        }
        try await engine.look()
    }

    func step(from shard: Int, at place: MoveCursor, _ body: (_ number: UInt64) async throws -> Void) async throws {
        try await checkClaim()
        do {
            try await body(place.step)
            run.hindered.withLock { $0 = 0 }
        } catch is StepUnmended {
            try await mend(within: ShardMover.patience)
        } catch let error as StoreError where error.code == .busy {
            // Others were in the way of one of its statements: it is done again, unless that goes on.
            let count = run.hindered.withLock { count in
                count += 1
                return count
            }
            guard count < Self.hinderedMax else { throw error }
            try await mend(within: ShardMover.patience)
            try await Pause.take(Self.hinderedPause)
        }
        try await shards.engine(shard).look()
    }

    private static let hinderedPause: Duration = .milliseconds(20)

    func leaving(_ session: any SQLSession, of shard: Int) throws -> MoveCursor? {
        struct Found: Row {
            let state: ShardState
            let steps: Int
            init(from row: inout RowReader) throws {
                state = try ShardState(from: &row)
                steps = try row.next()
            }
        }
        let found: Found = try Transaction(session).one(
            """
            SELECT version, is_open, slot, target, reached, departures, coalesce((SELECT step FROM apus_steps
              WHERE other = apus_moving.target AND kind = 0), 0) FROM apus_moving WHERE id = 1
            """
        )
        return found.state.leaving.map {
            MoveCursor(slot: $0.slot, to: $0.to, hash: $0.reached, step: UInt64(found.steps + 1))
        }
    }

    static func steps(_ transaction: borrowing Transaction, _ other: Int, kind: Int) throws -> Int64 {
        try transaction.first("SELECT step FROM apus_steps WHERE other = \(other) AND kind = \(kind)") ?? 0
    }

    static func note(
        _ step: Int64,
        _ other: Int,
        kind: Int,
        _ document: String,
        _ transaction: borrowing Transaction
    ) throws {
        let known = try transaction.execute(
            "UPDATE apus_steps SET step = \(step), document = \(document) WHERE other = \(other) AND kind = \(kind)"
        )
        if known > 0 { return }
        try transaction.execute(
            "INSERT INTO apus_steps (other, kind, step, document) VALUES (\(other), \(kind), \(step), \(document))"
        )
    }

    func leave(_ session: any SQLSession, from: Int, to: Int, slot: Int, until: UInt64?, step: UInt64) throws {
        let version = nextVersion()
        var statements: [SQL]
        if let until {
            let reached = ShardState.number(until)
            statements = ["UPDATE apus_moving SET reached = \(reached), version = \(version) WHERE id = 1"]
        } else {
            let plan = run.plan.withLock { $0 }
            guard plan > 0 else { throw StoreError(.statementInvalid, "a slot leaves without a plan") }
            statements = [
                """
                UPDATE apus_moving SET slot = NULL, target = NULL, reached = NULL, departures = departures + 1,
                  version = \(version) WHERE id = 1
                """,
                "DELETE FROM apus_left WHERE slot = \(slot)",
                """
                INSERT INTO apus_left (slot, target, plan, number)
                SELECT \(slot), \(to), \(plan), departures FROM apus_moving WHERE id = 1
                """,
            ]
        }
        statements += [
            "DELETE FROM apus_steps WHERE other = \(to) AND kind = 0",
            """
            INSERT INTO apus_steps (other, kind, step, document) VALUES (\(to), 0, \(Int64(step)), '')
            """,
        ]
        _ = try session.execute(all: statements)
    }

    func arrive(_ arrival: Arrival, _ transaction: borrowing Transaction) throws {
        let known: Int64 =
            try transaction.first(
                "SELECT step FROM apus_steps WHERE other = \(arrival.from) AND kind = 1 FOR UPDATE"
            ) ?? 0
        guard known + 1 == Int64(arrival.step) else { throw StepUnmended() }
        try amend(arrival, transaction)
    }

    func amend(_ arrival: Arrival, _ transaction: borrowing Transaction) throws {
        try Self.note(Int64(arrival.step), arrival.from, kind: 1, try arrival.text(), transaction)
    }

    // MARK: Questions to all shards

    /// How often a question is asked again at once, because a step happened between two shards' looks.
    private static let attemptsFree = 3

    /// Asks all shards until all of them were looked at between the same steps.
    ///
    /// - Parameters:
    ///   - deadline: How long all of it may take.
    ///   - ask: Asks, and says how many shards, and what each shard's steps were in the look at it.
    /// - Returns: The answer in which each row was seen once.
    /// - Throws: What `ask` throws; ``StoreError`` with code `busy` at the deadline.
    func whole<T: Sendable>(
        within deadline: Duration,
        _ ask: @escaping @Sendable () async throws -> (shards: Int, cuts: [Int: ShardCut], answer: T)
    ) async throws -> T {
        let end = clock.now() + deadline
        var attempts = 0
        var hindered: Int?
        while true {
            let found: (shards: Int, cuts: [Int: ShardCut], answer: T)
            if let hindered {
                // No step while it is asked: for the length of one question.
                let left = max(.milliseconds(1), end - clock.now())
                found = try await Answer.of { answer in
                    try await shards.engine(hindered).hold(deadline: left) { answer.set(try await ask()) }
                }
            } else {
                found = try await ask()
            }
            // Shards may have come that nobody here had heard of.
            let isAll = found.shards >= shardsHeardOf(Array(found.cuts.values))
            let gap = ShardCut.gap(found.cuts)
            if isAll, gap == nil { return found.answer }
            guard clock.now() < end else {
                throw StoreError(
                    .busy,
                    "steps of resharding kept a question to all shards waiting for \(deadline.seconds) s"
                )
            }
            guard let gap, isAll else { continue }
            attempts += 1
            guard attempts > Self.attemptsFree else { continue }
            try await mend(from: gap.from, to: gap.to, within: max(.milliseconds(1), end - clock.now()))
            hindered = gap.from
        }
    }

    /// How many shards there are, by what is known here and what shards have just said.
    func shardsHeardOf(_ cuts: [ShardCut]) -> Int {
        let most = cuts.map(\.shardMax).max() ?? 0
        if most >= map.table.shards, most < 1024 { try? map.table.grow(to: most + 1) }
        return map.table.shards
    }

    // MARK: What it would cost

    func bytes(of shard: Int) async throws -> Int {
        try await Answer.read(try shards.engine(shard), deadline: nil) { try Transaction($0).one($0.dialect.bytes) }
    }

    func timeOfSync() async throws -> Duration {
        var times: [Duration] = []
        for _ in 0..<5 {
            let began = clock.now()
            try await first.receive(deadline: ShardMover.patience) {
                _ = try $0.execute("UPDATE apus_moving SET version = version WHERE id = 1")
            }
            times.append(clock.now() - began)
        }
        return times.sorted()[times.count / 2]
    }
}
