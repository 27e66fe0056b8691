#if MySQL
import ApusCore

/// One database on one server, and who we are there.
struct MySQLPlace: ServerPlace {
    var host = ""
    var port: UInt16 = 3306
    var user = ""
    var password: Secret<String>?
    var database = ""
    var tls = TLS()

    /// How the connection is guarded.
    struct TLS: Sendable {
        enum Mode: String, Sendable {
            case disable, require
            case verifyFull = "verify-full"
        }
        /// What the URL says; else it follows from where the server is.
        var mode: Mode?
        var rootCertificate: String?
        var certificate: String?
        var key: String?
        var revoked: String?
    }

    /// The certificate and the name are checked unless the server is on this machine or the URL says otherwise.
    var mode: TLS.Mode { tls.mode ?? (isNear ? .disable : .verifyFull) }

    static func refused(_ value: String) -> ConfigurationError { MySQLLocation.refused(value) }

    /// The command of the server's own client.
    var stockClient: String { "mariadb -h \(host) -P \(port) -u \(user) -p \(database)" }
}
#endif
