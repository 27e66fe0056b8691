#if PostgreSQL
import ApusCore
import ApusRuntime

/// One database on one server, and who we are there.
struct PostgresPlace: Sendable {
    var host = ""
    var port: UInt16 = 5432
    var user = ""
    var password: Secret<String>?
    var database = ""
    /// Servers that follow this one, for reads.
    var replicas: [PostgresPlace] = []
    /// libpq's parameters for TLS and the like.
    var parameters: [String: String] = [:]

    /// For people: the server and the database.
    var name: String { "\(host):\(port)/\(database)" }

    /// Reads `user:password@host:port/database`; what is left out stays as it is.
    mutating func read(_ text: Substring) throws(ConfigurationError) {
        var address = text.prefix { $0 != "/" }
        if address.count < text.count {
            database = try PostgresLocation.decoded(text.dropFirst(address.count + 1))
        }
        if let at = address.lastIndex(of: "@") {
            let who = address[..<at]
            let name = who.prefix { $0 != ":" }
            user = try PostgresLocation.decoded(name)
            if name.count < who.count { password = Secret(try PostgresLocation.decoded(who.dropFirst(name.count + 1))) }
            address = address[address.index(after: at)...]
        }
        guard !address.isEmpty else { return }
        if address.hasPrefix("["), let end = address.firstIndex(of: "]") {
            host = String(address[address.index(after: address.startIndex)..<end])
            address = address[address.index(after: end)...]
        } else {
            host = try PostgresLocation.decoded(address.prefix { $0 != ":" })
            address = address.drop { $0 != ":" }
        }
        guard !address.isEmpty else { return }
        guard address.hasPrefix(":"), let number = UInt16(address.dropFirst()), number > 0 else {
            throw PostgresLocation.refused("a port that is none")
        }
        port = number
    }

    /// True where nobody else can listen in: the server is on this machine.
    private var isNear: Bool {
        host.hasPrefix("/") || host == "localhost" || host.hasPrefix("127.") || host == "::1"
    }

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

    /// Debian's file of the roots that the system trusts.
    private static let systemRoots = "/etc/ssl/certs/ca-certificates.crt"

    /// The command of PostgreSQL's own client.
    func stockClient(schema: String) -> String {
        "psql 'postgres://\(user)@\(host):\(port)/\(database)?options=-csearch_path%3D\(schema)'"
    }
}
#endif
