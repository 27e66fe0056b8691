#if MySQL
/// A migration's text in MySQL's words, a statement at a time.
///
/// | written | becomes |
/// | --- | --- |
/// | `INTEGER`, `INT` | `BIGINT` |
/// | `INTEGER PRIMARY KEY` behind a column's name | the same, numbered by the server where no number is given |
/// | `REAL` | `DOUBLE` |
/// | `TEXT`, `BLOB` | `LONGTEXT`, `LONGBLOB`; in a key of the same migration `VARCHAR`, `VARBINARY` (``MySQLKeys``) |
/// | `STRICT`, `WITHOUT ROWID`, `AUTOINCREMENT` | nothing |
/// | `DEFERRABLE INITIALLY …` | nothing: a foreign key is checked by each statement |
enum MySQLSchema {
    /// The statements, translated.
    static func statements(_ text: String) -> [String] {
        var schema = SchemaText(text)
        let keys = MySQLKeys(schema)
        schema.translateTables { translate(&$0, $1, keys) }
        return schema.statements.map { schema.text(of: $0) }
    }

    private static func translate(_ schema: inout SchemaText, _ word: SchemaText.Word, _ keys: MySQLKeys) {
        switch word.capitals {
        case "INTEGER", "INT":
            let isKey = schema.words(after: word, 2) == ["PRIMARY", "KEY"]
            schema.replace(word, by: isKey ? "BIGINT AUTO_INCREMENT" : "BIGINT")
        case "REAL": schema.replace(word, by: "DOUBLE")
        case "TEXT":
            let size = keys.characters(of: word.previous, in: schema.significant(word.range))
            schema.replace(word, by: size.map { "VARCHAR(\($0))" } ?? "LONGTEXT")
        case "BLOB":
            let size = keys.characters(of: word.previous, in: schema.significant(word.range))
            schema.replace(word, by: size.map { "VARBINARY(\($0 * 4))" } ?? "LONGBLOB")
        case "AUTOINCREMENT": schema.replace(word, by: "")
        case "STRICT" where word.isOption, "WITHOUT" where word.isOption: schema.removeRest(from: word)
        case "DEFERRABLE":
            schema.remove(word, andNext: schema.words(after: word, 1) == ["INITIALLY"] ? 2 : 0)
        default: break
        }
    }
}

/// The columns that a migration's keys are made of.
///
/// A key has up to 3,072 bytes and is made of whole columns, so that texts in it have a bound: 760 characters, shared
/// evenly by the columns of the largest key that a column is in.
struct MySQLKeys {
    /// Bytes of InnoDB's longest key, four for each character, less what the lengths take.
    private static let charactersMax = 760

    /// By table and column in small letters: how many columns the largest key has.
    private var columns: [String: Int] = [:]

    init(_ schema: SchemaText) {
        for range in schema.statements {
            let tokens = schema.significant(range)
            let words = tokens.prefix(3).compactMap(\.capitals)
            guard words.first == "CREATE" else { continue }
            if words.contains("TABLE") {
                readTable(tokens)
            } else if words.contains("INDEX"), let on = tokens.firstIndex(where: { $0.capitals == "ON" }) {
                readKey(tokens[(on + 2)...], table: tokens[(on + 1)...].first)
            }
        }
    }

    /// How many characters the column of a CREATE TABLE may have; `nil` where it is in no key.
    func characters(of column: SchemaText.Token?, in table: [SchemaText.Token]) -> Int? {
        columns[Self.name(Self.table(of: table), column)].map { Self.charactersMax / $0 }
    }

    private static func name(_ table: SchemaText.Token?, _ column: SchemaText.Token?) -> String {
        [table, column].map { ($0?.text ?? "").lowercased().filter { $0 != "\"" } }.joined(separator: ".")
    }

    /// The name before the first bracket.
    private static func table(of tokens: [SchemaText.Token]) -> SchemaText.Token? {
        tokens.firstIndex(of: .symbol("(")).flatMap { $0 > 0 ? tokens[$0 - 1] : nil }
    }

    /// Reads the columns and keys between a table's brackets.
    private mutating func readTable(_ tokens: [SchemaText.Token]) {
        guard let start = tokens.firstIndex(of: .symbol("(")) else { return }
        let table = Self.table(of: tokens)
        var depth = 0
        var entry: [SchemaText.Token] = []
        for token in tokens[start...] {
            if token == .symbol("(") { depth += 1 }
            if token == .symbol(")") { depth -= 1 }
            if depth == 0 || depth == 1 && token == .symbol(",") {
                read(entry[...], table)
                if depth == 0 { return }
                entry = []
            } else if depth > 1 || token != .symbol("(") {
                entry.append(token)
            }
        }
    }

    /// One column or key.
    private mutating func read(_ entry: ArraySlice<SchemaText.Token>, _ table: SchemaText.Token?) {
        switch entry.first?.capitals {
        case "PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT", "KEY", "INDEX":
            if entry.contains(where: { $0.capitals == "CHECK" }) { return }
            readKey(entry, table: table)
        default:
            let words = entry.compactMap(\.capitals)
            if words.contains("PRIMARY") || words.contains("UNIQUE") || words.contains("REFERENCES") {
                note([entry.first], table)
            }
        }
    }

    /// The names between the next brackets.
    private mutating func readKey(_ tokens: ArraySlice<SchemaText.Token>, table: SchemaText.Token?) {
        guard let start = tokens.firstIndex(of: .symbol("(")) else { return }
        let end = tokens[start...].firstIndex(of: .symbol(")")) ?? tokens.endIndex
        note(tokens[(start + 1)..<end].split(separator: .symbol(",")).map(\.first), table)
    }

    private mutating func note(_ names: [SchemaText.Token?], _ table: SchemaText.Token?) {
        for column in names {
            let name = Self.name(table, column)
            columns[name] = max(columns[name] ?? 0, names.count)
        }
    }
}
#endif
