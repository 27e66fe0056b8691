/// Swift code without its comments and strings, line for line, so that a rule cannot trip over prose.
struct SwiftCode: Sendable {
    /// The code; what comments and strings say is left out.
    private(set) var code: [String] = []
    /// True where the line holds a comment, or part of one.
    private(set) var hasComment: [Bool] = []

    /// Where the reader is: block comments nest in Swift, strings of three quotes span lines.
    private enum Place: Equatable {
        case code
        case comment(depth: Int)
        case string
        case longString
    }

    init(_ text: String) {
        var place = Place.code
        for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            read(Array(line), &place)
        }
    }

    private mutating func read(_ line: [UInt8], _ place: inout Place) {
        var plain: [UInt8] = []
        var comment = place != .code && place != .longString
        var index = 0
        scan: while index < line.count {
            let next = line[index]
            let pair = index + 1 < line.count ? (next, line[index + 1]) : (next, 0)
            let isTriple = pair == (quote, quote) && index + 2 < line.count && line[index + 2] == quote
            switch place {
            case .comment(let depth):
                if pair == (star, slash) {
                    place = depth == 1 ? .code : .comment(depth: depth - 1)
                    index += 1
                } else if pair == (slash, star) {
                    place = .comment(depth: depth + 1)
                    index += 1
                }
            case .longString:
                if isTriple {
                    place = .code
                    index += 2
                }
            case .string:
                if next == backslash {
                    index += 1
                } else if next == quote {
                    place = .code
                    plain.append(quote)
                }
            case .code:
                if pair == (slash, slash) {
                    comment = true
                    break scan
                } else if pair == (slash, star) {
                    place = .comment(depth: 1)
                    comment = true
                    index += 1
                } else if isTriple {
                    place = .longString
                    plain += [quote, quote]
                    index += 2
                } else {
                    if next == quote { place = .string }
                    plain.append(next)
                }
            }
            index += 1
        }
        if place == .string { place = .code }
        code.append(String(decoding: plain, as: UTF8.self))
        hasComment.append(comment)
    }
}

private let quote = UInt8(ascii: "\"")
private let slash = UInt8(ascii: "/")
private let star = UInt8(ascii: "*")
private let backslash = UInt8(ascii: "\\")
