import Glibc

/// Which expert's cache would have been hit most lately.
///
/// A hit fades with a half-life of 6 times the entries a cache has. Another expert takes the lead once its score has been
/// ahead, for as many reads as the cache has entries, by more than what chance would make of two equal ones. The wait keeps
/// the lead from swinging on a loop, where equally good experts hold different parts of it and are hit one after the other.
/// Half-life and margin are not delicate: twice of either, or half, do about as well.
struct Leaderboard {
    private(set) var leader: CachePolicyKind
    private var scores = SIMD4<Double>(repeating: 0)
    private var reads = 0
    /// The read after which somebody else was ahead all the time.
    private var aheadSince = 0
    private var entries = 0
    private var fading = 1.0
    private var margin = 0.0

    init(leader: CachePolicyKind) { self.leader = leader }

    /// Takes note of how many entries the cache has when it is full.
    mutating func fit(_ entries: Int) {
        guard entries != self.entries else { return }
        self.entries = entries
        let halfLife = 6 * Double(entries)
        fading = exp2(-1 / halfLife)
        // The deviation of a fading count of coin tosses, of which at most one a read falls.
        margin = 0.75 * (halfLife / log(2)).squareRoot()
    }

    /// Counts a read that hit the caches of `holders`; returns whether the lead changed.
    mutating func count(_ holders: UInt8) -> Bool {
        scores *= fading
        reads += 1
        if holders == 0 { return false }
        if holders == CachePolicyKind.allBits {
            scores += 1
            return false
        }
        for kind in CachePolicyKind.allCases where holders & kind.bit != 0 { scores[Int(kind.rawValue)] += 1 }
        let best = best()
        if best == leader {
            aheadSince = reads
            return false
        }
        guard reads - aheadSince > entries else { return false }
        aheadSince = reads
        leader = best
        return true
    }

    /// The expert with the highest score, where that is ahead of the leader's by the margin; else the leader.
    private func best() -> CachePolicyKind {
        var best = leader
        var score = scores[Int(leader.rawValue)] + margin
        for kind in CachePolicyKind.allCases where scores[Int(kind.rawValue)] > score {
            best = kind
            score = scores[Int(kind.rawValue)]
        }
        return best
    }
}
