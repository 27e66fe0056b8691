#if PostgreSQL
import CPostgres

/// A statement that the server of one connection has prepared, or is about to.
final class PostgresStatement {
    /// What the server knows it by; ends with a zero.
    let name: UnsafeMutablePointer<CChar>

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

    private struct Key: Hashable {
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
    private var made = 0

    /// True where the next new statement has no room.
    var isFull: Bool { known.count >= Self.statementsMax }

    func find(_ sql: SQL) -> PostgresStatement? { known[Key(sql)] }

    /// A new statement, which the caller has the server prepare.
    func insert(_ sql: SQL) -> PostgresStatement {
        made += 1
        let statement = PostgresStatement(number: made)
        known[Key(sql)] = statement
        return statement
    }

    /// The server does not have the statement, or has it for a table that has changed since.
    func forget(_ statement: PostgresStatement) {
        if let key = known.first(where: { $0.value === statement })?.key { known[key] = nil }
    }

    func removeAll() { known.removeAll(keepingCapacity: true) }

    /// The statement in the server's language.
    ///
    /// - Throws: ``StoreError`` with code `statementInvalid` for one that does not work on data, such as COMMIT.
    static func text(_ sql: SQL) throws -> String {
        if let problem = sql.problem { throw problem }
        let text = sql.text { Dialect.postgres.parameter($0) }
        guard words.contains(firstWord(text)) else {
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

    /// The first word in capitals, behind spaces, comments and opening brackets.
    static func firstWord(_ text: String) -> String {
        var rest = text.utf8[...]
        while let byte = rest.first {
            if rest.starts(with: "--".utf8) {
                rest = rest.drop { $0 != UInt8(ascii: "\n") }
            } else if rest.starts(with: "/*".utf8) {
                rest = skipComment(rest)
            } else if byte == 32 || byte == 40 || (9...13).contains(byte) {
                rest = rest.dropFirst()
            } else {
                break
            }
        }
        let word = rest.prefix { ($0 | 32) >= UInt8(ascii: "a") && ($0 | 32) <= UInt8(ascii: "z") }
        return String(decoding: word.map { $0 & 0xDF }, as: UTF8.self)
    }

    /// Comments nest, as the standard has it.
    private static func skipComment(_ text: Substring.UTF8View) -> Substring.UTF8View {
        var rest = text.dropFirst(2)
        var depth = 1
        while depth > 0, !rest.isEmpty {
            if rest.starts(with: "/*".utf8) {
                depth += 1
                rest = rest.dropFirst(2)
            } else if rest.starts(with: "*/".utf8) {
                depth -= 1
                rest = rest.dropFirst(2)
            } else {
                rest = rest.dropFirst()
            }
        }
        return rest
    }
}
#endif
