import ApusCore
import ApusTesting
import Testing

@testable import Bazaar

@Suite struct CatalogueIndexTests {
    private static let real = Result { CatalogueIndex(try History.shared.get().products) }

    private func titles(_ text: String, isTyping: Bool = false, _ count: Int = 5) throws -> [String] {
        let index = try Self.real.get()
        return index.search(text, isTyping: isTyping).hits.prefix(count).map { index.entries[$0.place].title }
    }

    @Test(arguments: [
        ("regency cakestand", "Regency Cakestand 3 Tier"), ("cakestand regency 3 tier", "Regency Cakestand 3 Tier"),
        ("white hanging heart", "White Hanging Heart T-light Holder"), ("85123a", "White Hanging Heart T-light Holder"),
        ("85123 A", "White Hanging Heart T-light Holder"), ("party buntings", "Party Bunting"),
        ("jumbo bag red", "Jumbo Bag Red Retrospot"),
    ])
    func `the product that was meant comes first`(text: String, title: String) throws {
        #expect(try titles(text, 1) == [title])
    }

    @Test(arguments: [
        ("hart", "heart"), ("haert", "heart"), ("buntnig", "bunting"), ("lantren", "lantern"), ("umbrela", "umbrella"),
        ("chrsitmas", "christmas"), ("cakstand", "cakestand"), ("regensy teacup", "regency teacup"),
    ])
    func `typing errors are forgiven, and it is said what was looked for`(typed: String, meant: String) throws {
        let index = try Self.real.get()
        let answer = index.search(typed)
        #expect(answer.corrected.map { SearchWords.words(of: $0) } == SearchWords.words(of: meant))
        let wanted = SearchWords.words(of: meant).map(\.stem)
        for hit in answer.hits.prefix(5) {
            let words = Set(SearchWords.words(of: index.entries[hit.place].title).map(\.stem))
            #expect(words.isSuperset(of: wanted), "\(index.entries[hit.place].title)")
        }
        #expect(!answer.hits.isEmpty)
    }

    @Test func `one slip in any word of the catalogue finds the word or one that is as near`() throws {
        let index = try Self.real.get()
        var random = SeededRandom(seed: TestRun.seed)
        for _ in 0..<TestRun.seeds {
            let term = index.terms[Int.random(in: 0..<index.terms.count, using: &random)]
            guard term.word.count >= 4 else { continue }
            var typed = term.word
            let place = Int.random(in: 1..<typed.count - 1, using: &random)
            switch Int.random(in: 0...3, using: &random) {
            case 0: typed.remove(at: place)
            case 1: typed.insert(UInt8(ascii: "q"), at: place)
            case 2: typed[place] = UInt8(ascii: "q")
            default: typed.swapAt(place, place + 1)
            }
            let text = String(decoding: typed, as: UTF8.self)
            #expect(!index.search(text).hits.isEmpty, "\(text), seed \(TestRun.seed)")
        }
    }

    @Test func `what is being typed finds what it begins`() throws {
        #expect(try titles("lante", isTyping: true).allSatisfy { $0.contains("Lantern") })
        #expect(try titles("lanten", isTyping: true).allSatisfy { $0.contains("Lantern") })
        #expect(try titles("red retros", isTyping: true).allSatisfy { $0.contains("Retrospot") && $0.contains("Red") })
    }

    @Test func `all words count where there is something with all of them, else as many as possible`() throws {
        #expect(try titles("lunch bag", 10).allSatisfy { $0.contains("Lunch B") })
        // Nothing is both, so either will do.
        let either = try titles("bunting corkscrew", 50)
        #expect(either.contains { $0.contains("Bunting") } || either.contains { $0.contains("Corkscrew") })
    }

    @Test func `a department's name finds its products behind those that say so themselves`() throws {
        let index = try Self.real.get()
        let hits = index.search("christmas").hits.map { index.entries[$0.place] }
        let said = hits.prefix { $0.title.contains("Christmas") }.count
        #expect(said > 100)
        #expect(hits.dropFirst(said).contains { $0.id.category == .christmas })
    }

    @Test(arguments: ["", " ", "'", "-", "%", "🎄", "zzzzzzqqqq", "\u{0}", String(repeating: "heart ", count: 200)])
    func `any text has an answer`(text: String) throws {
        _ = try Self.real.get().search(text)
        _ = try Self.real.get().search(text, isTyping: true)
    }

    @Test func `any bytes have an answer, the same each time`() throws {
        let index = try Self.real.get()
        var random = SeededRandom(seed: TestRun.seed)
        for _ in 0..<TestRun.seeds {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(index.search(text).hits == index.search(text).hits, "\(bytes), seed \(TestRun.seed)")
        }
    }

    @Test func `a catalogue of nothing finds nothing`() {
        #expect(CatalogueIndex([]).search("heart").hits.isEmpty)
    }
}
