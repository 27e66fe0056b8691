import ApusCore
import ApusRuntime

/// Moves the keys of some slots from one shard to others, a step at a time, while all of them serve.
///
/// A step holds the source: nobody else writes there. It brings the rows of the next keys to the target and reads them back,
/// takes them away, and moves the cursor. What a crash leaves is put right by ``MoveMender``.
struct ShardMover: Sendable {
    /// The shard that is left.
    let from: Int
    let source: any ShardEngine
    let targets: [Int: any ShardEngine]
    let site: any MoveSite
    let slotTable: SlotTable
    let map: ShardMap
    let tables: [TableStatements]
    let index: RowIndex
    let clock: any Clock
    let schemas = SchemaWatch()

    /// Rows that one look at the shard reads.
    private static let pageRows = 1000
    /// Notes that are taken in at a time.
    private static let notesAtOnce = 500
    /// How long work on a shard may wait and take: a key with very many rows takes what it takes.
    static let patience: Duration = .seconds(600)

    // MARK: Before

    /// Has inserted rows noted from now on, on the source, and what came from elsewhere be known on the targets.
    func prepare() async throws {
        for (to, target) in targets {
            try await target.define { $0 == .sqlite ? [Arrival.make($0)] : [] }
            try await target.receive(deadline: Self.patience) { try schemas.note($0.session, of: to) }
        }
        for statements in tables { try await source.define { statements.startNotes($0) } }
        try await source.exclusively(deadline: Self.patience) { transaction in
            try schemas.note(transaction.session, of: from)
            // A program that migrates comes to one shard after the other.
            guard schemas.areAlike() else { throw SchemaChanged() }
            for statements in tables {
                // What was noted before is found by the look at the whole shard; what follows nothing is not.
                try transaction.execute(statements.deleteNotes)
                if let sql = statements.noteOrphans { try transaction.execute(sql) }
            }
        }
    }

    /// Ends the notes of a shard.
    static func endNotes(_ shard: any ShardEngine, _ tables: [TableStatements]) async throws {
        for statements in tables { try await shard.define { statements.endNotes($0) } }
    }

    /// Looks through the whole source once: where each row belongs that is to move.
    ///
    /// - Returns: How many rows the source has.
    func fillIndex(_ slots: Set<Int>, progress: @Sendable (Int) -> Void) async throws -> Int {
        var seen = 0
        for (number, statements) in tables.enumerated() {
            var after: [SQLValue]?
            while true {
                let (keys, last) = try await page(number, statements, after: after)
                for (_, place) in keys {
                    let home = slotTable.shard(of: place)
                    guard home == from else {
                        throw StoreError(
                            .wrongShard,
                            "table \(statements.table.name): a row on shard \(from) has a key that leads to shard \(home); "
                                + "its declaration reads another key than the one it was written by"
                        )
                    }
                }
                try index.add(keys.filter { slots.contains($0.place.slot) })
                seen += keys.count
                progress(seen)
                guard let last else { break }
                after = last
            }
        }
        return seen
    }

    /// The places of some rows of a table, and the last one's primary key; `nil` for it behind the last page.
    private func page(
        _ number: Int,
        _ statements: TableStatements,
        after: [SQLValue]?
    ) async throws -> (keys: [(entry: RowIndex.Entry, place: KeyPlace)], last: [SQLValue]?) {
        let map = map
        return try await Answer.read(source, deadline: Self.patience) { session in
            var keys: [(entry: RowIndex.Entry, place: KeyPlace)] = []
            try session.query(statements.keys(after: after, limit: Self.pageRows)) { row in
                keys.append(try statements.found(number, &row, map))
                return true
            }
            return (keys, keys.count < Self.pageRows ? nil : keys.last?.entry.primaryKey)
        }
    }

    // MARK: Steps

    /// Fewer notes are taken in by the step itself.
    private static let notesFew = 16

    /// What the next step is to move.
    ///
    /// - Parameter rows: How many rows it brings, about.
    /// - Returns: `nil` where nothing moves.
    /// - Throws: ``StoreError``.
    func lookAhead(rows most: Int) async throws -> MoveAhead? {
        let notes: Int = try await Answer.read(source, deadline: Self.patience) { session in
            try Transaction(session).one("SELECT \(sql: countNotes)")
        }
        if notes >= Self.notesFew { try await drainNotes() }
        return try await Answer.read(source, deadline: Self.patience) { session in
            guard let place = try site.leaving(session, of: from) else { return nil }
            let (entries, until) = try index.next(place.slot, from: place.hash, most: most)
            return MoveAhead(place: place, until: until, rows: try WholeRow.read(entries, tables, session))
        }
    }

    /// How many notes there are, of all tables.
    private var countNotes: SQL {
        var sql: SQL = "0"
        for statements in tables { sql.append(" + (\(sql: statements.countNotes))") }
        return sql
    }

    /// Makes sure that the source's schema is the one that is known, and takes in what was noted.
    ///
    /// - Throws: ``SchemaChanged``; ``StoreError``.
    func catchUp(_ session: any SQLSession) throws {
        let notes = try schemas.check(session, of: from, with: countNotes)
        if notes > 0 { try takeNotes(session, limit: .max) }
    }

    /// Takes in what was noted so far, so that a step has little of it left to do.
    private func drainNotes() async throws {
        var more = true
        while more {
            more = try await Answer.of { answer in
                try await source.receive(deadline: Self.patience) { transaction in
                    answer.set(try takeNotes(transaction.session, limit: Self.notesAtOnce))
                }
            }
        }
    }

    /// Has the index know what was inserted since the last time; a row that follows one which is not there stays noted.
    ///
    /// - Returns: Whether there was more than `limit`.
    @discardableResult
    func takeNotes(_ session: any SQLSession, limit: Int) throws -> Bool {
        var left = limit
        var gone = 0
        for (number, statements) in tables.enumerated() {
            var after: Int64 = .min
            while left > 0 {
                let notes = try self.notes(statements, after: after, session)
                for note in notes {
                    var found: [(entry: RowIndex.Entry, place: KeyPlace)] = []
                    try session.query(statements.key(of: note.primaryKey)) { row in
                        found.append(try statements.found(number, &row, map))
                        return false
                    }
                    var isThere = false
                    if found.isEmpty {
                        try session.query(statements.row(note.primaryKey)) { _ in
                            isThere = true
                            return false
                        }
                    }
                    try index.add(found)
                    if !isThere {
                        _ = try session.execute(statements.deleteNote(note.number, session.dialect))
                        gone += 1
                    }
                    after = note.number
                }
                left -= notes.count
                if notes.count < Self.notesAtOnce { break }
            }
        }
        // Those that stay are no reason to look again at once.
        return left <= 0 && gone > 0
    }

    private func notes(
        _ statements: TableStatements,
        after: Int64,
        _ session: any SQLSession
    ) throws -> [(number: Int64, primaryKey: [SQLValue])] {
        var notes: [(number: Int64, primaryKey: [SQLValue])] = []
        try session.query(statements.notes(after: after, limit: Self.notesAtOnce, session.dialect)) { row in
            let number: Int64 = try row.next()
            notes.append((number, try statements.table.primaryKey.map { _ in try row.value() }))
            return true
        }
        return notes
    }

    /// Moves the next keys of the slot that moves.
    ///
    /// - Parameters:
    ///   - ahead: What they were a moment ago.
    ///   - number: The step's number.
    ///   - patience: How long the target waits for the source.
    /// - Returns: How many rows, and how long it kept writers waiting.
    /// - Throws: ``StepNotMet`` where it is to be done anew; ``StoreError``; ``SchemaChanged``. Where it was thrown after rows
    ///   had been brought, the ``MoveSite`` puts right what is left.
    func step(_ ahead: MoveAhead, number: UInt64, waiting patience: Duration) async throws -> MoveStep.Moved {
        let moved = try await MoveStep(self, ahead, number: number).run(waiting: patience)
        // Now that it is committed: what was not moved is looked for again.
        try index.remove(ahead.place.slot, below: ahead.until)
        return moved
    }

    /// - Throws: ``StoreError`` with code `foreignKeyViolation` where rows were left because they follow none.
    func checkNothingIsLeft() async throws {
        let problem = try await Answer<StoreError?>.of { answer in
            try await source.exclusively(deadline: Self.patience) { transaction in
                try takeNotes(transaction.session, limit: .max)
                for statements in tables {
                    let count: Int = try transaction.one(statements.countNotes)
                    guard count > 0, let parent = statements.parent else { continue }
                    return answer.set(Self.orphans(count, statements, parent))
                }
                answer.set(nil)
            }
        }
        if let problem { throw problem }
    }

    static func orphans(_ count: Int, _ statements: TableStatements, _ parent: StoreTable) -> StoreError {
        StoreError(
            .foreignKeyViolation,
            "table \(statements.table.name): \(count) rows follow none of \(parent.name); they belong to no key, and stay"
        )
    }
}

extension TableStatements {
    /// A row of ``keys(after:limit:)``.
    func found(
        _ number: Int,
        _ row: inout RowReader,
        _ map: ShardMap
    ) throws -> (entry: RowIndex.Entry, place: KeyPlace) {
        var primaryKey: [SQLValue] = []
        for _ in table.primaryKey { primaryKey.append(try row.value()) }
        return (RowIndex.Entry(table: number, primaryKey: primaryKey), try place(&row, map))
    }

    /// Where the key is that the row's next columns make.
    func place(_ row: inout RowReader, _ map: ShardMap) throws -> KeyPlace {
        guard case .key(_, let key) = (parent ?? table).rule else {
            throw StoreError(.statementInvalid, "\(table.name) has no key")
        }
        let source = try key(&row)
        return try map.place(source.value, name: source.name)
    }
}
