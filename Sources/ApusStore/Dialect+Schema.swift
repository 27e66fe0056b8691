/// What there is in a shard's schema.
extension Dialect {
    /// The tables.
    var tables: SQL {
        switch self {
        case .sqlite:
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
        case .postgres:
            "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') ORDER BY relname"
        case .mysql:
            """
            SELECT table_name FROM information_schema.tables
            WHERE table_schema = database() AND table_type = 'BASE TABLE' ORDER BY table_name
            """
        }
    }

    /// The triggers.
    var triggers: SQL {
        switch self {
        case .sqlite: "SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name"
        case .postgres:
            """
            SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal ORDER BY 1
            """
        case .mysql: "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = database() ORDER BY 1"
        }
    }

    /// The columns of a table that hold values of their own, in order.
    func columns(of table: String) -> SQL {
        switch self {
        case .sqlite: "SELECT name FROM pragma_table_xinfo(\(table)) WHERE hidden = 0 ORDER BY cid"
        case .postgres:
            """
            SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = \(table)
            AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum
            """
        case .mysql:
            """
            SELECT column_name FROM information_schema.columns WHERE table_schema = database() AND table_name = \(table)
            AND coalesce(generation_expression, '') = '' ORDER BY ordinal_position
            """
        }
    }

    /// The tables that a table's foreign keys refer to.
    func foreignKeys(of table: String) -> SQL {
        switch self {
        case .sqlite: "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(\(table))"
        case .postgres:
            """
            SELECT DISTINCT o.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
            JOIN pg_class o ON o.oid = k.confrelid
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = \(table) AND k.contype = 'f'
            """
        case .mysql:
            """
            SELECT DISTINCT referenced_table_name FROM information_schema.key_column_usage
            WHERE table_schema = database() AND table_name = \(table) AND referenced_table_name IS NOT NULL
            """
        }
    }

    /// Has the server number further rows behind those that are there, where it does not do so by itself.
    func goOnNumbering(_ table: String, on session: any SQLSession) throws {
        guard self == .postgres else { return }
        let columns: [String] = try Transaction(session).all(
            """
            SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = \(table) AND a.attnum > 0
            AND NOT a.attisdropped AND pg_get_serial_sequence(\("\"\(table)\""), a.attname) IS NOT NULL
            """
        )
        for column in columns {
            let next: Int64 = try Transaction(session).one(
                "SELECT greatest(coalesce(max(\(identifier: column)), 0), 0) + 1 FROM \(identifier: table)"
            )
            _ = try Transaction(session).one(
                "SELECT setval(pg_get_serial_sequence(\("\"\(table)\""), \(column)), \(next), false)",
                as: Int64.self
            )
        }
    }
}
