#if PostgreSQL
import ApusCore

/// Carries a promotion out on the servers of a store.
struct PostgresPromoter: Sendable {
    /// How long all of it may take.
    static let patience: Duration = .seconds(60)
    /// How long the new primary's first write may wait for a replica.
    static let confirmFor: Duration = .seconds(5)
    /// How often the servers are asked.
    private static let askEvery: Duration = .milliseconds(50)

    private let places: [PostgresPlace]
    private let shard: Int
    /// Each shard's databases, in the order of the servers.
    private let shards: [(places: [PostgresPlace], schema: String)]
    private let configuration: StoreConfiguration
    private let clock: any Clock

    /// - Throws: `ConfigurationError`; ``StoreError`` for a shard that is not there, or has no replicas.
    init(_ store: Store, shard: Int, at location: PostgresLocation, _ clock: any Clock) throws {
        guard (0..<max(store.shards, location.places.count)).contains(shard) else {
            throw StoreError(
                .statementInvalid,
                "there is no shard \(shard); the store is declared with \(store.shards)"
            )
        }
        guard let servers = location.servers else {
            throw StoreError(
                .statementInvalid,
                "STORE_URL names no replicas: add ?replica=host:port,… with all servers that follow the primary"
            )
        }
        places = servers
        self.shard = shard
        shards = try (0..<store.shards).map { index in
            let place = try location.place(ofShard: index, of: store.shards)
            return ([place] + place.replicas, "\(store.schemaName)_\(index)")
        }
        configuration = store.configuration
        self.clock = clock
    }

    /// Promotes; blocks.
    ///
    /// - Throws: ``StoreError``; `CancellationError` where `isCancelled` said so before it was too late.
    func run(
        _ way: PostgresPromotion.Way,
        isForced: Bool,
        _ progress: (String) -> Void,
        isCancelled: () -> Bool
    ) throws -> PromotionReport {
        let began = clock.now()
        let end = began + Self.patience
        let names = places.map(\.server)
        var machine = PostgresPromotion(way, isForced: isForced, names: names)
        let bench = PostgresBench(places, schema: shards[0].schema, configuration, clock)
        defer { bench.close() }
        var fenced: Int?
        var lastOrder = PostgresPromotion.Order.wait
        do {
            try bench.claim()
            while true {
                if isCancelled() { throw CancellationError() }
                let servers = try bench.ask(isForced: isForced)
                let order = try machine.heard(servers)
                if order != lastOrder, let line = line(order, names) { progress(line) }
                lastOrder = order
                switch order {
                case .wait: break
                case .fence(let index):
                    fenced = index
                    try bench.fence(index, by: end)
                case .follow(let followers, let leader):
                    for follower in followers { try bench.follow(follower, leader: leader) }
                case .promote(let index): try bench.promote(index, by: end)
                case .done(let index, let timeline):
                    return try report(index, timeline, servers, since: began)
                }
                guard clock.now() < end else { throw tooLong(lastOrder, names) }
                Pause.block(Self.askEvery)
            }
        } catch {
            // Unless one is being promoted, everything goes on as before.
            var isPromoting = false
            if case .promote = lastOrder { isPromoting = true }
            if let fenced, !isPromoting { bench.lift(fenced) }
            if let refusal = error as? PostgresPromotion.Refusal { throw StoreError(.statementInvalid, refusal.line) }
            throw error
        }
    }

    private func line(_ order: PostgresPromotion.Order, _ names: [String]) -> String? {
        switch order {
        case .wait: "waiting until a replica has everything"
        case .fence(let index): "\(names[index]): fenced off"
        case .follow(let followers, let leader):
            "\(followers.map { names[$0] }.joined(separator: ", ")): to follow \(names[leader])"
        case .promote(let index): "\(names[index]): to be the primary"
        case .done: nil
        }
    }

    private func tooLong(_ order: PostgresPromotion.Order, _ names: [String]) -> StoreError {
        let what =
            switch order {
            case .promote(let index):
                "\(names[index]) still replays its log, and becomes the primary by itself; look again"
            default: "the replicas were not ready; look at their logs, and promote again"
            }
        return StoreError(.deadlineExceeded, "a minute was not enough: \(what)")
    }

    /// Has the new primary write, which also says to everybody which timeline is in force.
    private func report(_ index: Int, _ timeline: Int64, _ servers: [PostgresPromotion.Server?], since began: Instant)
        throws
        -> PromotionReport
    {
        var isConfirmed = true
        for shard in shards where isConfirmed {
            let end = (clock.now() + Self.confirmFor).nanoseconds
            let link = try PostgresLink.connect(to: shard.places[index], schema: shard.schema, role: .writer, by: end)
            let session = PostgresSession(link, configuration: configuration, stopper: ServerStopper(), clock: clock)
            defer { session.close() }
            session.deadline = end
            let isThere: Int = try Transaction(session).one("SELECT (to_regclass('apus_primary') IS NOT NULL)::int")
            if isThere == 0 { continue }
            _ = try session.execute(
                """
                INSERT INTO apus_primary (timeline) VALUES (\(timeline))
                ON CONFLICT (timeline) DO UPDATE SET timeline = excluded.timeline
                """
            )
            isConfirmed = !link.takeUnconfirmed()
        }
        let others = places.indices.filter { $0 != index }
        let following = others.filter { servers[$0]?.source == index }
        return PromotionReport(
            shard: shard,
            server: places[index].server,
            timeline: timeline,
            following: following.map { places[$0].server },
            left: others.filter { !following.contains($0) }.map { places[$0].server },
            isConfirmed: isConfirmed,
            nanoseconds: (clock.now() - began).nanoseconds
        )
    }
}
#endif
