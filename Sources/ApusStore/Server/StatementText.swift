/// What can be told from a statement's text without knowing its language.
enum StatementText {
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
