#if PostgreSQL
/// What a promotion does next, by what the servers say: a state machine without I/O.
///
/// It goes by what is, and not by what it did: one that was killed is gone on with by the next.
///
/// Others follow the one that is to become the primary before it does. From then on whatever they confirm it has, and a primary that
/// is cut off and waits for replicas to confirm can acknowledge nothing more. Only then is it compared how far they have come.
struct PostgresPromotion {
    /// What is known of a server at a moment.
    struct Server: Equatable {
        var standing: PostgresStanding
        /// The server whose log it receives, where that is one of them.
        var source: Int?
        /// Whether this user may make it the primary; have it follow another one, or refuse writes.
        var mayPromote = true
        var mayRepoint = true
    }

    /// What is to be done before the servers are asked again.
    enum Order: Equatable {
        /// Look again in a moment.
        case wait
        /// Have a primary refuse writes, and end the connections of all who began before.
        case fence(Int)
        /// Have these follow another one.
        case follow([Int], leader: Int)
        case promote(Int)
        /// It is done.
        case done(Int, timeline: Int64)
    }

    enum Way: Equatable {
        /// The primary is lost.
        case failover
        /// The primary answers, and hands over.
        case planned
    }

    /// Why nothing more is done, for people.
    struct Refusal: Error, Equatable {
        let line: String
        init(_ line: String) { self.line = line }
    }

    let way: Way
    /// Whether commits may be lost that only servers have which do not answer.
    let isForced: Bool
    /// The servers' names.
    let names: [String]
    private var hasFenced = false
    private var hasBegun = false
    /// The primary that hands over.
    private var giver: Int?
    /// Who is to become the primary.
    private(set) var leader: Int?

    init(_ way: Way, isForced: Bool, names: [String]) {
        self.way = way
        self.isForced = isForced
        self.names = names
    }

    /// What to do, now that this is how it is.
    ///
    /// - Parameter servers: In the order of the URL; `nil` for one that does not answer.
    /// - Returns: What is to be carried out before it is asked again.
    /// - Throws: ``Refusal``, which says what to do instead.
    mutating func heard(_ servers: [Server?]) throws(Refusal) -> Order {
        defer { hasBegun = true }
        let answers = servers.map { $0?.standing }
        let system = PostgresChoice.system(answers)
        switch PostgresChoice.of(answers, system: system) {
        case .primary(let index, let timeline):
            // Ours, or that of somebody who had begun before.
            if hasBegun, index != giver { return .done(index, timeline: timeline) }
            guard way == .planned else {
                let cutOff =
                    answers[index]?.isFenced == true ? "; it was fenced off by a promotion that was cut short" : ""
                throw Refusal(
                    "\(names[index]) is the primary and answers\(cutOff): add --planned to have it hand over"
                )
            }
            giver = index
            return try handOver(from: index, servers, system)
        case .several(let all):
            let both = all.map { names[$0] }.joined(separator: " and ")
            throw Refusal("\(both) both take writes on the same timeline: stop the one that is wrong")
        case .nobody(let old):
            if let old = old.first {
                throw Refusal(
                    "\(names[old]) takes writes, but was succeeded by a server that does not answer: start that one"
                )
            }
            guard way == .failover else {
                throw Refusal("no primary answers that could hand over: leave --planned out")
            }
            return try failOver(servers, system)
        }
    }

    private mutating func handOver(from primary: Int, _ servers: [Server?], _ system: Int64?) throws(Refusal) -> Order {
        let followers = try followers(servers, system)
        try checkMissing(servers, besides: primary)
        try checkRights(servers, followers)
        guard servers[primary]?.mayRepoint == true else { throw notAllowed(primary) }
        guard hasFenced else {
            hasFenced = true
            return .fence(primary)
        }
        // What it had written by when it was fenced off.
        return try lead(followers, servers, atLeast: servers[primary]?.standing.position ?? .max)
    }

    private mutating func failOver(_ servers: [Server?], _ system: Int64?) throws(Refusal) -> Order {
        let followers = try followers(servers, system)
        try checkMissing(servers, besides: nil)
        try checkRights(servers, followers)
        return try lead(followers, servers, atLeast: 0)
    }

    /// Has one go ahead, which has come farthest, and all the others follow it.
    private mutating func lead(_ followers: [Int], _ servers: [Server?], atLeast floor: Int64) throws(Refusal) -> Order
    {
        var positions: [Int: Int64] = [:]
        for index in followers { positions[index] = servers[index]?.standing.position }
        guard positions.count == followers.count else { return .wait }
        let most = positions.values.max() ?? 0
        let first = followers.filter { positions[$0] == most }
        // Rather one that others were told to follow already.
        let known =
            first.first { $0 == leader } ?? first.first { index in followers.contains { servers[$0]?.source == index } }
        guard let leader = known ?? first.first else { return .wait }
        self.leader = leader
        let others = followers.filter {
            $0 != leader && servers[$0]?.source != leader && servers[$0]?.mayRepoint == true
        }
        if !others.isEmpty { return .follow(others, leader: leader) }
        return most >= floor ? .promote(leader) : .wait
    }

    /// The servers that may become the primary.
    private func followers(_ servers: [Server?], _ system: Int64?) throws(Refusal) -> [Int] {
        let ours = PostgresChoice.ours(servers.map { $0?.standing }, system: system)
        let found = ours.filter { servers[$0]?.standing.isFollowing == true && servers[$0]?.standing.hasShard == true }
        guard !found.isEmpty else {
            throw Refusal(
                "no replica with the store's shards answers: name them by ?replica= in STORE_URL, and start them"
            )
        }
        return found
    }

    /// The lost primary is one that does not answer; another one may have commits that nobody else has.
    private func checkMissing(_ servers: [Server?], besides primary: Int?) throws(Refusal) {
        if isForced { return }
        let missing = servers.indices.filter { servers[$0] == nil }
        guard missing.count > (primary == nil ? 1 : 0) else { return }
        let list = missing.map { names[$0] }.joined(separator: ", ")
        throw Refusal(
            "\(list) do not answer, and one of them may have commits that no other replica has: start all replicas, or add "
                + "--force to go by those that answer"
        )
    }

    private func checkRights(_ servers: [Server?], _ followers: [Int]) throws(Refusal) {
        for index in followers {
            guard servers[index]?.mayPromote == true else { throw notAllowed(index) }
            if followers.count > 1, servers[index]?.mayRepoint != true, !isForced { throw notAllowed(index) }
        }
    }

    private func notAllowed(_ index: Int) -> Refusal {
        Refusal(
            "\(names[index]): promoting takes a superuser, who may run pg_promote and ALTER SYSTEM: "
                + "name one in STORE_URL for this command"
        )
    }
}
#endif
