#if PostgreSQL
import CPostgres

/// A statement that the server of one connection has prepared, or is about to.
final class PostgresStatement {
    /// What the server knows it by; ends with a zero.
    let name: UnsafeMutablePointer<CChar>
    fileprivate var key: PostgresStatements.Key?

    init(number: Int) {
        let text = Array("apus_\(number)".utf8CString)
        name = .allocate(capacity: text.count)
        name.initialize(from: text, count: text.count)
    }

    deinit { name.deallocate() }
}

/// One connection's prepared statements, found by the addresses of their text and the types of their values.
///
/// Bounded: when it is full all statements go, on the server too, and the ones in use come back at their next run.
final class PostgresStatements {
    static let statementsMax = 256

    fileprivate struct Key: Hashable {
        let fingerprint: UInt
        let parts: ShortList<SQLPart>
        /// Three bits a value.
        let types: UInt64
        /// Types of the values that do not fit into ``types``.
        let more: [UInt8]

        init(_ sql: SQL) {
            fingerprint = sql.fingerprint
            parts = sql.parts
            var packed: UInt64 = 0
            var more: [UInt8] = []
            var index = 0
            sql.forEachValue { value in
                if index < 21 { packed = packed << 3 | UInt64(Self.tag(value)) } else { more.append(Self.tag(value)) }
                index += 1
            }
            types = packed
            self.more = more
        }

        private static func tag(_ value: SQLValue) -> UInt8 {
            switch value {
            case .null: 1
            case .integer: 2
            case .real: 3
            case .text: 4
            case .bytes: 5
            }
        }

        /// Whether it is the statement's key, found out without making that.
        @inline(__always)
        func fits(_ sql: SQL) -> Bool {
            guard fingerprint == sql.fingerprint, sql.parameters <= 21, parts.isSameText(as: sql.parts) else {
                return false
            }
            var packed: UInt64 = 0
            sql.parts.forEach { part in
                switch part.parameter {
                case .none: break
                case .null: packed = packed << 3 | 1
                case .integer: packed = packed << 3 | 2
                case .real: packed = packed << 3 | 3
                case .kept: packed = packed << 3 | UInt64(Self.tag(sql.kept[Int(part.bits)]))
                }
            }
            return packed == types
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(fingerprint)
            hasher.combine(types)
        }

        static func == (left: Key, right: Key) -> Bool {
            left.fingerprint == right.fingerprint && left.types == right.types
                && left.parts.isSameText(as: right.parts) && left.more == right.more
        }
    }

    private var known: [Key: PostgresStatement] = [:]
    /// One of ``known`` for each end of a fingerprint: the commonest statements are found without hashing.
    private var recent: [PostgresStatement?] = Array(repeating: nil, count: 16)
    private var made = 0

    /// True where the next new statement has no room.
    var isFull: Bool { known.count >= Self.statementsMax }

    func find(_ sql: SQL) -> PostgresStatement? {
        let place = Int(truncatingIfNeeded: sql.fingerprint & 15)
        if let found = recent[place], found.key?.fits(sql) == true { return found }
        guard let statement = known[Key(sql)] else { return nil }
        recent[place] = statement
        return statement
    }

    /// A new statement, which the caller has the server prepare.
    func insert(_ sql: SQL) -> PostgresStatement {
        made += 1
        let statement = PostgresStatement(number: made)
        let key = Key(sql)
        statement.key = key
        known[key] = statement
        return statement
    }

    /// The server does not have the statement, or has it for a table that has changed since.
    func forget(_ statement: PostgresStatement) {
        guard let key = statement.key, known[key] === statement else { return }
        known[key] = nil
        for place in recent.indices where recent[place] === statement { recent[place] = nil }
    }

    func removeAll() {
        known.removeAll(keepingCapacity: true)
        for place in recent.indices { recent[place] = nil }
    }

    /// The statement in the server's language.
    ///
    /// - Throws: ``StoreError`` with code `statementInvalid` for one that does not work on data, such as COMMIT.
    static func text(_ sql: SQL) throws -> String {
        if let problem = sql.problem { throw problem }
        let text = sql.text { Dialect.postgres.parameter($0) }
        guard words.contains(StatementText.firstWord(text)) else {
            throw StoreError(.statementInvalid, "one statement over data at a time, such as SELECT or UPDATE")
        }
        return text
    }

    /// What statements of users may begin with; anything else is about the session or the transaction, which are ours.
    private static let words: Set<String> = [
        "SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES", "MERGE", "TABLE", "EXPLAIN", "CREATE", "ALTER",
        "DROP",
        "TRUNCATE", "ANALYZE", "COMMENT",
    ]
}
#endif
