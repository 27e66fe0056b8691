import ApusCore
import ApusRuntime
import FoundationEssentials

/// One step of a move, run by the source's writer while nobody else writes there.
struct MoveStep: Sendable {
    let mover: ShardMover
    /// Rows that it brings, about.
    let rowsMost: Int

    /// What a step has moved: keys of a slot below `until`, or all that were left of it.
    struct Moved: Sendable {
        var rows: Int
        var slot: Int
        var until: UInt64?
    }

    /// A row with the names of its columns.
    private struct Whole: Sendable {
        let entry: RowIndex.Entry
        let columns: [String]
        let values: [SQLValue]
    }

    /// Moves the next keys, and with the last of them ends the slot.
    ///
    /// Everything that can be refused is done before the cursor moves: until then the step leaves nothing but an arrival that is
    /// taken away again.
    ///
    /// - Returns: What it has moved once the transaction is committed; `nil` where nothing was to be moved.
    /// - Throws: ``StoreError``; ``SchemaChanged``.
    func run(_ transaction: borrowing Transaction) throws -> Moved? {
        let session = transaction.session
        guard let (slot, to, cursor) = try mover.site.leaving(session, of: mover.from), let target = mover.targets[to]
        else { return nil }
        let number = try mover.site.number(session, to: to)
        try mover.schemas.check(session, of: mover.from)
        try mover.takeNotes(session, limit: .max)
        let (entries, until) = try mover.index.next(slot, from: cursor, most: rowsMost)
        let rows = try Self.whole(entries, mover.tables, session)
        if !rows.isEmpty {
            let (mover, arrival) = (
                mover, Arrival(number, from: mover.from, slot: slot, until: until, rows.map(\.entry))
            )
            try Blocking.run {
                try await target.receive(deadline: ShardMover.patience) {
                    try mover.schemas.check($0.session, of: to)
                    try $0.deferForeignKeys()
                    try mover.site.arrive(arrival, $0, mover.tables)
                    try Self.bring(rows, mover.tables, $0)
                }
            }
            try Self.takeAway(rows.map(\.entry), mover.tables, transaction)
        }
        try mover.site.leave(
            session,
            from: mover.from,
            to: to,
            slot: slot,
            until: until,
            step: rows.isEmpty ? number - 1 : number
        )
        return Moved(rows: rows.count, slot: slot, until: until)
    }

    /// The rows that are there, table by table.
    private static func whole(
        _ entries: [RowIndex.Entry],
        _ tables: [TableStatements],
        _ session: any SQLSession
    ) throws -> [Whole] {
        var found: [Whole] = []
        for (number, statements) in tables.enumerated() {
            let keys = entries.filter { $0.table == number }.map(\.primaryKey)
            for some in TableStatements.pieces(keys) {
                var (columns, places): ([String], [Int]) = ([], [])
                try session.query(statements.rows(some, session.dialect)) { row in
                    if columns.isEmpty {
                        columns = row.names
                        places = try statements.places(among: columns)
                    }
                    let values = try row.values()
                    let entry = RowIndex.Entry(table: number, primaryKey: places.map { values[$0] })
                    found.append(Whole(entry: entry, columns: columns, values: values))
                    return true
                }
            }
        }
        return found
    }

    /// Takes rows away from the shard that they have left or never belonged to, and nothing else.
    static func takeAway(
        _ entries: [RowIndex.Entry],
        _ tables: [TableStatements],
        _ transaction: borrowing Transaction
    ) throws {
        try transaction.deferForeignKeys()
        let before = transaction.changes
        var count = 0
        // What follows goes before what it follows.
        for (number, statements) in tables.enumerated().reversed() {
            let keys = entries.filter { $0.table == number }.map(\.primaryKey)
            for some in TableStatements.pieces(keys) {
                count += try transaction.execute(statements.delete(some, transaction.session.dialect))
            }
        }
        guard transaction.changes.map({ $0 - (before ?? 0) == Int64(count) }) ?? true else {
            throw StoreError(
                .foreignKeyViolation,
                "taking a key's rows away changed other rows too: a foreign key or a trigger reaches beyond its key"
            )
        }
    }

    // MARK: On the target

    /// Brings rows, and reads them back.
    private static func bring(
        _ rows: [Whole],
        _ tables: [TableStatements],
        _ transaction: borrowing Transaction
    ) throws {
        for (number, statements) in tables.enumerated() {
            let ours = rows.filter { $0.entry.table == number }
            guard let columns = ours.first?.columns else { continue }
            var next = ours.makeIterator()
            do {
                _ = try transaction.session.insert(into: statements.table.name, columns) { next.next()?.values }
            } catch let error as StoreError {
                guard error.code == .uniqueViolation else { throw error }
                throw StoreError(
                    .uniqueViolation,
                    "table \(statements.table.name): a row has a unique key that a row of the target has; make it unique over all shards",
                    cause: error
                )
            }
        }
        let found = try whole(rows.map(\.entry), tables, transaction.session)
        let known = Dictionary(found.map { ($0.entry, $0.values) }) { first, _ in first }
        for row in rows {
            guard let values = known[row.entry], values.count == row.values.count,
                zip(values, row.values).allSatisfy(Self.isSame)
            else {
                throw StoreError(
                    .corrupt,
                    "table \(tables[row.entry.table].table.name): a row is not on the target as it is on the source"
                )
            }
        }
    }

    /// Numbers are the same whatever type a column gives them.
    private static func isSame(_ left: SQLValue, _ right: SQLValue) -> Bool {
        switch (left, right) {
        case (.real(let left), .real(let right)): left == right || left.isNaN && right.isNaN
        case (.integer(let whole), .real(let real)), (.real(let real), .integer(let whole)): Double(whole) == real
        default: left == right
        }
    }
}

/// What a step brings, noted on the target in the transaction that brings it.
struct Arrival: Sendable, Codable {
    /// A table as it was declared when the rows came: another program may declare others.
    struct Table: Sendable, Codable, Hashable {
        var name: String
        var primaryKey: [String]
    }

    /// The step's number in the table of slots.
    var step: UInt64
    /// The shard that the rows leave.
    var from: Int
    var slot: Int
    /// The hash behind its last key; `nil` for the last step of the slot.
    var until: UInt64?
    var tables: [Table] = []
    var entries: [RowIndex.Entry]

    init(_ step: UInt64, from: Int, slot: Int, until: UInt64?, _ entries: [RowIndex.Entry]) {
        self.step = step
        self.from = from
        self.slot = slot
        self.until = until
        self.entries = entries
    }

    /// Where a file's shard keeps it; servers keep it with the number of the step.
    static let make = "CREATE TABLE IF NOT EXISTS apus_arrivals (number INTEGER PRIMARY KEY, document TEXT NOT NULL)"

    /// The last one in a file; `nil` where nothing ever came.
    static func read(_ session: any SQLSession) throws -> Arrival? {
        var text: String?
        var isMade = false
        try session.query("SELECT 1 FROM sqlite_schema WHERE name = 'apus_arrivals'") { _ in
            isMade = true
            return false
        }
        guard isMade else { return nil }
        try session.query("SELECT document FROM apus_arrivals WHERE number = 1") { row in
            text = try row.next()
            return false
        }
        return try text.map { try Arrival(text: $0) }
    }

    /// Reads what was noted.
    init(text: String) throws {
        do { self = try JSONDecoder().decode(Arrival.self, from: Data(text.utf8)) } catch {
            throw StoreError(
                .corrupt,
                "what came last is noted and cannot be read; restore the shard from a backup",
                cause: error
            )
        }
    }

    private static func tables(_ tables: [TableStatements]) -> [Table] {
        tables.map { Table(name: $0.table.name, primaryKey: $0.table.primaryKey) }
    }

    func write(_ transaction: borrowing Transaction, _ tables: [TableStatements]) throws {
        try transaction.execute("DELETE FROM apus_arrivals")
        try transaction.execute("INSERT INTO apus_arrivals (number, document) VALUES (1, \(try text(tables)))")
    }

    /// As it is noted, with the tables as they are declared.
    func text(_ tables: [TableStatements]) throws -> String {
        var noted = self
        noted.tables = Self.tables(tables)
        return String(decoding: try JSONEncoder().encode(noted), as: UTF8.self)
    }

    /// The rows by the tables that are declared now.
    ///
    /// - Throws: ``StoreError`` with code `statementInvalid` where one that has rows is not declared as it was.
    func entries(among declared: [TableStatements]) throws -> [RowIndex.Entry] {
        let known = Self.tables(declared)
        return try entries.map { entry in
            guard tables.indices.contains(entry.table), let number = known.firstIndex(of: tables[entry.table]) else {
                throw StoreError(
                    .statementInvalid,
                    "a step of resharding was cut off and its table is not declared as it was then; declare it, or let "
                        + "the program that began go on"
                )
            }
            return RowIndex.Entry(table: number, primaryKey: entry.primaryKey)
        }
    }
}

extension RowReader {
    /// The names of the row's columns.
    var names: [String] { (Int32(first)..<count).map(name(of:)) }

    /// All values of the row.
    mutating func values() throws -> [SQLValue] {
        rewind()
        return try (Int32(first)..<count).map { _ in try value() }
    }
}

extension Transaction {
    /// Has foreign keys looked at when the transaction ends, whatever is done in between.
    borrowing func deferForeignKeys() throws {
        // Elsewhere what is followed comes first and goes last.
        try (session as? SQLiteConnection)?.run("PRAGMA defer_foreign_keys = ON")
    }

    /// Rows changed so far on its connection, by triggers and foreign keys too; `nil` where the engine does not say.
    var changes: Int64? { (session as? SQLiteConnection)?.changes }
}
