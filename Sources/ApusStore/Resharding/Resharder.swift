import ApusCore
import ApusRuntime

/// Moves slots between the shards of a store while it serves, in this process and in others.
final class Resharder: Sendable {
    let site: any MoveSite
    let map: ShardMap
    let shards: ShardList
    private let declared: [StoreTable]
    private let configuration: StoreConfiguration
    private let clock: any Clock
    let tables: [TableStatements]
    var pace: MovePace { MovePace(configuration, rowsLeast: site.rowsLeast) }

    /// How long putting right what was left may wait for questions that are under way.
    private static let mendDeadline: Duration = .seconds(600)

    init(store: Store, site: any MoveSite, map: ShardMap, shards: ShardList, clock: any Clock) {
        self.site = site
        self.map = map
        self.shards = shards
        self.clock = clock
        configuration = store.configuration
        declared = store.tables
        tables = TableStatements.ordered(store.tables.filter { !$0.isReference })
    }

    private var table: SlotTable { map.table }

    // MARK: Plans

    /// What is under way, or is kept for the way back.
    func record() async throws -> MoveRecord? { try await site.record() }

    /// Slots that have come where a record wants them.
    func moved(_ record: MoveRecord) -> Int {
        record.plan.moves.reduce(0) { sum, move in sum + move.slots.count { table.shard(ofSlot: $0) == move.to } }
    }

    /// Runs a plan, or goes on with the one that is under way.
    ///
    /// - Parameters:
    ///   - wanted: What to do; `nil` to go on.
    ///   - progress: Told of each step.
    /// - Returns: What was done.
    /// - Throws: ``StoreError``; `CancellationError` between two steps.
    func run(_ wanted: MovePlan?, progress: @escaping @Sendable (MoveProgress) -> Void) async throws -> MoveReport {
        try await run(progress: progress) { wanted }
    }

    /// Runs a plan that is made while nobody else reshards, or goes on with the one that is under way.
    func run(
        progress: @escaping @Sendable (MoveProgress) -> Void,
        making plan: () async throws -> MovePlan?
    ) async throws -> MoveReport {
        let claim = try await site.claim()
        return try await claim.released { try await self.runAlone(try await plan(), progress) }
    }

    private func runAlone(
        _ wanted: MovePlan?,
        _ progress: @escaping @Sendable (MoveProgress) -> Void
    ) async throws -> MoveReport {
        var record: MoveRecord
        switch (try await self.record(), wanted) {
        case (let known?, nil): record = known
        case (let known?, let plan?) where known.plan == plan && !known.isDone: record = known
        case (let known?, _?):
            throw StoreError(
                .busy,
                known.isDone
                    ? "the last resharding is kept for the way back; finish it, or go back, before the next one"
                    : "another resharding is under way; go on with it, or go back"
            )
        case (nil, let plan?):
            record = MoveRecord(plan: plan, begunAt: clock.wallNanoseconds() / 1_000_000_000, filled: table.shards)
        case (nil, nil): throw StoreError(.statementInvalid, "nothing is being resharded")
        }
        return try await run(&record, progress)
    }

    /// Moves everything of the record's plan back to where it was.
    func goBack(progress: @escaping @Sendable (MoveProgress) -> Void) async throws -> MoveReport {
        let claim = try await site.claim()
        return try await claim.released { try await self.goBackAlone(progress) }
    }

    private func goBackAlone(_ progress: @escaping @Sendable (MoveProgress) -> Void) async throws -> MoveReport {
        guard var record = try await record() else {
            throw StoreError(.statementInvalid, "there is nothing to go back from")
        }
        if !record.isBack {
            try await site.start(&record)
            // The slot that is between two shards goes on first: the way back begins where all of it is.
            try await finishMoving(meter(progress, for: record))
            record = MoveRecord(
                plan: record.plan.back,
                isBack: true,
                begunAt: clock.wallNanoseconds() / 1_000_000_000,
                // A shard that was added and is not filled yet is filled on the way back.
                filled: record.filled
            )
        }
        return try await run(&record, progress)
    }

    /// Forgets the way back.
    func finish() async throws {
        let claim = try await site.claim()
        try await claim.released {
            guard let record = try await self.record() else { return }
            guard record.isDone else {
                throw StoreError(.busy, "the resharding has not come to its end; go on with it, or go back")
            }
            try await self.site.end(record, self.tables)
            try await self.site.forget()
        }
    }

    // MARK: Doing it

    private func run(
        _ record: inout MoveRecord,
        _ progress: @escaping @Sendable (MoveProgress) -> Void
    ) async throws -> MoveReport {
        try await site.mend(within: Self.mendDeadline)
        try await TableCheck(shards: shards, declared: declared, tables: tables).run()
        // Before anybody is told that there are more shards: each of them can be had.
        for index in table.shards..<max(table.shards, record.plan.shards) { try await shards.tryOpening(index) }
        try await site.start(&record)
        try await fill(&record)
        let meter = meter(progress, for: record)
        try await finishMoving(meter)
        for from in Set(record.plan.moves.map(\.from)).sorted() {
            try await leave(from, record.plan.moves.filter { $0.from == from }, meter)
        }
        try await site.end(record, tables)
        record.isDone = true
        try await site.keep(record)
        return meter.report
    }

    private func meter(_ tell: @escaping @Sendable (MoveProgress) -> Void, for record: MoveRecord) -> MoveMeter {
        MoveMeter(tell, clock: clock, pace: pace, site: site, slotsInAll: record.plan.slots) { [self] in moved(record) }
    }

    /// Moves the rest of a slot that is between two shards.
    private func finishMoving(_ meter: MoveMeter) async throws {
        guard let moving = table.moving else { return }
        let from = table.shard(ofSlot: moving.slot)
        try await leave(from, [SlotMove(slot: moving.slot, count: 1, from: from, to: moving.to)], meter)
    }

    private static let looksMax = 300
    private static let lookAgain: Duration = .milliseconds(100)

    private func leave(_ from: Int, _ moves: [SlotMove], _ meter: MoveMeter) async throws {
        var looks = 0
        while true {
            let slots = Set(moves.lazy.flatMap(\.slots).filter { self.table.shard(ofSlot: $0) == from })
            if slots.isEmpty { return }
            looks += 1
            do {
                let mover = try mover(from, to: Set(moves.map(\.to)))
                try await site.open(from, tables)
                try await mover.prepare()
                _ = try await mover.fillIndex(slots) { meter.counted($0) }
                try await move(moves, mover, meter)
                return try await mover.checkNothingIsLeft()
            } catch is SchemaChanged {
                // Somebody migrates: what is there now is looked at anew, once all shards are the same.
                guard looks < Self.looksMax else {
                    throw StoreError(.busy, "a program migrates the shards; go on when it has")
                }
                try await Pause.take(Self.lookAgain)
                try await TableCheck(shards: shards, declared: declared, tables: tables).run()
            }
        }
    }

    private func mover(_ from: Int, to: Set<Int>, index: String = "reshard-rows") throws -> ShardMover {
        var targets: [Int: any ShardEngine] = [:]
        for to in to { targets[to] = try shards.engine(to) }
        return ShardMover(
            from: from,
            source: try shards.engine(from),
            targets: targets,
            site: site,
            slotTable: table,
            map: map,
            tables: tables,
            // A name of its own: the one before may not have gone yet.
            index: try RowIndex(
                path: "\(site.scratch)/\(index)-\(SecureRandom.token(bits: 64)).sqlite",
                configuration: configuration
            ),
            clock: clock
        )
    }

    private func move(_ moves: [SlotMove], _ mover: ShardMover, _ meter: MoveMeter) async throws {
        for move in moves {
            for slot in move.slots where table.shard(ofSlot: slot) == mover.from {
                if table.moving == nil { try await site.begin(slot, from: mover.from, to: move.to) }
                while table.moving != nil {
                    try Task.checkCancellation()
                    // A step that has begun comes to its end, whatever becomes of who wanted it.
                    try await Task { try await step(mover, meter) }.value
                    meter.show()
                    try await pace.rest(after: meter.lastStep)
                }
            }
        }
    }

    private func step(_ mover: ShardMover, _ meter: MoveMeter) async throws {
        guard let ahead = try await mover.lookAhead(rows: meter.rowsPerStep) else {
            // It has ended, and was not heard of.
            return try await mover.source.look()
        }
        try await site.step(from: mover.from, at: ahead.place) { number in
            let began = clock.now()
            do {
                let moved = try await mover.step(ahead, number: number, waiting: meter.meeting)
                meter.stepped(moved, took: clock.now() - began)
            } catch is StepNotMet {
                meter.missed(took: clock.now() - began)
            }
        }
    }

    // MARK: Before

    /// Copies the tables that are the same everywhere to shards that are new.
    private func fill(_ record: inout MoveRecord) async throws {
        let new = min(record.filled ?? table.shards, table.shards)..<table.shards
        for reference in declared.filter(\.isReference) {
            let all: SQL = "SELECT * FROM \(identifier: reference.name)"
            for index in new {
                let shard = try shards.engine(index)
                // Under the first shard's lock: what is written there later is written by whoever knows the new shard too.
                try await shards.engine(0).exclusively(deadline: ShardMover.patience) { transaction in
                    var columns: [String] = []
                    var rows: [[SQLValue]] = []
                    try transaction.session.query(all) { row in
                        columns = row.names
                        rows.append(try row.values())
                        return true
                    }
                    let (names, copied) = (columns, rows)
                    try Blocking.run {
                        try await shard.exclusively(deadline: ShardMover.patience) {
                            try Self.insert(copied, names, into: reference.name, $0)
                        }
                    }
                }
            }
        }
        // A shard is opened by its first call: it is ready before the first row comes.
        for index in new { _ = try await Answer.read(try shards.engine(index), deadline: nil) { _ in 0 } }
        record.filled = table.shards
        try await site.keep(record)
    }

    /// Inserts the rows that are not there.
    private static func insert(
        _ rows: [[SQLValue]],
        _ columns: [String],
        into table: String,
        _ transaction: borrowing Transaction
    ) throws {
        for row in rows {
            let dialect = transaction.session.dialect
            var sql = BulkInsert.columns(dialect.insertNew, table, columns, " VALUES (")
            for (index, value) in row.enumerated() {
                if index > 0 { sql.append(", ") }
                sql.bind(value)
            }
            sql.append(dialect.insertNewEnd)
            try transaction.execute(sql)
        }
    }

    // MARK: What it would cost

    /// Counts what would move, and says how long that takes about.
    func estimate(_ plan: MovePlan, progress: @escaping @Sendable (MoveProgress) -> Void) async throws -> MoveEstimate {
        try await site.mend(within: Self.mendDeadline)
        try await TableCheck(shards: shards, declared: declared, tables: tables).run()
        let sync = try await site.timeOfSync()
        var estimate = MoveEstimate(plan: plan)
        for from in Set(plan.moves.map(\.from)).sorted() {
            let slots = Set(plan.moves.lazy.filter { $0.from == from }.flatMap(\.slots))
            let mover = try mover(from, to: [], index: "reshard-count")
            let all = try await mover.fillIndex(slots) { rows in
                progress(MoveProgress(slots: 0, slotsInAll: plan.slots, rows: rows, pause: .zero, isCounting: true))
            }
            let rows = try mover.index.counts().values.reduce(0, +)
            let bytes = try await site.bytes(of: from)
            estimate.rows += rows
            estimate.bytes += Int(Double(bytes) * Double(rows) / Double(max(1, all)))
            estimate.largestKey = max(estimate.largestKey, try mover.index.largestKey())
        }
        (estimate.seconds, estimate.pause) = pace.estimate(
            rows: estimate.rows,
            slots: plan.slots,
            largest: estimate.largestKey,
            sync: sync
        )
        return estimate
    }
}
