#if PostgreSQL
/// Refuses what Citus would refuse, or would spread otherwise than declared, each with its fix.
///
/// The server says the same by a code alone, after the fact and one thing at a time.
///
/// - SeeAlso: docs.citusdata.com/en/v11.3/develop/reference_ddl.html.
struct CitusCheck {
    let layout: CitusLayout
    let facts: CitusFacts

    /// - Throws: ``StoreError`` with code `statementInvalid`.
    func run() throws {
        for name in facts.spread.keys.sorted() where layout[name] == nil {
            throw refused(
                "table \(name) is not declared; under ?citus each is: StoreTable(\"\(name)\", …), or .reference"
            )
        }
        for table in layout.tables {
            guard let spread = facts.spread[table.name] else { continue }
            try check(table, spread)
            if let trigger = facts.triggers.first(where: { $0.table == table.name }), !facts.allowsTriggers {
                throw refused("Citus spreads no table with triggers: DROP TRIGGER \(trigger.name) ON \(table.name)")
            }
            for key in facts.foreignKeys where key.table == table.name { try check(key, of: table) }
        }
    }

    private func check(_ table: CitusLayout.Table, _ spread: CitusFacts.Spread) throws {
        let name = table.name
        switch (table.kind, spread) {
        case (.reference, .local), (.reference, .reference): break
        case (.reference, .distributed(let column, _)):
            throw refused(
                "table \(name) is spread by \(column) and declared as reference; declare its key, "
                    + "or SELECT undistribute_table('\(name)')"
            )
        case (.distributed(let column, let group), _):
            switch spread {
            case .local: break
            case .reference:
                throw refused(
                    "table \(name) is a reference table and declared by \(column); declare it so, "
                        + "or SELECT undistribute_table('\(name)')"
                )
            case .distributed(let actual, _) where actual != column:
                throw refused(
                    "table \(name) is spread by \(actual) and declared by \(column); declare it so, "
                        + "or SELECT alter_distributed_table('\(name)', distribution_column := '\(column)')"
                )
            case .distributed(_, let colocation):
                try checkTogether(name, colocation, group)
            }
            try check(column, of: name, group)
        }
    }

    /// Tables of a group lie together, those that are spread already too.
    private func checkTogether(_ name: String, _ colocation: Int, _ group: String) throws {
        for other in layout.tables where other.group == group {
            guard case .distributed(_, let theirs)? = facts.spread[other.name], theirs != colocation else { continue }
            throw refused(
                "tables \(name) and \(other.name) have one key and do not lie together; "
                    + "SELECT update_distributed_table_colocation('\(name)', colocate_with => '\(other.name)')"
            )
        }
    }

    private func check(_ column: String, of name: String, _ group: String) throws {
        guard let type = facts.types["\(name).\(column)"] else {
            throw refused("table \(name) has no column \(column), by which it is to be spread")
        }
        for index in facts.unique where index.table == name && !index.columns.contains(column) {
            throw refused(
                "\(index.name) of table \(name) is unique over (\(index.columns.joined(separator: ", "))), which Citus keeps "
                    + "only where \(column) is among them; add it, or use a UniqueIndex"
            )
        }
        for other in layout.tables where other.group == group {
            guard let theirColumn = other.column, let theirs = facts.types["\(other.name).\(theirColumn)"],
                theirs != type
            else { continue }
            throw refused(
                "\(name).\(column) is \(type) and \(other.name).\(theirColumn) \(theirs): tables of one key lie together; "
                    + "give the columns one type, or the keys two"
            )
        }
    }

    private func check(_ key: CitusFacts.ForeignKey, of table: CitusLayout.Table) throws {
        guard let other = layout[key.other] else { return }
        let start = "a foreign key of \(table.name) refers to \(other.name): "
        switch (table.kind, other.kind) {
        case (_, .reference): return
        case (.reference, .distributed):
            throw refused(start + "one of a reference table refers to reference tables alone; take it away")
        case (.distributed(let column, let group), .distributed(let otherColumn, let otherGroup)):
            guard group == otherGroup else {
                throw refused(start + "it does not lie beside it; take it away, or declare that one as reference")
            }
            guard zip(key.columns, key.otherColumns).contains(where: { $0 == column && $1 == otherColumn }) else {
                throw refused(start + "it has to have \(column) for \(otherColumn) among its columns")
            }
        }
    }

    private func refused(_ detail: String) -> StoreError { StoreError(.statementInvalid, detail) }
}
#endif
