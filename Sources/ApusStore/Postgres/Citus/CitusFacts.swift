#if PostgreSQL
/// What there is in a schema that Citus spreads, or is to spread.
///
/// `pg_dist_partition` is asked, not the view `citus_tables`: that one lies in `public`, and asks all nodes for sizes, on
/// connections that do not see what the transaction at hand has made.
///
/// - SeeAlso: docs.citusdata.com/en/v11.3/develop/api_metadata.html, "Partition table".
struct CitusFacts {
    /// What Citus has made of a table.
    enum Spread: Equatable {
        case local
        case reference
        case distributed(by: String, colocation: Int)
    }

    struct Index {
        let table: String
        let name: String
        let columns: [String]
    }

    struct ForeignKey {
        let table: String
        let other: String
        /// Pairs in order: the table's column and the other's.
        let columns: [String]
        let otherColumns: [String]
    }

    /// Tables that are there, but for the library's own.
    private(set) var spread: [String: Spread] = [:]
    /// The type of each column, by `table.column`.
    private(set) var types: [String: String] = [:]
    /// What keeps values unique.
    private(set) var unique: [Index] = []
    private(set) var foreignKeys: [ForeignKey] = []
    private(set) var triggers: [(table: String, name: String)] = []
    /// Whether the server is told to let tables with triggers be.
    private(set) var allowsTriggers = false

    /// Looks, within the session's transaction.
    static func read(_ session: any SQLSession) throws -> CitusFacts {
        var facts = CitusFacts()
        try session.query(Self.tables) { row in
            let (name, model, column): (String, String, String) = (try row.next(), try row.next(), try row.next())
            let colocation: Int = try row.next()
            facts.spread[name] =
                switch (model, column) {
                case ("t", ""): .reference
                case (_, ""): .local
                default: .distributed(by: column, colocation: colocation)
                }
            return true
        }
        try session.query(Self.columns) { row in
            let name: String = try row.next()
            facts.types[name] = try row.next()
            return true
        }
        try session.query(Self.indexes) { row in
            facts.unique.append(Index(table: try row.next(), name: try row.next(), columns: list(try row.next())))
            return true
        }
        try session.query(Self.references) { row in
            let (table, other): (String, String) = (try row.next(), try row.next())
            let (own, others): (String, String) = (try row.next(), try row.next())
            facts.foreignKeys.append(
                ForeignKey(table: table, other: other, columns: list(own), otherColumns: list(others))
            )
            return true
        }
        try session.query(Self.triggersByTable) { row in
            facts.triggers.append((table: try row.next(), name: try row.next()))
            return true
        }
        let setting: String = try Transaction(session).one(
            "SELECT coalesce(current_setting('citus.enable_unsafe_triggers', true), 'off')"
        )
        facts.allowsTriggers = setting == "on"
        return facts
    }

    private static func list(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }

    private static let tables: SQL = """
        SELECT c.relname::text, coalesce(p.repmodel::text, ''),
          coalesce(column_to_column_name(p.logicalrelid, p.partkey)::text, ''), coalesce(p.colocationid, 0)::bigint
        FROM pg_class c LEFT JOIN pg_dist_partition p ON p.logicalrelid = c.oid
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
        AND c.relname NOT LIKE 'apus\\_%' ORDER BY c.relname
        """

    private static let columns: SQL = """
        SELECT c.relname || '.' || a.attname, format_type(a.atttypid, NULL)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
        AND NOT a.attisdropped
        """

    private static let indexes: SQL = """
        SELECT c.relname::text, i.relname::text, coalesce((SELECT string_agg(a.attname::text, ',') FROM pg_attribute a
          WHERE a.attrelid = c.oid AND a.attnum = ANY ((x.indkey::int2[])[0:x.indnkeyatts - 1])), '')
        FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
        WHERE c.relnamespace = current_schema()::regnamespace AND (x.indisunique OR x.indisexclusion) ORDER BY 1, 2
        """

    private static let references: SQL = """
        SELECT c.relname::text, o.relname::text,
          (SELECT string_agg(a.attname::text, ',' ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY u (number, place)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number),
          (SELECT string_agg(a.attname::text, ',' ORDER BY u.place) FROM unnest(k.confkey) WITH ORDINALITY u (number, place)
            JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class o ON o.oid = k.confrelid
        WHERE c.relnamespace = current_schema()::regnamespace AND k.contype = 'f' ORDER BY 1, 2, 3
        """

    private static let triggersByTable: SQL = """
        SELECT c.relname::text, t.tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal ORDER BY 1, 2
        """
}
#endif
