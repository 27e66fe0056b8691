#if MySQL
import ApusCore

/// Where a store's shards are: each in a database of its own.
///
/// `mysql://user:password@host:port` has them in databases that are named after the store and the shard, such as
/// `bazaar_0`; `mysql://user:password@host:port/shop` in `shop_0` and so on. With `?shards=` a list names the database of each shard, in order: `shop_0,shop_1` on the URL's server, or
/// `10.0.0.1:3306/shop,10.0.0.2:3306/shop` on several. `mysqls://` asks for TLS with everything checked.
struct MySQLLocation: Sendable {
    /// The URL's server, and who we are there.
    let server: MySQLPlace
    /// None, or as many as there are shards.
    let places: [MySQLPlace]

    /// Reads a URL.
    ///
    /// - Throws: `ConfigurationError`, which holds no password.
    init(url: String) throws(ConfigurationError) {
        let scheme = url.prefix { $0 != ":" }
        guard ["mysql", "mysqls", "mariadb"].contains(scheme), url.dropFirst(scheme.count).hasPrefix("://") else {
            throw Self.refused("\(scheme):…")
        }
        let rest = url.dropFirst(scheme.count + 3)
        let address = rest.prefix { $0 != "?" }
        guard !rest.contains("#") else { throw Self.refused("…#…") }
        var first = MySQLPlace()
        if scheme == "mysqls" { first.tls.mode = .verifyFull }
        try first.read(address)
        var list: [Substring] = []
        for pair in rest.dropFirst(address.count + 1).split(separator: "&") {
            let key = String(pair.prefix { $0 != "=" })
            let value = pair.dropFirst(key.count + 1)
            switch key {
            case "shards": list = value.split(separator: ",", omittingEmptySubsequences: false)
            case "host": first.host = try MySQLPlace.decoded(value)
            case "sslmode":
                guard let mode = MySQLPlace.TLS.Mode(rawValue: String(value)) else {
                    throw ConfigurationError(
                        field: "STORE_URL",
                        value: "…?sslmode=…",
                        accepted: "disable, require, verify-full"
                    )
                }
                first.tls.mode = mode
            case "sslrootcert": first.tls.rootCertificate = try MySQLPlace.decoded(value)
            case "sslcert": first.tls.certificate = try MySQLPlace.decoded(value)
            case "sslkey": first.tls.key = try MySQLPlace.decoded(value)
            case "sslcrl": first.tls.revoked = try MySQLPlace.decoded(value)
            default:
                throw ConfigurationError(
                    field: "STORE_URL",
                    value: "…?\(key)=…",
                    accepted: "shards, host, sslmode, sslrootcert, sslcert, sslkey, sslcrl"
                )
            }
        }
        guard !first.user.isEmpty else { throw Self.refused("no user") }
        guard !first.host.isEmpty else { throw Self.refused("no host") }
        var places: [MySQLPlace] = []
        for entry in list {
            var place = first
            if entry.contains("/") { try place.read(entry) } else { place.database = try MySQLPlace.decoded(entry) }
            places.append(place)
        }
        let names = places.map(\.database) + (first.database.isEmpty ? [] : [first.database])
        guard names.allSatisfy(Identifiers.isIdentifier) else {
            throw Self.refused("a database's name of other than letters, digits and _")
        }
        server = first
        self.places = places
    }

    /// The database of a shard.
    ///
    /// - Throws: `ConfigurationError` where the list does not name one a shard.
    func place(ofShard shard: Int, of store: Store) throws(ConfigurationError) -> MySQLPlace {
        if places.isEmpty {
            var place = server
            place.database = "\(server.database.isEmpty ? store.schemaName : server.database)_\(shard)"
            return place
        }
        guard places.count >= store.shards, shard < places.count else {
            throw ConfigurationError(
                field: "STORE_URL",
                value: "\(places.count) shards",
                accepted: "one database for each of the \(max(store.shards, shard + 1))"
            )
        }
        return places[shard]
    }

    static func refused(_ value: String) -> ConfigurationError {
        ConfigurationError(
            field: "STORE_URL",
            value: value,
            accepted: "mysql://user:password@host:port/name, with ?shards= for databases of other names"
        )
    }
}
#endif
