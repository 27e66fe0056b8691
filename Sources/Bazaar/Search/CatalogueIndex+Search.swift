import Glibc

extension CatalogueIndex {
    /// A product that was found.
    struct Hit: Sendable, Hashable {
        /// Its place among the index's entries.
        let place: Int
        /// How well it fits, in thousandths; larger is better.
        let score: Int
    }

    /// What a search found.
    struct Answer: Sendable {
        /// The best first; of equals the most popular.
        var hits: [Hit] = []
        /// What was looked for instead of what was typed, where a typing error was forgiven.
        var corrected: String?
    }

    /// Most words of a query that are looked at.
    static let wordsMax = 8
    /// Most words of the catalogue tried for one that it does not have.
    static let guessesMax = 6

    /// A word of the catalogue tried for one of the query.
    private struct Guess {
        let term: Int
        let weight: Float
    }

    /// The products that have all words of `text`, or where none has all of them as many as possible.
    ///
    /// A word finds itself and the words it begins, and only where there are none the words that a slip or two away. The
    /// score is BM25 with the usual constants; popularity decides among those that fit alike.
    ///
    /// - Parameters:
    ///   - text: What was typed; words from the ninth on are left out.
    ///   - isTyping: Whether the last word may be unfinished.
    /// - Returns: All that fit, the best first; none for a text without words.
    /// - SeeAlso: S. Robertson, H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).
    func search(_ text: String, isTyping: Bool = false) -> Answer {
        let words = Array(SearchWords.words(of: text).prefix(Self.wordsMax))
        guard !words.isEmpty else { return Answer() }
        var scores = [Float](repeating: 0, count: entries.count)
        var matched = [UInt8](repeating: 0, count: entries.count)
        var isCorrected = false
        var shown: [String] = []
        for (index, word) in words.enumerated() {
            let (guesses, correction) = guesses(word, isUnfinished: isTyping && index == words.count - 1)
            if let correction { isCorrected = true; shown.append(correction) } else { shown.append(word.surface) }
            add(guesses, &scores, &matched)
        }
        // Its code is a product's surest name.
        if let place = entry(code: text.filter { $0 != " " && $0 != "-" }) {
            scores[place] += 100
            matched[place] = UInt8(words.count)
            isCorrected = false
        }
        guard let most = matched.max(), most > 0 else { return Answer() }
        var answer = Answer()
        for place in entries.indices where matched[place] == most {
            let liked = 0.15 * logf(1 + Float(entries[place].popularity))
            answer.hits.append(Hit(place: place, score: Int((scores[place] + liked) * 1000)))
        }
        // Entries are in the order of popularity, which decides among equals.
        answer.hits.sort { ($0.score, $1.place) > ($1.score, $0.place) }
        if isCorrected { answer.corrected = shown.joined(separator: " ") }
        return answer
    }

    /// The words to try for one of the query, and what it is shown as where that is a correction.
    private func guesses(_ word: SearchWords.Word, isUnfinished: Bool) -> (guesses: [Guess], correction: String?) {
        let typed = Array(word.stem.utf8)
        var guesses: [Guess] = []
        let exact = term(typed)
        if let exact { guesses.append(Guess(term: exact, weight: 1)) }
        if isUnfinished || typed.count >= 3 {
            // What was typed may be the beginning of the singular or of the plural.
            for start in Set([typed, Array(word.surface.utf8)]) {
                for term in terms(beginning: start) where term != exact {
                    guesses.append(Guess(term: term, weight: isUnfinished ? 0.9 : 0.6))
                }
            }
        }
        if !guesses.isEmpty { return (guesses, nil) }
        // What was taken for a plural may be a slip in a word that ends so: `morrqs` for `morris`.
        var near = nearest(typed, isUnfinished: isUnfinished)
        if near.isEmpty { near = nearest(Array(word.surface.utf8), isUnfinished: isUnfinished) }
        return (near, near.first.map { terms[$0.term].surface })
    }

    /// The words fewest slips away, the likeliest first.
    private func nearest(_ typed: [UInt8], isUnfinished: Bool) -> [Guess] {
        let max = TypingErrors.forgiven(typed.count)
        guard max > 0 else { return [] }
        let letters = TypingErrors.letters(typed)
        var found: [(term: Int, slips: Int, order: Int)] = []
        for (index, term) in terms.enumerated() {
            // Letters typed that the word does not have; the other way round only where the word is whole.
            let strange =
                isUnfinished ? (letters & ~term.letters).nonzeroBitCount : (letters ^ term.letters).nonzeroBitCount
            guard strange <= (isUnfinished ? max : 2 * max),
                let slips = TypingErrors.count(typed, term.word, max: max, isBeginning: isUnfinished)
            else { continue }
            // People seldom get the first letter wrong.
            let isLikely = term.word.first == typed.first
            found.append((index, slips, (isLikely ? 1_000_000 : 0) + term.range.count))
        }
        guard let fewest = found.map(\.slips).min() else { return [] }
        let near = found.filter { $0.slips == fewest }.sorted { $0.order > $1.order }.prefix(Self.guessesMax)
        // A word that is much rarer than the likeliest one is hardly what was meant.
        let commonest = near.first.map { terms[$0.term].range.count } ?? 0
        return near.filter { terms[$0.term].range.count * 8 >= commonest }.enumerated()
            .map { Guess(term: $1.term, weight: $0 == 0 ? 0.6 : 0.3) }
    }

    /// Adds to each product the best that a guess gives it.
    private func add(_ guesses: [Guess], _ scores: inout [Float], _ matched: inout [UInt8]) {
        var best: [Int32: Float] = [:]
        for guess in guesses {
            let range = terms[guess.term].range
            let rarity = logf(1 + (Float(entries.count - range.count) + 0.5) / (Float(range.count) + 0.5))
            for index in range {
                let place = places[index]
                // BM25 with k1 = 1.2 and b = 0.75; a title has a word once.
                let length = 0.25 + 0.75 * lengths[Int(place)] / lengthMean
                let score = rarity * guess.weight * weights[index] * 2.2 / (1 + 1.2 * length)
                best[place] = max(best[place] ?? 0, score)
            }
        }
        for (place, score) in best {
            scores[Int(place)] += score
            matched[Int(place)] += 1
        }
    }
}
