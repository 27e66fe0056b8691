import ApusCore
import FoundationEssentials

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
    let tables: [Table]
    var entries: [RowIndex.Entry]

    init(
        _ step: UInt64,
        from: Int,
        slot: Int,
        until: UInt64?,
        _ entries: [RowIndex.Entry],
        _ tables: [TableStatements]
    ) {
        self.step = step
        self.tables = Self.tables(tables)
        self.from = from
        self.slot = slot
        self.until = until
        self.entries = entries
    }

    /// Where a shard of a folder keeps it, also one on a server; those of servers keep it with the number of the step.
    static func make(_ dialect: Dialect) -> String {
        let text = dialect == .mysql ? "LONGTEXT" : "TEXT"
        return "CREATE TABLE IF NOT EXISTS apus_arrivals (number INTEGER PRIMARY KEY, document \(text) NOT NULL)"
    }

    /// The last one in a shard of a folder; `nil` where nothing ever came.
    static func read(_ session: any SQLSession) throws -> Arrival? {
        var text: String?
        var isMade = false
        try session.query(session.dialect.tables) { row in
            isMade = try row.next(String.self) == "apus_arrivals"
            return !isMade
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

    /// Notes it in a shard of a folder, in place of the last one.
    func write(_ transaction: borrowing Transaction) throws {
        try transaction.execute("DELETE FROM apus_arrivals")
        try transaction.execute("INSERT INTO apus_arrivals (number, document) VALUES (1, \(try text()))")
    }

    /// As it is noted.
    func text() throws -> String { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }

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
