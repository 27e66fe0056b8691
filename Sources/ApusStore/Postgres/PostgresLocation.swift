#if PostgreSQL
import ApusCore

/// Where a store's shards are: in one database, or in a database each.
///
/// `postgres://user:password@host:port/database` has all shards in one database, each in a schema of its own. With
/// `?shards=` a list names a database for each shard, in order: `shop_0,shop_1` on the URL's server, or
/// `10.0.0.1:5432/shop,10.0.0.2:5432/shop` on several. `?replica=10.0.0.3:5432,10.0.0.4:5432` names servers that follow
/// the URL's, for reads. With `?citus` the URL's database is the coordinator of a Citus cluster, which spreads the rows.
struct PostgresLocation: Sendable {
    /// One, or as many as there are shards.
    let places: [PostgresPlace]
    /// Whether Citus spreads the rows: there is one shard of ours then.
    let isCitus: Bool

    /// What the URL may set besides, by libpq's names.
    ///
    /// - SeeAlso: postgresql.org/docs/15/libpq-connect.html, 34.1.2.
    static let parameters = [
        "host", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "application_name", "target_session_attrs",
    ]

    /// Reads a URL.
    ///
    /// - Throws: `ConfigurationError`, which holds no password.
    init(url: String) throws(ConfigurationError) {
        let scheme = url.prefix { $0 != ":" }
        guard scheme == "postgres" || scheme == "postgresql", url.dropFirst(scheme.count).hasPrefix("://") else {
            throw Self.refused("\(scheme):…")
        }
        let rest = url.dropFirst(scheme.count + 3)
        let address = rest.prefix { $0 != "?" }
        guard !rest.contains("#") else { throw Self.refused("…#…") }
        var first = PostgresPlace()
        try first.read(address)
        var list: [Substring] = []
        var followers: [Substring] = []
        var isCitus = false
        for pair in rest.dropFirst(address.count + 1).split(separator: "&") {
            let key = String(pair.prefix { $0 != "=" })
            let value = pair.dropFirst(key.count + 1)
            switch key {
            case "shards": list = value.split(separator: ",", omittingEmptySubsequences: false)
            case "replica": followers += value.split(separator: ",", omittingEmptySubsequences: false)
            case "citus" where pair == "citus": isCitus = true
            case "host": first.host = try PostgresPlace.decoded(value)
            case _ where Self.parameters.contains(key): first.parameters[key] = try PostgresPlace.decoded(value)
            default:
                throw ConfigurationError(
                    field: "STORE_URL",
                    value: "…?\(key)=…",
                    accepted: "shards, replica, citus, \(Self.parameters.joined(separator: ", "))"
                )
            }
        }
        guard !first.user.isEmpty else { throw Self.refused("no user") }
        guard !isCitus || list.isEmpty && followers.isEmpty else {
            throw ConfigurationError(
                field: "STORE_URL",
                value: "…?citus with shards= or replica=",
                accepted: "?citus alone: the coordinator's database, where Citus places shards and knows their copies"
            )
        }
        var places: [PostgresPlace] = []
        for entry in list {
            var place = first
            if entry.contains("/") { try place.read(entry) } else { place.database = try PostgresPlace.decoded(entry) }
            places.append(place)
        }
        if places.isEmpty { places = [first] }
        if !followers.isEmpty { try Self.add(followers, to: &places) }
        for place in places where place.database.isEmpty || place.host.isEmpty {
            throw Self.refused(place.host.isEmpty ? "no host" : "no database")
        }
        self.places = places
        self.isCitus = isCitus
    }

    /// Gives each place its database on the servers that follow the URL's.
    private static func add(_ followers: [Substring], to places: inout [PostgresPlace]) throws(ConfigurationError) {
        guard let first = places.first, places.allSatisfy({ $0.host == first.host && $0.port == first.port }) else {
            throw refused("replica= with shards on several servers")
        }
        for index in places.indices {
            // Each server is asked what it is, whoever is the primary.
            places[index].parameters["target_session_attrs"] = nil
            for follower in followers {
                var place = places[index]
                guard !follower.isEmpty, !follower.contains("/") else {
                    throw refused("a replica that is no host:port")
                }
                place.port = 5432
                try place.read(follower)
                places[index].replicas.append(place)
            }
        }
    }

    /// The servers that have the shards, the URL's first; `nil` where it names none that follow.
    var servers: [PostgresPlace]? { places.first.flatMap { $0.replicas.isEmpty ? nil : [$0] + $0.replicas } }

    /// The database of a shard.
    ///
    /// - Throws: `ConfigurationError` where the list names neither one database nor one a shard.
    func place(ofShard shard: Int, of shards: Int) throws(ConfigurationError) -> PostgresPlace {
        if places.count == 1 { return places[0] }
        guard places.count >= shards, shard < places.count else {
            throw ConfigurationError(
                field: "STORE_URL",
                value: "\(places.count) shards",
                accepted: "one database for all shards, or one for each of the \(max(shards, shard + 1))"
            )
        }
        return places[shard]
    }

    static func refused(_ value: String) -> ConfigurationError {
        ConfigurationError(
            field: "STORE_URL",
            value: value,
            accepted: "postgres://user:password@host:port/database, with ?shards= for several databases"
        )
    }
}
#endif
