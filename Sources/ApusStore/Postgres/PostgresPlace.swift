#if PostgreSQL
import ApusCore
import ApusRuntime

/// One database on one server, and who we are there.
struct PostgresPlace: ServerPlace {
    var host = ""
    var port: UInt16 = 5432
    var user = ""
    var password: Secret<String>?
    var database = ""
    /// Servers that follow this one, for reads.
    var replicas: [PostgresPlace] = []
    /// libpq's parameters for TLS and the like.
    var parameters: [String: String] = [:]

    /// For people: the server alone.
    var server: String { "\(host):\(port)" }

    static func refused(_ value: String) -> ConfigurationError { PostgresLocation.refused(value) }

    /// What libpq is told, but for the session's own settings.
    ///
    /// TLS with the server's certificate and name checked, unless the server is on this machine or the URL says otherwise.
    var keywords: [(String, String)] {
        var words = parameters
        words["host"] = host
        words["port"] = "\(port)"
        words["user"] = user
        words["dbname"] = database
        words["password"] = password?.reveal()
        words["client_encoding"] = "UTF8"
        words["gssencmode"] = "disable"
        words["application_name"] = words["application_name"] ?? "apus"
        // A peer that is gone without a word is noticed also while nothing is on its way.
        words["keepalives_idle"] = "30"
        words["keepalives_interval"] = "10"
        words["keepalives_count"] = "3"
        let mode = words["sslmode"] ?? (isNear ? "prefer" : "verify-full")
        words["sslmode"] = mode
        if mode.hasPrefix("verify"), words["sslrootcert"] == nil, Files.status(Self.systemRoots) != nil {
            words["sslrootcert"] = Self.systemRoots
        }
        return words.map { ($0.key, $0.value) }
    }

    /// The command of PostgreSQL's own client.
    func stockClient(schema: String) -> String {
        "psql 'postgres://\(user)@\(host):\(port)/\(database)?options=-csearch_path%3D\(schema)'"
    }
}
#endif
