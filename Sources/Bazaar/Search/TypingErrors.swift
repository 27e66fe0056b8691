/// How many slips of the fingers lie between two words: a letter too many, too few, another one, or two swapped.
///
/// - SeeAlso: the restricted edit distance of L. Boytsov, "Indexing methods for approximate dictionary searching" (2011),
///   also known as optimal string alignment.
enum TypingErrors {
    /// Which letters a word has, as bits: a quick look that rules most words out.
    ///
    /// One slip changes at most two of them.
    static func letters(_ word: some Sequence<UInt8>) -> UInt32 {
        var mask: UInt32 = 0
        for byte in word {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): mask |= 1 << UInt32(byte - UInt8(ascii: "a"))
            case UInt8(ascii: "0")...UInt8(ascii: "9"): mask |= 1 << 26
            default: mask |= 1 << 27
            }
        }
        return mask
    }

    /// Slips that are forgiven in a word of so many letters.
    static func forgiven(_ count: Int) -> Int { count < 3 ? 0 : count < 7 ? 1 : 2 }

    /// The slips between `typed` and `word`, or between `typed` and the beginning of `word` that is nearest.
    ///
    /// - Returns: `nil` for more than `max`.
    static func count(_ typed: [UInt8], _ word: [UInt8], max: Int, isBeginning: Bool = false) -> Int? {
        if typed.count - word.count > max || !isBeginning && word.count - typed.count > max { return nil }
        // Rows are letters of `typed`; three are enough, because a swap looks back two. They take turns in one piece of memory:
        // a search compares a word with thousands.
        let width = word.count + 1
        return withUnsafeTemporaryAllocation(of: Int.self, capacity: 3 * width) { memory in
            memory.initialize(repeating: 0)
            var (before, last, current) = (0, width, 2 * width)
            for column in 0..<width { memory[last + column] = column }
            for row in 0..<typed.count {
                memory[current] = row + 1
                var best = row + 1
                for column in 1..<Swift.max(1, width) {
                    let isSame = typed[row] == word[column - 1]
                    var cost = min(
                        memory[last + column] + 1,
                        memory[current + column - 1] + 1,
                        memory[last + column - 1] + (isSame ? 0 : 1)
                    )
                    if row > 0, column > 1, typed[row] == word[column - 2], typed[row - 1] == word[column - 1] {
                        cost = min(cost, memory[before + column - 2] + 1)
                    }
                    memory[current + column] = cost
                    best = min(best, cost)
                }
                // A swap may still bring a row's best down by one, never more.
                if best > max + 1 { return nil }
                (before, last, current) = (last, current, before)
            }
            let ends = memory[last..<last + width]
            let slips = isBeginning ? ends.min() : ends.last
            return slips.flatMap { $0 <= max ? $0 : nil }
        }
    }
}
