#if PostgreSQL
import ApusCore

/// A store whose rows Citus spreads over its nodes: one shard of ours, whose tables are distributed or reference tables.
///
/// What the store keeps for itself, the tables `apus_…`, stays on the coordinator.
struct Citus: Sendable {
    let layout: CitusLayout
    /// Looks at statements of one key.
    let guardian: CitusGuard

    /// - Throws: `ConfigurationError` for declared tables that Citus cannot spread.
    init(_ store: Store) throws(ConfigurationError) {
        layout = try CitusLayout(store.tables)
        guardian = CitusGuard(layout)
    }

    // MARK: The server

    /// The first version whose nodes run transactions as isolated as the coordinator was asked to, and number rows.
    ///
    /// - SeeAlso: github.com/citusdata/citus, CHANGELOG.md, 11.2.0: "Propagates BEGIN properties to worker nodes", "Adds support
    ///   for using identity columns on Citus tables".
    private static let versionLeast = (11, 2)

    /// Makes sure that this is the coordinator of a Citus that will do.
    ///
    /// - Throws: ``StoreError`` with code `accessRefused`.
    static func checkServer(_ session: any SQLSession, _ place: String) throws {
        let transaction = Transaction(session)
        let known: Int = try transaction.one(
            "SELECT count(1) FROM pg_proc WHERE proname = 'citus_version' AND pg_function_is_visible(oid)"
        )
        guard known > 0 else {
            throw StoreError(
                .accessRefused,
                "\(place) has no Citus; CREATE EXTENSION citus there and on every node, or leave ?citus out of the URL"
            )
        }
        let text: String = try transaction.one("SELECT citus_version()")
        guard let version = version(text), version >= versionLeast else {
            throw StoreError(
                .accessRefused,
                "\(place): Citus \(versionLeast.0).\(versionLeast.1) or newer is needed; the nodes of older ones do not keep "
                    + "transactions apart"
            )
        }
        let isCoordinator: Int = try transaction.one("SELECT CASE WHEN citus_is_coordinator() THEN 1 ELSE 0 END")
        guard isCoordinator == 1 else {
            throw StoreError(
                .accessRefused,
                "\(place) is not the coordinator of its Citus cluster; name that in the URL"
            )
        }
    }

    /// The version in `Citus 11.3.0 on x86_64-pc-linux-gnu, …`.
    static func version(_ text: String) -> (Int, Int)? {
        guard let match = text.firstMatch(of: #/Citus[^0-9]*(\d+)\.(\d+)/#), let major = Int(match.1),
            let minor = Int(match.2)
        else { return nil }
        return (major, minor)
    }

    /// The map of a store that Citus spreads, which has one shard of ours.
    ///
    /// - Throws: ``StoreError``; `mapMismatch` for a store of several shards: they do not become one by a URL.
    static func open(_ map: ServerMap, _ store: Store) throws -> ShardMap {
        func severalShards(_ cause: (any Error)?) -> StoreError {
            StoreError(
                .mapMismatch,
                "\(map.name) has a store of several shards, or of another sharding; back it up without ?citus, and restore it "
                    + "into an empty database with it",
                cause: cause
            )
        }
        let found: ShardMap
        do { found = try map.open(store, shards: 1) } catch let error as StoreError where error.code == .mapMismatch {
            throw severalShards(error)
        }
        guard found.shards == 1 else { throw severalShards(nil) }
        return found
    }

    // MARK: Tables

    /// Makes a session fit for steps of the schema.
    ///
    /// One connection a node: with several, tables with foreign keys to reference tables cannot be made in one transaction.
    func prepare(_ session: PostgresSession) throws {
        try session.control("SET citus.multi_shard_modify_mode TO 'sequential'")
    }

    /// Spreads the declared tables that are there and not spread yet, in the session's transaction, and checks all.
    ///
    /// What there is says what is left to do, so that it is done once however often it is begun.
    ///
    /// - Throws: ``StoreError``; `statementInvalid` for what ``CitusCheck`` refuses.
    func settle(_ session: any SQLSession) throws {
        let facts = try CitusFacts.read(session)
        try CitusCheck(layout: layout, facts: facts).run()
        // A table of each group that is spread.
        var settled: [String: String] = [:]
        for table in layout.tables {
            guard let group = table.group, case .distributed? = facts.spread[table.name] else { continue }
            settled[group] = table.name
        }
        for table in layout.tables where facts.spread[table.name] == .local {
            let name = "\"\(table.name)\""
            switch table.kind {
            case .reference: _ = try session.execute("SELECT create_reference_table(\(name))")
            case .distributed(let column, let group):
                let beside = settled[group].map { "\"\($0)\"" } ?? "none"
                _ = try session.execute(
                    "SELECT create_distributed_table(\(name), \(column), colocate_with => \(beside))"
                )
                settled[group] = table.name
            }
        }
    }

    // MARK: What the database does

    /// Why the library neither moves nor copies the rows.
    static let leftToDatabase = LeftToDatabase(
        resharding: StoreError(
            .statementInvalid,
            "Citus moves the rows of this store: SELECT citus_rebalance_start(), or citus_move_shard_placement(…) for one shard"
        ),
        backup: StoreError(
            .statementInvalid,
            "no transaction sees all nodes of Citus at one moment: SELECT citus_create_restore_point(…), and back up each node "
                + "with its log"
        )
    )

    /// What has become of a statement that stood alone: a node may have committed it before something broke.
    static func outcome(of error: StoreError) -> StoreError {
        guard let state = (error.cause as? PostgresError)?.state, state == "XX000" || state.hasPrefix("08") else {
            return error
        }
        return StoreError(.outcomeUnknown, error.detail, cause: error)
    }
}
#endif
