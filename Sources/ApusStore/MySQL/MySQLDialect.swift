#if MySQL
/// What MySQL and MariaDB want to be told otherwise than the other engines; the types of a schema are in
/// ``MySQLSchema``.
enum MySQLDialect {
    /// The smallest versions: statements that change a schema are done wholly or not at all, also in a crash.
    ///
    /// - SeeAlso: mariadb.com/kb/en/atomic-ddl.
    static let smallest = (mariaDB: 100_600, mySQL: 80_029)

    /// What texts are compared by: the numbers of their characters, as on the other engines, spaces at the end included.
    static func order(isMariaDB: Bool) -> String { isMariaDB ? "utf8mb4_nopad_bin" : "utf8mb4_0900_bin" }

    /// Names in double quotes, `||` puts texts together, a backslash is one, what does not fit is refused, and 0 is a
    /// number like any other.
    private static let modes = [
        "ANSI_QUOTES", "PIPES_AS_CONCAT", "NO_BACKSLASH_ESCAPES", "STRICT_ALL_TABLES", "ERROR_FOR_DIVISION_BY_ZERO",
        "NO_AUTO_VALUE_ON_ZERO", "NO_ENGINE_SUBSTITUTION",
    ]

    /// The commands that a session begins with.
    static func settings(_ work: ServerWork, isMariaDB: Bool) -> [String] {
        let level =
            switch work {
            case .points, .statements: "READ COMMITTED"
            case .scans: "REPEATABLE READ"
            case .transactions: "SERIALIZABLE"
            }
        return [
            "SET NAMES utf8mb4 COLLATE \(order(isMariaDB: isMariaDB))",
            "SET SESSION TRANSACTION ISOLATION LEVEL \(level), READ \(work.isReading ? "ONLY" : "WRITE")",
            // A recursion that is cut short would give a wrong answer; what is endless ends at its deadline.
            "SET SESSION sql_mode = '\(modes.joined(separator: ","))', time_zone = '+00:00', "
                + "default_storage_engine = 'InnoDB', autocommit = \(work.isTransaction ? 0 : 1), "
                + "\(isMariaDB ? "max_recursive_iterations" : "cte_max_recursion_depth") = 4294967295",
        ]
    }

    /// What statements over data begin with.
    static let dataWords: Set<String> = [
        "SELECT", "INSERT", "REPLACE", "UPDATE", "DELETE", "WITH", "VALUES", "TABLE", "EXPLAIN",
    ]
    /// What statements over the schema begin with: each is a transaction of its own.
    static let schemaWords: Set<String> = ["CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE", "ANALYZE"]

    /// A program's statement in the server's language.
    ///
    /// - Parameters:
    ///   - sql: The statement.
    ///   - isInTransaction: Whether it may not end the transaction, as a statement over the schema would.
    /// - Returns: Its text.
    /// - Throws: ``StoreError`` with code `statementInvalid` for one that may not run there.
    static func text(_ sql: SQL, isInTransaction: Bool) throws -> String {
        if let problem = sql.problem { throw problem }
        let text = sql.text { Dialect.mysql.parameter($0) }
        // `/*!` begins text that the server runs although it looks like a comment.
        let word = text.contains("/*!") || text.contains("/*M!") ? "" : StatementText.firstWord(text)
        if dataWords.contains(word) || !isInTransaction && schemaWords.contains(word) { return text }
        guard schemaWords.contains(word) else {
            throw StoreError(.statementInvalid, "one statement over data at a time, such as SELECT or UPDATE")
        }
        throw StoreError(.statementInvalid, "\(word) would end the transaction; write a migration")
    }
}
#endif
