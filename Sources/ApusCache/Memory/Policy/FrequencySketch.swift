/// How often keys were asked for lately, by four counters of four bits each: a count-min sketch.
///
/// A key's counters lie in one block of 64 bytes. After ten additions for each entry all counters are halved, so that
/// what was popular once is not for ever.
///
/// - SeeAlso: Einziger, Friedman, Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", ACM TOS 2017.
struct FrequencySketch: ~Copyable {
    // 16 counters a word, 8 words a block.
    private var words = FlatArray<UInt64>(repeating: 0, count: 16)
    private var additions = 0
    private var entries = 16

    var bytes: Int { words.bytes }

    /// Makes it fit so many entries, with a word of 16 counters for each.
    mutating func fit(_ entries: Int) {
        guard entries > self.entries else { return }
        self.entries = entries
        // A second copy of the table keeps every count: a key's block is chosen by its hash modulo a power of two.
        while words.count < entries {
            let half = words.count
            words.grow(to: 2 * half, 0)
            for word in 0..<half { words[half + word] = words[word] }
        }
    }

    private func block(_ mixed: UInt64) -> Int { (Int(truncatingIfNeeded: mixed) & (words.count / 8 - 1)) * 8 }

    private static func mix(_ hash: UInt64) -> UInt64 {
        let mixed = hash &* 0x9E37_79B9_7F4A_7C15
        return mixed ^ (mixed >> 32)
    }

    /// Counts one request.
    mutating func add(_ hash: UInt64) {
        let mixed = Self.mix(hash)
        let block = block(mixed)
        var bits = mixed >> 32
        var isChanged = false
        for row in 0..<4 {
            let word = block + 2 * row + Int(bits & 1)
            let shift = (bits >> 1) & 15 << 2
            if (words[word] >> shift) & 15 < 15 {
                words[word] += 1 << shift
                isChanged = true
            }
            bits >>= 8
        }
        guard isChanged else { return }
        additions += 1
        if additions >= 10 * entries { age() }
    }

    /// About how often a key was asked for, 0 to 15.
    func estimate(_ hash: UInt64) -> Int {
        let mixed = Self.mix(hash)
        let block = block(mixed)
        var bits = mixed >> 32
        var least: UInt64 = 15
        for row in 0..<4 {
            let word = block + 2 * row + Int(bits & 1)
            least = min(least, (words[word] >> ((bits >> 1) & 15 << 2)) & 15)
            bits >>= 8
        }
        return Int(least)
    }

    private mutating func age() {
        for word in 0..<words.count { words[word] = (words[word] >> 1) & 0x7777_7777_7777_7777 }
        additions /= 2
    }
}
