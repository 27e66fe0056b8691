#if PostgreSQL
/// Which of a shard's servers is the primary, by what they say of themselves.
///
/// A promotion begins a timeline with a larger number, so that of several that take writes the one on the largest has been promoted
/// last: the others were cut off, or have come back.
enum PostgresChoice: Equatable {
    case primary(Int, timeline: Int64)
    /// None of those who answered takes writes, but for `old` ones, which were succeeded by one that does not answer now.
    case nobody(old: [Int])
    /// Different servers that write the same timeline: copies of each other that nobody promoted.
    case several([Int])

    /// - Parameters:
    ///   - answers: What each server says, in the order of the URL; `nil` for one that does not answer.
    ///   - system: The cluster that they are copies of, where that is known.
    ///   - known: The largest timeline that anybody was seen to write.
    /// - Returns: The choice. A server of another cluster is none of them; one that the URL names as a replica is taken only if it
    ///   has the store's shards, as a mistake in the URL is more likely than a failover to an empty server.
    static func of(_ answers: [PostgresStanding?], system: Int64?, known: Int64 = 0) -> PostgresChoice {
        let ours = Self.ours(answers, system: system)
        let writing = ours.filter { index in
            guard let answer = answers[index] else { return false }
            return !answer.isFollowing && (index == 0 || answer.hasShard)
        }
        let last = writing.compactMap { answers[$0]?.timeline }.max() ?? 0
        let heard = ours.compactMap { answers[$0]?.heard }.max() ?? 0
        guard last > 0, last >= max(known, heard) else { return .nobody(old: writing) }
        var found: [Int] = []
        for index in writing where answers[index]?.timeline == last {
            // The same server by another name.
            if found.contains(where: { answers[$0]?.startedAt == answers[index]?.startedAt }) { continue }
            found.append(index)
        }
        return found.count == 1 ? .primary(found[0], timeline: last) : .several(found)
    }

    /// The cluster that the servers are copies of: the one that the first of them belongs to, unless it is known.
    static func system(_ answers: [PostgresStanding?]) -> Int64? {
        answers.first.flatMap { $0?.system } ?? answers.compactMap { $0 }.first { $0.hasShard }?.system
    }

    /// The servers that answered and are of the cluster.
    static func ours(_ answers: [PostgresStanding?], system: Int64?) -> [Int] {
        let system = system ?? Self.system(answers)
        return answers.indices.filter { answers[$0] != nil && answers[$0]?.system == system }
    }
}
#endif
