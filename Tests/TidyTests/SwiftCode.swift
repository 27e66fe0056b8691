/// Swift code without its comments and strings, line for line, so that a rule cannot trip over prose.
struct SwiftCode {
    /// The code; characters of comments and strings are blank.
    let code: [String]
    /// True where the line holds a comment, or part of one.
    let hasComment: [Bool]

    init(_ text: String) {
        var code: [String] = []
        var hasComment: [Bool] = []
        var depth = 0  // of block comments, which nest in Swift
        var multiline = false  // inside a """ string
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let (plain, comment) = Self.blank(Array(line), depth: &depth, multiline: &multiline)
            code.append(plain)
            hasComment.append(comment)
        }
        self.code = code
        self.hasComment = hasComment
    }

    private static func blank(_ line: [Character], depth: inout Int, multiline: inout Bool) -> (String, Bool) {
        var plain = ""
        var comment = depth > 0
        var inString = false
        var index = 0
        func at(_ word: String) -> Bool {
            let word = Array(word)
            return index + word.count <= line.count && Array(line[index..<index + word.count]) == word
        }
        while index < line.count {
            if depth > 0 {
                if at("*/") { depth -= 1; index += 2 } else if at("/*") { depth += 1; index += 2 } else { index += 1 }
            } else if multiline {
                if at("\"\"\"") { multiline = false; index += 3 } else { index += 1 }
            } else if inString {
                if line[index] == "\\" {
                    index += 2
                } else {
                    if line[index] == "\"" { inString = false; plain.append("\"") }
                    index += 1
                }
            } else if at("//") {
                return (plain, true)
            } else if at("/*") {
                depth = 1
                comment = true
                index += 2
            } else if at("\"\"\"") {
                multiline = true
                plain.append("\"\"")
                index += 3
            } else if line[index] == "\"" {
                inString = true
                plain.append("\"")
                index += 1
            } else {
                plain.append(line[index])
                index += 1
            }
        }
        return (plain, comment)
    }
}
