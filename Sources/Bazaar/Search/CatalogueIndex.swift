/// Finds products by the words of their titles, forgiving typing errors.
///
/// It is made from the catalogue and held in memory, a few hundred kilobytes for four thousand products: every word with
/// the products that have it. It holds nothing that the store does not: see ``ProductSearch`` for when it is made again.
struct CatalogueIndex: Sendable {
    /// What is known of a product without asking the store.
    struct Entry: Sendable, Hashable {
        let id: ProductID
        let title: String
        let popularity: Int
    }

    /// A word that some product has.
    struct Term: Sendable {
        /// As compared, UTF-8.
        let word: [UInt8]
        let letters: UInt32
        /// As most often written.
        let surface: String
        /// Which of ``places`` are its products.
        let range: Range<Int>
    }

    /// The products, the most popular first.
    let entries: [Entry]
    /// The words in the order of their bytes.
    let terms: [Term]
    /// For each word the products that have it, as places in ``entries``, ascending.
    let places: [Int32]
    /// For each of ``places`` how much the word says there: 1 in a title, less where it is only the department's.
    let weights: [Float]
    /// Words in each title.
    let lengths: [Float]
    /// The mean of ``lengths``.
    let lengthMean: Float
    private let codes: [String: Int]

    /// How much a department's name counts against a word of the title.
    static let departmentWeight: Float = 0.35

    init(_ products: [Product]) {
        let sorted = products.sorted { ($0.popularity, $1.id.code) > ($1.popularity, $0.id.code) }
        entries = sorted.map { Entry(id: $0.id, title: $0.title, popularity: $0.popularity) }
        codes = Dictionary(entries.enumerated().map { ($1.id.code.text, $0) }) { first, _ in first }
        let departments = Dictionary(
            uniqueKeysWithValues: Category.allCases.map { ($0, SearchWords.words(of: $0.title).map(\.stem)) }
        )
        var postings: [String: [(place: Int32, weight: Float)]] = [:]
        var surfaces: [String: [String: Int]] = [:]
        var lengths: [Float] = []
        for (place, entry) in entries.enumerated() {
            let words = SearchWords.words(of: entry.title)
            lengths.append(Float(max(1, words.count)))
            var own: Set<String> = []
            for word in words {
                surfaces[word.stem, default: [:]][word.surface, default: 0] += 1
                if own.insert(word.stem).inserted { postings[word.stem, default: []].append((Int32(place), 1)) }
            }
            for stem in departments[entry.id.category] ?? [] where own.insert(stem).inserted {
                postings[stem, default: []].append((Int32(place), Self.departmentWeight))
            }
        }
        var (terms, places, weights) = ([Term](), [Int32](), [Float]())
        let ordered = postings.map { (word: Array($0.key.utf8), stem: $0.key, postings: $0.value) }
            .sorted { $0.word.lexicographicallyPrecedes($1.word) }
        for (word, stem, postings) in ordered {
            let start = places.count
            for posting in postings {
                places.append(posting.place)
                weights.append(posting.weight)
            }
            let surface = surfaces[stem]?.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? stem
            terms.append(
                Term(word: word, letters: TypingErrors.letters(word), surface: surface, range: start..<places.count)
            )
        }
        self.terms = terms
        self.places = places
        self.weights = weights
        self.lengths = lengths
        lengthMean = lengths.isEmpty ? 1 : lengths.reduce(0, +) / Float(lengths.count)
    }

    /// The product with this stock code, however it is written.
    func entry(code: String) -> Int? { StockCode(code).flatMap { codes[$0.text] } }

    /// The word itself, if any product has it.
    func term(_ word: [UInt8]) -> Int? {
        let place = lowerBound(word)
        return place < terms.count && terms[place].word == word ? place : nil
    }

    /// The words that begin with `start`.
    func terms(beginning start: [UInt8]) -> Range<Int> {
        let first = lowerBound(start)
        var end = first
        while end < terms.count, terms[end].word.starts(with: start) { end += 1 }
        return first..<end
    }

    private func lowerBound(_ word: [UInt8]) -> Int {
        var (low, high) = (0, terms.count)
        while low < high {
            let middle = (low + high) / 2
            if terms[middle].word.lexicographicallyPrecedes(word) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
