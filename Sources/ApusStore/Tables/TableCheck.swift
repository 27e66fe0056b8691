import ApusCore

/// Refuses what could not move with its key, before anything moves.
struct TableCheck: Sendable {
    let shards: ShardList
    let declared: [StoreTable]
    let tables: [TableStatements]

    /// - Throws: ``StoreError``: `statementInvalid` for a table that is not declared, and for what reaches beyond its key;
    ///   `foreignKeyViolation` for rows that follow none.
    func run() async throws {
        for engine in try shards.every() {
            let problem = try await Answer<StoreError?>.read(engine, deadline: ShardMover.patience) {
                try self.problem($0)
            }
            if let problem { throw problem }
        }
    }

    private func problem(_ session: any SQLSession) throws -> StoreError? {
        try Self.checkDeclared(try texts(session.dialect.tables, session), declared)
        try Self.checkTriggers(try texts(session.dialect.triggers, session), "resharded")
        for statements in tables {
            let table = statements.table
            let generated = try texts(session.dialect.generatedColumns(of: table.name), session)
            if let column = generated.first {
                return Self.refused(
                    "column \(table.name).\(column) is generated; a store with such columns is not resharded"
                )
            }
            if let sql = session.dialect.unmovableColumns(of: table.name), let column = try texts(sql, session).first {
                return Self.refused(
                    "column \(table.name).\(column): values of this type would not come back as they are; "
                        + "a store with such columns is not resharded on this engine"
                )
            }
            try Self.checkForeignKeys(
                of: table,
                try texts(session.dialect.foreignKeys(of: table.name), session),
                declared
            )
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

    /// Refuses tables that are there and not declared, or declared and not there.
    static func checkDeclared(_ names: [String], _ declared: [StoreTable]) throws {
        let (known, names) = (Set(declared.map(\.name)), Set(names.filter { !$0.hasPrefix("apus_") }))
        if let unknown = names.subtracting(known).min() {
            throw refused("table \(unknown) is not among the store's declared tables; declare what its rows belong to")
        }
        if let missing = known.subtracting(names).min() {
            throw refused("table \(missing) is declared, and is not there")
        }
    }

    /// Refuses foreign keys to what may lie elsewhere, or come later.
    ///
    /// A key of one row says nothing of another's: only what moves along, or is everywhere, may be referred to.
    static func checkForeignKeys(of table: StoreTable, _ others: [String], _ declared: [StoreTable]) throws {
        for other in others where other != table.follows {
            guard declared.first(where: { $0.name == other })?.isReference != true || other == table.name else {
                continue
            }
            throw refused("a foreign key of \(table.name) refers to \(other), which may lie on another shard")
        }
    }

    /// Refuses triggers that are not ours; `what` is not done with a store that has them.
    static func checkTriggers(_ names: [String], _ what: String) throws {
        guard let trigger = names.first(where: { !$0.hasPrefix("apus_") }) else { return }
        throw refused("trigger \(trigger) would run for rows that come; a store with triggers is not \(what)")
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
