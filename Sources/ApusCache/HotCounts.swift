import ApusCore

/// How often the most frequent of many hashes were seen, with a bounded number of counters.
///
/// A hash that has no counter takes the one with the lowest count, and starts there: so a count is never too low, and too
/// high by at most what it took over. Every hash that has more than a 128th of the samples is found.
///
/// - SeeAlso: Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k elements in data streams",
///   ICDT 2005: the algorithm Space-Saving.
struct HotCounts {
    /// Hashes that are counted at a time.
    static let countersMax = 128
    /// After this time a sample counts half.
    static let halfLife: Duration = .seconds(15)

    private var hashes: [UInt64] = []
    /// Samples of each hash, faded.
    private(set) var counts: [Double] = []
    /// How many of those may be other hashes'.
    private(set) var errors: [Double] = []
    /// All samples, faded in the same way.
    private(set) var samples = 0.0
    private var fadedAt: Int64?

    /// Hashes that have a counter.
    var count: Int { hashes.count }

    /// Where a hash was counted.
    enum Place {
        /// Where it was before.
        case known
        /// Behind the last.
        case new(Int)
        /// In the place of another.
        case instead(Int)
    }

    /// Counts a sample.
    mutating func add(_ hash: UInt64) -> Place {
        samples += 1
        var least = 0
        var lowest = Double.infinity
        for place in hashes.indices {
            if hashes[place] == hash {
                counts[place] += 1
                return .known
            }
            if counts[place] < lowest {
                lowest = counts[place]
                least = place
            }
        }
        guard hashes.count == Self.countersMax else {
            hashes.append(hash)
            counts.append(1)
            errors.append(0)
            return .new(hashes.count - 1)
        }
        hashes[least] = hash
        errors[least] = lowest
        counts[least] = lowest + 1
        return .instead(least)
    }

    /// Halves what was counted, once for every half-life that has passed, and forgets what is little then.
    ///
    /// - Parameter now: Nanoseconds of any clock, the same each time.
    /// - Returns: The places of those that are left, which move up; `nil` where all stay as they are.
    mutating func fade(at now: Int64) -> [Int]? {
        guard let last = fadedAt else {
            fadedAt = now
            return nil
        }
        let times = (now - last) / Self.halfLife.nanoseconds
        guard times > 0 else { return nil }
        fadedAt = last + times * Self.halfLife.nanoseconds
        let factor = times > 60 ? 0 : 1 / Double(UInt64(1) << UInt64(times))
        samples *= factor
        let kept = counts.indices.filter { counts[$0] * factor >= 0.25 }
        hashes = kept.map { hashes[$0] }
        errors = kept.map { errors[$0] * factor }
        counts = kept.map { counts[$0] * factor }
        return kept
    }
}
