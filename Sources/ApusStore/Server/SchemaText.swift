/// A migration's text as tokens, for engines that have other words for the same types.
struct SchemaText {
    enum Token: Equatable {
        case word(String)
        case symbol(String)
        /// Spaces, comments, and whatever stands in quotes.
        case verbatim(String)

        var text: String {
            switch self {
            case .word(let text), .symbol(let text), .verbatim(let text): text
            }
        }
        var capitals: String? { if case .word(let text) = self { text.uppercased() } else { nil } }
        var isSpace: Bool { if case .verbatim(let text) = self { text.utf8.allSatisfy { $0 <= 32 } } else { false } }
        var isComment: Bool {
            if case .verbatim(let text) = self { text.hasPrefix("--") || text.hasPrefix("/*") } else { false }
        }
    }

    /// A word of a CREATE TABLE or ALTER TABLE that is no column's name.
    struct Word {
        let capitals: String
        /// The token before it, spaces and comments left out; a column's name before its type.
        let previous: Token?
        /// True behind the last bracket, where the table's options stand.
        let isOption: Bool
        fileprivate let index: Int
        /// The statement.
        let range: Range<Int>
    }

    private(set) var tokens: [Token]

    init(_ text: String) { tokens = Self.tokens(of: text) }

    /// All of it.
    var text: String { tokens.map(\.text).joined() }

    /// A statement's text.
    func text(of range: Range<Int>) -> String { tokens[range].map(\.text).joined() }

    /// The statements, without the semicolons between them.
    var statements: [Range<Int>] {
        var found: [Range<Int>] = []
        var start = 0
        while start < tokens.count {
            let end = tokens[start...].firstIndex(of: .symbol(";")) ?? tokens.count
            if tokens[start..<end].contains(where: { !$0.isSpace && !$0.isComment }) { found.append(start..<end) }
            start = end + 1
        }
        return found
    }

    /// A statement's tokens without spaces and comments.
    func significant(_ range: Range<Int>) -> [Token] { tokens[range].filter { !$0.isSpace && !$0.isComment } }

    // MARK: Translating

    /// Hands out the words of CREATE TABLE and ALTER TABLE, to be replaced.
    mutating func translateTables(_ translate: (inout SchemaText, Word) -> Void) {
        for range in statements {
            let words = tokens[range].compactMap(\.capitals).prefix(3)
            if words.first == "ALTER" && words.dropFirst().first == "TABLE"
                || words.first == "CREATE" && words.contains("TABLE")
            {
                translateTable(range, translate)
            }
        }
    }

    private mutating func translateTable(_ range: Range<Int>, _ translate: (inout SchemaText, Word) -> Void) {
        var depth = 0
        var previous: Token?
        for index in range {
            let token = tokens[index]
            if token.isSpace || token.isComment { continue }
            defer { previous = token }
            switch token {
            case .symbol("("): depth += 1
            case .symbol(")"): depth -= 1
            case .word(let word):
                // Behind a bracket or a comma stands a name.
                if depth > 0, previous == .symbol("(") || previous == .symbol(",") { continue }
                translate(
                    &self,
                    Word(
                        capitals: word.uppercased(),
                        previous: previous,
                        isOption: depth == 0 && previous == .symbol(")"),
                        index: index,
                        range: range
                    )
                )
            default: break
            }
        }
    }

    /// The words that follow in the same statement, in capitals.
    func words(after word: Word, _ count: Int) -> [String] {
        tokens[(word.index + 1)..<word.range.upperBound].lazy.filter { !$0.isSpace && !$0.isComment }.prefix(count)
            .compactMap(\.capitals)
    }

    mutating func replace(_ word: Word, by text: String) { tokens[word.index] = .word(text) }

    /// Takes away the word and the words after it in the same statement, as many as `count`.
    mutating func remove(_ word: Word, andNext count: Int) {
        var left = count
        tokens[word.index] = .verbatim("")
        for index in (word.index + 1)..<word.range.upperBound where left > 0 && tokens[index].capitals != nil {
            tokens[index] = .verbatim("")
            left -= 1
        }
    }

    /// Takes away the rest of the statement, but for comments.
    mutating func removeRest(from word: Word) {
        for index in word.index..<word.range.upperBound where !tokens[index].isComment { tokens[index] = .verbatim("") }
    }

    // MARK: Tokens

    private static func tokens(of text: String) -> [Token] {
        var tokens: [Token] = []
        var rest = text[...]
        while let first = rest.first {
            let token: Token
            if first.isLetter || first == "_" {
                token = .word(String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "$" }))
            } else if first.isWhitespace {
                token = .verbatim(String(rest.prefix { $0.isWhitespace }))
            } else if rest.hasPrefix("--") {
                token = .verbatim(String(rest.prefix { !$0.isNewline }))
            } else if rest.hasPrefix("/*") {
                token = .verbatim(String(closed(rest, by: "*/", from: 2)))
            } else if first == "'" || first == "\"" {
                token = .verbatim(String(closed(rest, by: String(first), from: 1)))
            } else if first == "$", let tag = rest.prefixMatch(of: /\$[A-Za-z_]*\$/) {
                token = .verbatim(String(closed(rest, by: String(tag.0), from: tag.0.count)))
            } else {
                token = .symbol(String(first))
            }
            tokens.append(token)
            rest = rest.dropFirst(token.text.count)
        }
        return tokens
    }

    /// From the start to the end of what `end` closes.
    ///
    /// A quote within quotes is written twice: it ends one token and begins the next.
    private static func closed(_ text: Substring, by end: String, from start: Int) -> Substring {
        guard let found = text.dropFirst(start).firstRange(of: end) else { return text }
        return text[..<found.upperBound]
    }
}
