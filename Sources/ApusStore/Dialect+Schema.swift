import ApusCore

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

    /// The tables whose rows can be counted: those of a virtual table may be anything.
    var countableTables: SQL {
        guard self == .sqlite else { return tables }
        return """
            SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
            AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name
            """
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

    /// The columns of a table that are made of others.
    func generatedColumns(of table: String) -> SQL {
        switch self {
        case .sqlite: "SELECT name FROM pragma_table_xinfo(\(table)) WHERE hidden > 1"
        case .postgres:
            """
            SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = \(table)
            AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> ''
            """
        case .mysql:
            """
            SELECT column_name FROM information_schema.columns WHERE table_schema = database() AND table_name = \(table)
            AND coalesce(generation_expression, '') <> ''
            """
        }
    }

    /// The columns of a table whose values would not come back as they are, each with its type; `nil` where there are none such.
    func unmovableColumns(of table: String) -> SQL? {
        switch self {
        case .sqlite: nil
        case .postgres:
            """
            SELECT a.attname || ' ' || format_type(a.atttypid, NULL) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = \(table) AND a.attnum > 0
            AND NOT a.attisdropped
            AND a.atttypid NOT IN (16, 17, 18, 19, 20, 21, 23, 25, 26, 114, 142, 700, 701, 1042, 1043) ORDER BY a.attnum
            """
        case .mysql:
            """
            SELECT concat(column_name, ' ', data_type) FROM information_schema.columns
            WHERE table_schema = database() AND table_name = \(table) AND data_type NOT IN ('tinyint', 'smallint',
              'mediumint', 'int', 'bigint', 'year', 'float', 'double', 'char', 'varchar', 'tinytext', 'text', 'mediumtext',
              'longtext', 'binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob', 'enum', 'set', 'json')
            ORDER BY ordinal_position
            """
        }
    }

    /// A text that changes with the schema.
    var schemaVersion: SQL {
        switch self {
        case .sqlite: "SELECT CAST(schema_version AS TEXT) FROM pragma_schema_version"
        case .postgres:
            """
            SELECT coalesce(md5(string_agg(c.relname || ' ' || c.oid || ' ' ||
              (SELECT count(1) FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped) || ' ' ||
              (SELECT count(1) FROM pg_trigger t WHERE t.tgrelid = c.oid), ',' ORDER BY c.relname)), '')
            FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
            """
        case .mysql: "SELECT CAST(count(1) AS CHAR) FROM apus_migrations"
        }
    }

    /// Takes a lock for as long as the connection lasts; 1 where it was got.
    func tryLock(_ name: String) -> SQL {
        switch self {
        case .sqlite: "SELECT 1"
        case .postgres:
            "SELECT CASE WHEN pg_try_advisory_lock(\(Int64(bitPattern: XXHash64.hash(name)))) THEN 1 ELSE 0 END"
        case .mysql: "SELECT GET_LOCK(\(String(XXHash64.hash(name), radix: 36)), 0)"
        }
    }

    /// The server's time, in milliseconds since 1970.
    var now: SQL {
        switch self {
        case .sqlite: "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)"
        case .postgres: "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
        case .mysql: "SELECT CAST(unix_timestamp(now(3)) * 1000 AS SIGNED)"
        }
    }

    /// Other connections to the same shard that have done nothing since a moment of the server's time, in milliseconds; `nil`
    /// where there are none.
    func silent(since moment: Int64) -> SQL? {
        switch self {
        case .sqlite: nil
        case .postgres:
            """
            SELECT pid FROM pg_stat_activity
            WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
            AND application_name = current_setting('application_name') AND state LIKE 'idle%'
            AND state_change < to_timestamp(\(moment) / 1000.0)
            """
        case .mysql:
            """
            SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()
            AND user = substring_index(current_user(), '@', 1) AND command = 'Sleep'
            AND time >= floor(unix_timestamp(now(3)) - \(moment) / 1000.0)
            """
        }
    }

    /// Ends a connection, which may have ended.
    func end(connection: Int) -> String {
        self == .postgres ? "SELECT pg_terminate_backend(\(connection))" : "KILL \(connection)"
    }

    /// How many bytes the schema's tables take.
    var bytes: SQL {
        switch self {
        case .sqlite: "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        case .postgres:
            """
            SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
            """
        case .mysql:
            """
            SELECT CAST(coalesce(sum(data_length + index_length), 0) AS SIGNED) FROM information_schema.tables
            WHERE table_schema = database()
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

    /// The columns of a table that the server numbers; `nil` where it does so behind the rows that are there by itself.
    func numberedColumns(of table: String) -> SQL? {
        guard self == .postgres else { return nil }
        return """
            SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = \(table) AND a.attnum > 0
            AND NOT a.attisdropped AND pg_get_serial_sequence(\("\"\(table)\""), a.attname) IS NOT NULL
            """
    }

    /// Has the server number further rows behind those that are there and behind `least`, where it does not do so by itself.
    func goOnNumbering(_ table: String, above least: Int64 = 0, on session: any SQLSession) throws {
        guard let columns = numberedColumns(of: table) else { return }
        for column in try Transaction(session).all(columns, as: String.self) {
            let next: Int64 = try Transaction(session).one(
                "SELECT greatest(coalesce(max(\(identifier: column)), 0), \(least)) + 1 FROM \(identifier: table)"
            )
            _ = try Transaction(session).one(
                "SELECT setval(pg_get_serial_sequence(\("\"\(table)\""), \(column)), \(next), false)",
                as: Int64.self
            )
        }
    }
}
