/// Cuts text into the words it is searched by.
///
/// Small letters without accents and apostrophes, plurals made singular, words that say nothing left out. `T-light` gives
/// `tlight` and `light`, so that it is found however people write it.
enum SearchWords {
    /// A word as it is compared, and as it was written.
    struct Word: Sendable, Hashable {
        /// What is compared.
        let stem: String
        /// In small letters, for showing.
        let surface: String
    }

    /// Longest word looked at, in bytes; what is longer is cut.
    static let bytesMax = 24

    private static let silent: Set<String> = [
        "a", "an", "and", "at", "by", "de", "for", "from", "in", "of", "on", "or", "the", "to", "with",
    ]

    /// The words of `text` in their order; those that say nothing only where there are no others.
    static func words(of text: some StringProtocol) -> [Word] {
        var found: [Word] = []
        for part in split(text) {
            let pieces = part.split(separator: "-")
            if pieces.count > 1 { found.append(word(pieces.joined())) }
            // A letter before a dash belongs to what comes after it.
            for piece in pieces where pieces.count == 1 || piece.utf8.count > 1 { found.append(word(String(piece))) }
        }
        let telling = found.filter { !silent.contains($0.surface) }
        return telling.isEmpty ? found : telling
    }

    private static func word(_ text: String) -> Word {
        let text = String(decoding: text.utf8.prefix(bytesMax), as: UTF8.self)
        return Word(stem: singular(text), surface: text)
    }

    /// Runs of letters and digits with single dashes between them.
    private static func split(_ text: some StringProtocol) -> [String] {
        var parts: [String] = []
        var current = ""
        for scalar in text.unicodeScalars {
            if let plain = plain(scalar) {
                current += plain
            } else if scalar == "-", !current.isEmpty, !current.hasSuffix("-") {
                current += "-"
            } else if scalar != "'", scalar != "’" {
                if !current.isEmpty { parts.append(current) }
                current = ""
            }
        }
        if !current.isEmpty { parts.append(current) }
        return parts
    }

    /// A letter or digit in the form that is compared; `nil` for anything else.
    private static func plain(_ scalar: Unicode.Scalar) -> String? {
        switch scalar {
        case "a"..."z", "0"..."9": String(scalar)
        case "A"..."Z": String(scalar).lowercased()
        case "à"..."å", "À"..."Å": "a"
        case "è"..."ë", "È"..."Ë": "e"
        case "ì"..."ï", "Ì"..."Ï": "i"
        case "ò"..."ö", "Ò"..."Ö", "ø", "Ø": "o"
        case "ù"..."ü", "Ù"..."Ü": "u"
        case "ç", "Ç": "c"
        case "ñ", "Ñ": "n"
        case "ß": "ss"
        case "æ", "Æ": "ae"
        default: scalar.properties.isAlphabetic ? String(scalar).lowercased() : nil
        }
    }

    /// A plural's singular by its ending: `boxes` → `box`, `daisies` → `daisy`, `hearts` → `heart`; `glass` stays.
    static func singular(_ word: String) -> String {
        guard word.utf8.count > 3, word.hasSuffix("s") else { return word }
        if word.hasSuffix("ies"), word.utf8.count > 4 { return word.dropLast(3) + "y" }
        for ending in ["sses", "shes", "ches", "xes"] where word.hasSuffix(ending) { return String(word.dropLast(2)) }
        if word.hasSuffix("ss") || word.hasSuffix("us") || word.hasSuffix("is") { return word }
        return String(word.dropLast())
    }
}
