import ApusCore

/// Refuses what could not move with its key, before anything moves.
struct TableCheck: Sendable {
    let shards: ShardList
    let declared: [StoreTable]
    let tables: [TableStatements]

    /// - Throws: ``StoreError``: `statementInvalid` for a table that is not declared, and for what reaches beyond its key;
    ///   `foreignKeyViolation` for rows that follow none.
    func run() async throws {
        for engine in shards.all {
            let problem = try await Answer<StoreError?>.read(engine, deadline: ShardMover.patience) {
                try self.problem($0)
            }
            if let problem { throw problem }
        }
    }

    private func problem(_ session: any SQLSession) throws -> StoreError? {
        let known = Set(declared.map(\.name))
        let names = try texts(
            """
            SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
            AND name NOT LIKE 'apus\\_%' ESCAPE '\\' ORDER BY name
            """,
            session
        )
        if let unknown = names.first(where: { !known.contains($0) }) {
            return Self.refused(
                "table \(unknown) is not among the store's declared tables; declare what its rows belong to"
            )
        }
        if let missing = known.sorted().first(where: { !names.contains($0) }) {
            return Self.refused("table \(missing) is declared, and is not there")
        }
        let triggers = try texts(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name NOT LIKE 'apus\\_%' ESCAPE '\\' ORDER BY name",
            session
        )
        if let trigger = triggers.first {
            return Self.refused(
                "trigger \(trigger) would run for rows that move; a store with triggers is not resharded"
            )
        }
        for statements in tables {
            let table = statements.table
            let generated = try texts("SELECT name FROM pragma_table_xinfo(\(table.name)) WHERE hidden > 1", session)
            if let column = generated.first {
                return Self.refused(
                    "column \(table.name).\(column) is generated; a store with such columns is not resharded"
                )
            }
            // A key of one row says nothing of another's: only what moves along, or is everywhere, may be referred to.
            for other in try texts("SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(\(table.name))", session)
            where other != table.follows && declared.first(where: { $0.name == other })?.isReference != true {
                return Self.refused("a foreign key of \(table.name) refers to \(other), which may lie on another shard")
            }
            if let orphans = statements.countOrphans, let parent = statements.parent {
                var count = 0
                try session.query(orphans) { row in
                    count = try row.next()
                    return false
                }
                if count > 0 { return ShardMover.orphans(count, statements, parent) }
            }
        }
        return nil
    }

    private static func refused(_ detail: String) -> StoreError { StoreError(.statementInvalid, detail) }

    private func texts(_ sql: SQL, _ session: any SQLSession) throws -> [String] {
        var found: [String] = []
        try session.query(sql) { row in
            found.append(try row.next())
            return true
        }
        return found
    }
}
