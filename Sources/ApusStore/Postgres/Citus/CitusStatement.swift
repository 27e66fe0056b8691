#if PostgreSQL
/// What a statement's text says of tables, and of columns that are compared in its conditions.
struct CitusStatement {
    /// Tables that rows are read from, changed in or deleted from, as often as they are named.
    private(set) var tables: [String] = []
    /// The table that rows are inserted into.
    private(set) var target: String?
    /// The columns that inserted rows are given; `nil` for all, or where nothing is inserted.
    private(set) var columns: [String]?
    /// How often a column is compared for equality, also with another one.
    private(set) var compared: [String: Int] = [:]
    /// Columns that are compared with something else than a column.
    private(set) var pinned: Set<String> = []

    private enum Clause { case other, tables, condition, using }

    private let tokens: [SchemaText.Token]

    init(_ text: String) {
        tokens = SchemaText(text).tokens.filter { !$0.isSpace && !$0.isComment }
        read()
    }

    private mutating func read() {
        var clause = Clause.other
        var outer: [Clause] = []
        for index in tokens.indices {
            switch tokens[index] {
            case .symbol("("): outer.append(clause)
            case .symbol(")"): clause = outer.popLast() ?? .other
            default:
                switch tokens[index].capitals {
                case "FROM", "JOIN", "UPDATE": clause = .tables
                case "USING": clause = isSymbol("(", index + 1) ? .using : .tables
                case "INTO": insertion(index + 1)
                case "WHERE", "ON", "HAVING": clause = .condition
                case "SELECT", "SET", "VALUES", "GROUP", "ORDER", "LIMIT", "OFFSET", "RETURNING", "UNION", "INTERSECT",
                    "EXCEPT", "WINDOW", "FOR", "DO":
                    clause = .other
                default:
                    // What stands behind the brackets of USING belongs to the tables again.
                    if clause == .using, outer.isEmpty || outer.last != .using { clause = .tables }
                    if let name = name(index) { found(name, index, clause) }
                }
            }
        }
    }

    private mutating func found(_ name: String, _ index: Int, _ clause: Clause) {
        switch clause {
        case .tables:
            // Behind a name stands its other name; behind a dot the rest of it.
            let before = index > 0 ? tokens[index - 1] : .symbol("")
            let isFirst =
                [.symbol(","), .symbol("("), .symbol(".")].contains(before)
                || ["FROM", "JOIN", "UPDATE", "ONLY", "USING", "LATERAL"].contains(before.capitals ?? "")
            if isFirst, !isSymbol(".", index + 1), !isSymbol("(", index + 1) { tables.append(name) }
        case .using: compared[name, default: 0] += 2
        case .condition: comparison(name, index)
        case .other: break
        }
    }

    /// `name = …`, `… = name`, `name IN (…)`, `(…, name) = (…)`, `(…, name) IN (…)`.
    private mutating func comparison(_ name: String, _ index: Int) {
        if isSymbol(".", index + 1) { return }
        var end = index + 1
        while isSymbol(",", end), self.name(end + 1) != nil {
            end += 2
            while isSymbol(".", end) { end += 2 }
        }
        if isSymbol(")", end), isRow(index) { end += 1 } else if end > index + 1 { return }
        let isListed = end < tokens.count && tokens[end].capitals == "IN"
        if isListed || isSymbol("=", end) {
            compared[name, default: 0] += 1
            // A name with a bracket behind it is a function's.
            if isListed || self.name(end + 1) == nil || isSymbol("(", end + 2) { pinned.insert(name) }
            return
        }
        // The other side, where the column's own name may have a table's before it.
        var start = index - 1
        while start > 1, tokens[start] == .symbol(".") { start -= 2 }
        guard start > 0, tokens[start] == .symbol("="), !isOperator(start - 1) else { return }
        compared[name, default: 0] += 1
        if self.name(start - 1) == nil { pinned.insert(name) }
    }

    /// Whether the brackets round names are a row's, and not a function's.
    private func isRow(_ index: Int) -> Bool {
        var start = index - 1
        while start > 0, isSymbol(",", start) || isSymbol(".", start) || name(start) != nil { start -= 1 }
        return isSymbol("(", start) && name(start - 1) == nil
    }

    /// `table (columns)` or `table`, behind INTO.
    private mutating func insertion(_ start: Int) {
        var index = start
        while isSymbol(".", index + 1) { index += 2 }
        guard let name = name(index) else { return }
        target = name
        index += 1
        if index < tokens.count, tokens[index].capitals == "AS" { index += 2 }
        guard isSymbol("(", index) else { return }
        var names: [String] = []
        index += 1
        while index < tokens.count, !isSymbol(")", index) {
            if tokens[index].capitals == "SELECT" { return }
            if let name = self.name(index) { names.append(name) }
            index += 1
        }
        columns = names
    }

    private func isSymbol(_ symbol: String, _ index: Int) -> Bool {
        tokens.indices.contains(index) && tokens[index] == .symbol(symbol)
    }

    /// `<`, `>` and `!` before `=`.
    private func isOperator(_ index: Int) -> Bool { ["<", ">", "!"].contains { isSymbol($0, index) } }

    /// The name that a token is: small letters unless it stands in quotes.
    private func name(_ index: Int) -> String? {
        guard tokens.indices.contains(index) else { return nil }
        switch tokens[index] {
        case .word(let word): return Self.reserved.contains(word.uppercased()) ? nil : word.lowercased()
        case .verbatim(let text) where text.hasPrefix("\""): return String(text.dropFirst().dropLast())
        default: return nil
        }
    }

    /// Words that are no names where names stand.
    private static let reserved: Set<String> = [
        "AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "BETWEEN", "TRUE", "FALSE", "CASE", "WHEN", "THEN", "ELSE",
        "END",
        "ANY", "ALL", "SOME", "EXISTS", "ARRAY", "LATERAL", "ONLY", "AS", "LEFT", "RIGHT", "INNER", "OUTER", "FULL",
        "CROSS",
        "NATURAL", "CAST", "WHERE", "ON", "HAVING", "USING", "SELECT", "FROM", "JOIN", "SET", "VALUES", "BY",
        "RETURNING",
    ]
}
#endif
