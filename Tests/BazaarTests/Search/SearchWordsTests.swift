import ApusCore
import ApusTesting
import Testing

@testable import Bazaar

@Suite struct SearchWordsTests {
    private static let cuts: [(String, [String])] = [
        ("White Hanging Heart T-light Holder", ["white", "hanging", "heart", "tlight", "light", "holder"]),
        ("Set of 6 Retrospot Cups", ["set", "6", "retrospot", "cup"]), ("of the", ["of", "the"]), ("  --  ", []),
        ("CHILDREN'S 50'S DOLLY", ["children", "50s", "dolly"]), ("café crème", ["cafe", "creme"]),
        ("boxes, glass; daisies", ["box", "glass", "daisy"]), ("日本", ["日本"]),
        ("<script>alert(1)</script>", ["script", "alert", "1", "script"]),
    ]

    @Test(arguments: cuts)
    func `text is cut into the words that are compared`(text: String, words: [String]) {
        #expect(SearchWords.words(of: text).map(\.stem) == words)
    }

    @Test func `a word is never longer than its bound`() {
        let word = SearchWords.words(of: String(repeating: "a", count: 500))
        #expect(word.map(\.stem.utf8.count) == [SearchWords.bytesMax])
    }

    @Test(arguments: [
        ("heart", "heart", 0), ("hart", "heart", 1), ("haert", "heart", 1), ("heartt", "heart", 1),
        ("heard", "heart", 1),
        ("lnatren", "lantern", 2), ("buntng", "bunting", 1), ("", "ab", 2), ("ab", "", 2),
    ])
    func `slips are counted, a swap as one`(typed: String, word: String, slips: Int) {
        #expect(TypingErrors.count(Array(typed.utf8), Array(word.utf8), max: 2) == slips)
    }

    private static let beginnings: [(String, String, Int?)] = [
        ("lante", "lantern", 0), ("latne", "lantern", 1), ("buting", "bunting", 1), ("xyz", "lantern", nil),
    ]

    @Test(arguments: beginnings)
    func `slips are counted against the beginning of a word that is still being typed`(
        typed: String,
        word: String,
        slips: Int?
    ) {
        #expect(TypingErrors.count(Array(typed.utf8), Array(word.utf8), max: 1, isBeginning: true) == slips)
    }

    @Test func `slips agree with a plain model, and the look at letters never rules a near word out`() {
        var random = SeededRandom(seed: TestRun.seed)
        for _ in 0..<(TestRun.seeds * 20) {
            func word() -> [UInt8] {
                (0..<Int.random(in: 0...7, using: &random)).map { _ in UInt8.random(in: 97...100, using: &random) }
            }
            let (one, other) = (word(), word())
            let expected = Self.model(one, other)
            for max in 0...2 {
                let found = TypingErrors.count(one, other, max: max)
                #expect(found == (expected <= max ? expected : nil), "\(one) \(other), seed \(TestRun.seed)")
            }
            if expected <= 2 {
                let strange = (TypingErrors.letters(one) ^ TypingErrors.letters(other)).nonzeroBitCount
                #expect(strange <= 2 * expected, "\(one) \(other), seed \(TestRun.seed)")
            }
        }
    }

    /// The definition of optimal string alignment, table and all.
    private static func model(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var table = [[Int]](repeating: [Int](repeating: 0, count: other.count + 1), count: one.count + 1)
        for row in 0...one.count { table[row][0] = row }
        for column in 0...other.count { table[0][column] = column }
        for row in 0..<one.count {
            for column in 0..<other.count {
                var best = min(table[row][column + 1], table[row + 1][column]) + 1
                best = min(best, table[row][column] + (one[row] == other[column] ? 0 : 1))
                if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
                    best = min(best, table[row - 1][column - 1] + 1)
                }
                table[row + 1][column + 1] = best
            }
        }
        return table[one.count][other.count]
    }
}
