/// The statements by which one table's rows are found, read, brought and taken away.
struct TableStatements {
    let table: StoreTable
    /// The table that it follows.
    let parent: StoreTable?

    init(_ table: StoreTable, among tables: [StoreTable]) {
        self.table = table
        if case .follows(let other, _) = table.rule { parent = tables.first { $0.name == other } } else { parent = nil }
    }

    /// Tables in an order in which rows can be brought: what is everywhere first, what follows others last.
    static func ordered(_ tables: [StoreTable]) -> [TableStatements] {
        let references = tables.filter(\.isReference)
        let keyed = tables.filter { !$0.isReference && $0.follows == nil }
        return (references + keyed + tables.filter { $0.follows != nil }).map { TableStatements($0, among: tables) }
    }

    /// The columns that make the key, in the table that has them.
    private var keyColumns: [String] { parent?.columns ?? table.columns }

    private static func list(_ columns: [String], of alias: SQL = "", _ separator: SQL = ", ") -> SQL {
        var sql: SQL = ""
        for (index, column) in columns.enumerated() {
            if index > 0 { sql.append(separator) }
            sql.append(alias)
            sql.append("\(identifier: column)")
        }
        return sql
    }

    private static func equal(_ columns: [String], _ values: [SQLValue], of alias: SQL = "") -> SQL {
        var sql: SQL = ""
        for (index, (column, value)) in zip(columns, values).enumerated() {
            if index > 0 { sql.append(" AND ") }
            sql.append(alias)
            sql.append("\(identifier: column) = ")
            sql.bind(value)
        }
        return sql
    }

    /// Primary key and key columns of the table's rows, with the parent's where it follows one.
    private var selectKeys: SQL {
        var sql: SQL = "SELECT \(sql: Self.list(table.primaryKey, of: "t."))"
        sql.append(", \(sql: Self.list(keyColumns, of: parent == nil ? "t." : "p."))")
        sql.append(" FROM \(identifier: table.name) t")
        if let parent { sql.append(" JOIN \(identifier: parent.name) p ON \(sql: follows(parent))") }
        return sql
    }

    /// True for a row `t` and the row `p` that it follows.
    private func follows(_ parent: StoreTable) -> SQL {
        var sql: SQL = ""
        for (index, (own, other)) in zip(table.columns, parent.primaryKey).enumerated() {
            if index > 0 { sql.append(" AND ") }
            sql.append("p.\(identifier: other) = t.\(identifier: own)")
        }
        return sql
    }

    /// True for a row whose columns together come behind `values`.
    private static func behind(_ columns: [String], _ values: [SQLValue], of alias: SQL = "") -> SQL {
        var sql: SQL = "(\(sql: list(columns, of: alias))) > ("
        for (index, value) in values.enumerated() {
            if index > 0 { sql.append(", ") }
            sql.bind(value)
        }
        sql.append(")")
        return sql
    }

    /// Some rows' primary keys and keys, in the order of their primary keys, behind `after`.
    func keys(after: [SQLValue]?, limit: Int) -> SQL {
        var sql = selectKeys
        if let after {
            sql.append(" WHERE \(sql: Self.behind(table.primaryKey, after, of: "t."))")
        }
        sql.append(" ORDER BY \(sql: Self.list(table.primaryKey, of: "t.")) LIMIT \(limit)")
        return sql
    }

    /// Some whole rows, in the order of their primary keys, behind the row with the key `after`.
    ///
    /// Engines that cannot look up a row of values in an index are told where to start by the first one.
    func rows(_ columns: [String], after: [SQLValue]?, limit: Int, _ dialect: Dialect) -> SQL {
        var sql: SQL = "SELECT \(sql: Self.list(columns)) FROM \(identifier: table.name)"
        if let after {
            let behind = dialect == .mysql ? stepped(behind: after) : Self.behind(table.primaryKey, after)
            sql.append(" WHERE \(sql: behind)")
        }
        sql.append(" ORDER BY \(sql: Self.list(table.primaryKey)) LIMIT \(limit)")
        return sql
    }

    /// For columns a, b: `a >= x AND (a > x OR (a = x AND b > y))`.
    private func stepped(behind key: [SQLValue]) -> SQL {
        var condition: SQL = "FALSE"
        for (column, value) in zip(table.primaryKey, key).reversed() {
            let name: SQL = "\(identifier: column)"
            condition = "(\(sql: name) > \(value) OR (\(sql: name) = \(value) AND \(sql: condition)))"
        }
        guard let column = table.primaryKey.first, let value = key.first else { return "TRUE" }
        return "\(identifier: column) >= \(value) AND \(sql: condition)"
    }

    /// All rows: `columns` and then what makes their key, which is NULL for a row that follows none.
    func rowsWithKeys(_ columns: [String]) -> SQL {
        var sql: SQL = "SELECT \(sql: Self.list(columns, of: "t.")), "
        sql.append(Self.list(keyColumns, of: parent == nil ? "t." : "p."))
        sql.append(" FROM \(identifier: table.name) t")
        if let parent { sql.append(" LEFT JOIN \(identifier: parent.name) p ON \(sql: follows(parent))") }
        return sql
    }

    /// Every row's columns, for a table that has no order.
    func allRows(_ columns: [String]) -> SQL { "SELECT \(sql: Self.list(columns)) FROM \(identifier: table.name)" }

    /// Whether there is a row.
    var anyRow: SQL { "SELECT 1 FROM \(identifier: table.name) LIMIT 1" }
    /// Takes all rows away.
    var deleteAll: SQL { "DELETE FROM \(identifier: table.name)" }

    /// The key columns of one row.
    func key(of primaryKey: [SQLValue]) -> SQL {
        var sql = selectKeys
        sql.append(" WHERE \(sql: Self.equal(table.primaryKey, primaryKey, of: "t."))")
        return sql
    }

    /// How many rows follow a row that is not there; `nil` for a table that follows none.
    var countOrphans: SQL? { parent == nil ? nil : "SELECT count(1) FROM \(sql: orphans)" }

    /// One row, all of it.
    func row(_ primaryKey: [SQLValue]) -> SQL {
        "SELECT * FROM \(identifier: table.name) WHERE \(sql: Self.equal(table.primaryKey, primaryKey))"
    }

    /// Some whole rows; those that are not there are missing.
    func rows(_ primaryKeys: [[SQLValue]], _ dialect: Dialect) -> SQL {
        "SELECT * FROM \(identifier: table.name) WHERE \(sql: among(primaryKeys, dialect))"
    }

    /// Gives a row other values.
    func update(_ primaryKey: [SQLValue], _ columns: [String], _ values: [SQLValue]) -> SQL {
        var sql: SQL = "UPDATE \(identifier: table.name) SET "
        for (index, (column, value)) in zip(columns, values).enumerated() {
            if index > 0 { sql.append(", ") }
            sql.append("\(identifier: column) = ")
            sql.bind(value)
        }
        sql.append(" WHERE \(sql: Self.equal(table.primaryKey, primaryKey))")
        return sql
    }

    /// Takes rows away.
    func delete(_ primaryKeys: [[SQLValue]], _ dialect: Dialect) -> SQL {
        "DELETE FROM \(identifier: table.name) WHERE \(sql: among(primaryKeys, dialect))"
    }

    /// True for a row with one of these primary keys.
    private func among(_ primaryKeys: [[SQLValue]], _ dialect: Dialect) -> SQL {
        if let only = primaryKeys.first, primaryKeys.count == 1 { return Self.equal(table.primaryKey, only) }
        let isWide = table.primaryKey.count > 1
        var sql: SQL = isWide ? "(\(sql: Self.list(table.primaryKey)))" : Self.list(table.primaryKey)
        sql.append(isWide && dialect == .sqlite ? " IN (VALUES " : " IN (")
        for (index, values) in primaryKeys.enumerated() {
            if index > 0 { sql.append(", ") }
            if isWide { sql.append("(") }
            for (column, value) in values.enumerated() {
                if column > 0 { sql.append(", ") }
                sql.bind(value)
            }
            if isWide { sql.append(")") }
        }
        sql.append(")")
        return sql
    }

    /// Keys in pieces of few different sizes, so that there are few statements to prepare; the last key fills a piece up.
    static func pieces(_ keys: [[SQLValue]]) -> [[[SQLValue]]] {
        var pieces: [[[SQLValue]]] = []
        var rest = keys[...]
        while let size = pieceSizes.first(where: { $0 >= rest.count }) ?? pieceSizes.last, let last = rest.last {
            let some = rest.prefix(size)
            pieces.append(some + Array(repeating: last, count: size - some.count))
            rest = rest.dropFirst(size)
        }
        return pieces
    }

    private static let pieceSizes = [1, 4, 16, 64, 256]

    /// Where the primary key is among a row's columns.
    ///
    /// - Throws: ``StoreError`` with code `statementInvalid` where the declaration names a column that is not there.
    func places(among columns: [String]) throws -> [Int] {
        try table.primaryKey.map { name in
            guard let place = columns.firstIndex(of: name) else {
                throw StoreError(
                    .statementInvalid,
                    "table \(table.name) has no column \(name), which its declaration names"
                )
            }
            return place
        }
    }

    // MARK: Notes of what was inserted

    private var notes: String { "apus_note_\(table.name)" }

    /// The numbers of some notes behind `after`, and the primary keys of the rows that came.
    func notes(after: Int64, limit: Int, _ dialect: Dialect) -> SQL {
        var sql: SQL =
            "SELECT \(sql: dialect.noteNumber), \(sql: Self.list(table.primaryKey)) FROM \(identifier: notes)"
        sql.append(" WHERE \(sql: dialect.noteNumber) > \(after) ORDER BY \(sql: dialect.noteNumber) LIMIT \(limit)")
        return sql
    }

    /// Forgets a note.
    func deleteNote(_ number: Int64, _ dialect: Dialect) -> SQL {
        "DELETE FROM \(identifier: notes) WHERE \(sql: dialect.noteNumber) = \(number)"
    }
    /// Forgets all notes.
    var deleteNotes: SQL { "DELETE FROM \(identifier: notes)" }
    var countNotes: SQL { "SELECT count(1) FROM \(identifier: notes)" }

    /// Notes the rows that follow a row which is not there yet; `nil` for a table that follows none.
    var noteOrphans: SQL? {
        guard parent != nil else { return nil }
        var sql: SQL = "INSERT INTO \(identifier: notes) (\(sql: Self.list(table.primaryKey)))"
        sql.append(" SELECT \(sql: Self.list(table.primaryKey, of: "t.")) FROM \(sql: orphans)")
        return sql
    }

    /// Rows that follow a row which is not there.
    private var orphans: SQL {
        guard let parent else { return "\(identifier: table.name) t" }
        return
            "\(identifier: table.name) t WHERE NOT EXISTS (SELECT 1 FROM \(identifier: parent.name) p WHERE \(sql: follows(parent)))"
    }

    /// Statements that have each inserted row noted from now on.
    func startNotes(_ dialect: Dialect) -> [String] {
        func quoted(_ name: String) -> String { "\"\(name)\"" }
        let columns = table.primaryKey.map(quoted).joined(separator: ", ")
        let new = table.primaryKey.map { "NEW.\(quoted($0))" }.joined(separator: ", ")
        let same = table.primaryKey.map { "NEW.\(quoted($0)) <=> OLD.\(quoted($0))" }.joined(separator: " AND ")
        let (table, notes) = (quoted(table.name), quoted(notes))
        let insert = "INSERT INTO \(notes) (\(columns)) VALUES (\(new));"
        let number = dialect == .mysql ? "(apus_note BIGINT AUTO_INCREMENT PRIMARY KEY) " : ""
        let make = "CREATE TABLE IF NOT EXISTS \(notes) \(number)AS SELECT \(columns) FROM \(table) WHERE 1 = 0"
        switch dialect {
        case .sqlite:
            return [
                make,
                "CREATE TRIGGER IF NOT EXISTS \(quoted("\(self.notes)_insert")) AFTER INSERT ON \(table) BEGIN \(insert) END",
                """
                CREATE TRIGGER IF NOT EXISTS \(quoted("\(self.notes)_update")) AFTER UPDATE OF \(columns) ON \(table) \
                BEGIN \(insert) END
                """,
            ]
        case .postgres:
            let function = quoted("\(self.notes)_take")
            return [
                make,
                "ALTER TABLE \(notes) ADD COLUMN IF NOT EXISTS apus_note BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
                "CREATE OR REPLACE FUNCTION \(function)() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \(insert) RETURN NULL; END $$",
                """
                CREATE OR REPLACE TRIGGER \(quoted("\(self.notes)_insert")) AFTER INSERT OR UPDATE OF \(columns) ON \(table) \
                FOR EACH ROW EXECUTE FUNCTION \(function)()
                """,
            ]
        case .mysql:
            return [
                make,
                "CREATE TRIGGER IF NOT EXISTS \(quoted("\(self.notes)_insert")) AFTER INSERT ON \(table) FOR EACH ROW \(insert)",
                """
                CREATE TRIGGER IF NOT EXISTS \(quoted("\(self.notes)_update")) AFTER UPDATE ON \(table) FOR EACH ROW
                IF NOT (\(same)) THEN \(insert) END IF
                """,
            ]
        }
    }

    /// Statements that end the notes.
    func endNotes(_ dialect: Dialect) -> [String] {
        func quoted(_ name: String) -> String { "\"\(name)\"" }
        let on = dialect == .postgres ? " ON \(quoted(table.name))" : ""
        var statements = ["DROP TRIGGER IF EXISTS \(quoted("\(notes)_insert"))\(on)"]
        if dialect == .postgres {
            statements.append("DROP FUNCTION IF EXISTS \(quoted("\(notes)_take"))()")
        } else {
            statements.append("DROP TRIGGER IF EXISTS \(quoted("\(notes)_update"))")
        }
        return statements + ["DROP TABLE IF EXISTS \(quoted(notes))"]
    }

    // MARK: A fence around a server's shard that is left

    private static let fenced = ["INSERT", "UPDATE", "DELETE"]

    /// Statements that have writes refused which have not looked whether their key is still there.
    func raiseFence(_ dialect: Dialect) -> [String] {
        if dialect == .mysql {
            return Self.fenced.map {
                """
                CREATE TRIGGER IF NOT EXISTS "apus_fence_\(table.name)_\($0)" BEFORE \($0) ON "\(table.name)" FOR EACH ROW
                IF coalesce(@apus_looked, 0) <> 1 THEN
                  SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 30001,
                    MESSAGE_TEXT = 'this shard is resharded: only programs that know of it may write';
                END IF
                """
            }
        }
        guard dialect == .postgres else { return [] }
        return [
            """
            CREATE OR REPLACE FUNCTION apus_fence() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF current_setting('apus.looked', true) IS DISTINCT FROM '1' THEN
                RAISE EXCEPTION 'this shard is resharded: only programs that know of it may write'
                  USING ERRCODE = 'AP001', HINT = 'SET apus.looked = 1 writes where the row is now, at your own risk';
              END IF;
              RETURN NULL;
            END $$
            """,
            """
            CREATE OR REPLACE TRIGGER apus_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON "\(table.name)" \
            FOR EACH STATEMENT EXECUTE FUNCTION apus_fence()
            """,
        ]
    }

    /// Statements that take the fence away.
    func dropFence(_ dialect: Dialect) -> [String] {
        if dialect == .mysql {
            return Self.fenced.map { "DROP TRIGGER IF EXISTS \"apus_fence_\(table.name)_\($0)\"" }
        }
        guard dialect == .postgres else { return [] }
        return ["DROP TRIGGER IF EXISTS apus_fence ON \"\(table.name)\""]
    }
}
