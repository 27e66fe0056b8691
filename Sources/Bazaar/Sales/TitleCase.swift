/// Turns the till's capitals into what a shop would print: `SET/6 RED SPOTTY PAPER CUPS` → `Set of 6 Red Spotty Paper Cups`.
enum TitleCase {
    static func title(of description: String) -> String {
        let spaced =
            description
            .replacing("SET/", with: "SET OF ")
            .replacing("S/", with: "SET OF ", maxReplacements: description.hasPrefix("S/") ? 1 : 0)
            .replacing(" , ", with: ", ")
            .replacing("\"", with: "”")
        var words: [String] = []
        for (index, word) in spaced.split(separator: " ").enumerated() {
            words.append(cased(String(word), isFirst: index == 0))
        }
        var title = words.joined(separator: " ")
        while let last = title.last, "., ;-/*".contains(last) { title.removeLast() }
        while let first = title.first, "*.,; ".contains(first) { title.removeFirst() }
        return String(title.prefix(80))
    }

    private static let small: Set<String> = [
        "OF", "AND", "IN", "ON", "WITH", "FOR", "THE", "A", "AN", "TO", "OR", "DE", "DU", "LA", "LE", "EN", "BY", "AT",
    ]
    private static let kept: Set<String> = [
        "LED", "TV", "UK", "USA", "DIY", "BBQ", "WC", "USB", "3D", "A4", "A5", "A6", "II",
    ]
    private static let replaced = [
        "T-LIGHT": "T-light", "T-LIGHTS": "T-lights", "W": "with", "HLDR": "Holder", "ASSTD": "Assorted",
        "ASST": "Assorted", "ASS": "Assorted", "ANT": "Antique", "COL": "Colour", "DES": "Design", "DEC": "Decoration",
        "NECKL": "Necklace", "NECKLAC": "Necklace", "TURQ": "Turquoise", "B'FLY": "Butterfly",
        "P'WEIGHT": "Paperweight",
        "XMAS": "Christmas", "CHOC": "Chocolate", "BUTTERFL": "Butterfly", "RND": "Round", "NO": "No", "&": "&",
        "+": "&",
    ]

    private static func cased(_ word: String, isFirst: Bool) -> String {
        let capitals = word.uppercased()
        guard word == capitals else { return word.contains(where: \.isUppercase) ? word : capitalised(word) }
        if let replacement = replaced[capitals] { return isFirst ? capitalised(replacement) : replacement }
        if small.contains(capitals) { return isFirst ? capitalised(capitals.lowercased()) : capitals.lowercased() }
        if kept.contains(capitals) { return capitals }
        // 25CM, 125G, 50'S, 3D: a number keeps its unit small.
        if word.first?.isNumber == true { return word.lowercased() }
        return capitalised(word.lowercased())
    }

    /// A capital at the start and after `-`, `/`, `+`, `(` and `.`; not after an apostrophe.
    private static func capitalised(_ word: String) -> String {
        var result = ""
        var isStart = true
        for character in word {
            result += isStart ? character.uppercased() : String(character)
            isStart = "-/+(.,”&".contains(character)
        }
        return result
    }
}
