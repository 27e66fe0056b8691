#if MySQL
import ApusCore
import ApusRuntime
import CMariaDB

/// What the library is told before it connects, and what it means that a connection was refused.
extension MySQLPlace {
    /// Ways to prove who we are that do not show the password to whoever claims to be the server.
    private static let plugins = "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password"
    /// The library's other stack, on which TLS works too.
    private static let stackBytes = 256 << 10

    func setOptions(of handle: UnsafeMutablePointer<MYSQL>, bytesMax: Int) {
        set(handle, MYSQL_OPT_NONBLOCK, Self.stackBytes)
        set(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4")
        // The server does not get to read our files.
        set(handle, MYSQL_OPT_LOCAL_INFILE, UInt32(0))
        set(handle, MYSQL_OPT_PROTOCOL, (host.hasPrefix("/") ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP).rawValue)
        set(handle, MYSQL_OPT_MAX_ALLOWED_PACKET, UInt(min(max(bytesMax, 1 << 20), 1 << 30)))
        set(handle, MYSQL_REPORT_DATA_TRUNCATION, my_bool(0))
        set(handle, MARIADB_OPT_RESTRICTED_AUTH, Self.plugins)
        guard mode != .disable else { return }
        set(handle, MYSQL_OPT_SSL_ENFORCE, my_bool(1))
        set(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, my_bool(mode == .verifyFull ? 1 : 0))
        set(handle, MARIADB_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3")
        let roots = tls.rootCertificate ?? (Files.status(Self.systemRoots) != nil ? Self.systemRoots : nil)
        if mode == .verifyFull, let roots { set(handle, MYSQL_OPT_SSL_CA, roots) }
        if let certificate = tls.certificate { set(handle, MYSQL_OPT_SSL_CERT, certificate) }
        if let key = tls.key { set(handle, MYSQL_OPT_SSL_KEY, key) }
        if let revoked = tls.revoked { set(handle, MYSQL_OPT_SSL_CRL, revoked) }
    }

    private func set(_ handle: UnsafeMutablePointer<MYSQL>, _ option: mysql_option, _ text: String) {
        mysql_options(handle, option, text)
    }

    private func set<Value: BitwiseCopyable>(
        _ handle: UnsafeMutablePointer<MYSQL>,
        _ option: mysql_option,
        _ value: Value
    ) {
        withUnsafeBytes(of: value) { _ = mysql_options(handle, option, $0.baseAddress) }
    }

    // MARK: Refusals

    /// The error for a refused connection, in one line with the fix.
    ///
    /// - Parameters:
    ///   - error: What went wrong.
    ///   - message: The library's words, which are told where they are about TLS.
    /// - Returns: The code that tells what to do, and the line.
    func refusal(_ error: MySQLError, message: String) -> StoreError {
        let found = error.storeError(name, isReader: false)
        let reason =
            switch error.number {
            case 1045, 1698, 1130, 1129, 2059, 2061, 4151:
                "the server refuses the user \"\(user)\" (error \(error.number)); look at its password and its host"
            case 1044:
                "the user \"\(user)\" may not use the database; GRANT ALL ON \"\(database)\".* TO \"\(user)\""
            case 1049: "there is no such database; start the program once with a user who may make it"
            case 1040, 1203, 1226:
                "the server has no connection left; raise its max_connections, or start fewer processes"
            case 2026: "\(message.split(separator: "\n").first ?? ""); \(Self.adviceOnTLS(message))"
            case 2000..<3000: "no connection (error \(error.number))"
            default: "the server refuses the connection (error \(error.number))"
            }
        let code = found.code == .statementInvalid ? StoreError.Code.accessRefused : found.code
        return StoreError(code, "\(name): \(reason)", cause: error)
    }

    private static func adviceOnTLS(_ reason: String) -> String {
        if reason.contains("does not support") {
            return "switch TLS on at the server, or say sslmode=disable where nobody can listen in"
        }
        return "name the authority that signed the server's certificate by sslrootcert, and a host that is in it"
    }
}
#endif
