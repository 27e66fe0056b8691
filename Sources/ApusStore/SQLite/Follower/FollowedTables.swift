/// Which tables a follower can be told of row by row.
enum FollowedTables {
    /// Refuses a schema with a table that the session extension does not record.
    ///
    /// - Throws: ``StoreError`` with code `statementInvalid`, which names the table and the fix.
    /// - SeeAlso: sqlite.org/sessionintro.html, section 1.2.
    static func check(_ session: any SQLSession) throws {
        let transaction = Transaction(session)
        let tables: [Table] = try transaction.all(
            """
            SELECT name, type, wr, strict FROM pragma_table_list
            WHERE schema = 'main' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' AND name <> 'apus_shard'
              AND type IN ('table', 'virtual', 'shadow')
            """
        )
        for table in tables {
            if table.type != "table" { throw refusal(table.name, "is virtual or stands beneath one") }
            let columns: [Column] = try transaction.all(
                "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(\(table.name))"
            )
            if columns.contains(where: { $0.hidden > 1 }) { throw refusal(table.name, "has a generated column") }
            let keys = columns.filter { $0.key > 0 }
            if keys.isEmpty { throw refusal(table.name, "has no PRIMARY KEY") }
            let isRowid = keys.count == 1 && keys[0].type.uppercased() == "INTEGER" && !table.isWithoutRowid
            if isRowid || table.isWithoutRowid || table.isStrict { continue }
            if let column = keys.first(where: { !$0.isNotNull }) {
                throw refusal(table.name, "has a PRIMARY KEY that may be NULL (column \(column.name) lacks NOT NULL)")
            }
        }
    }

    private static func refusal(_ table: String, _ why: String) -> StoreError {
        StoreError(
            .statementInvalid,
            "table \(table) \(why), so a follower cannot be told of its rows; change the table, or leave out ?follower="
        )
    }

    private struct Table: Row {
        let name: String
        let type: String
        let isWithoutRowid: Bool
        let isStrict: Bool
        init(from row: inout RowReader) throws {
            name = try row.next()
            type = try row.next()
            isWithoutRowid = try row.next(Int.self) != 0
            isStrict = try row.next(Int.self) != 0
        }
    }

    private struct Column: Row {
        let name: String
        let type: String
        let isNotNull: Bool
        let key: Int
        let hidden: Int
        init(from row: inout RowReader) throws {
            name = try row.next()
            type = try row.next()
            isNotNull = try row.next(Int.self) != 0
            key = try row.next()
            hidden = try row.next()
        }
    }
}
