#if PostgreSQL
/// What it means that a connection was refused, in one line with the fix.
extension PostgresPlace {
    /// The error for libpq's text, of which the first line says what happened.
    func refusal(_ text: String) -> StoreError {
        if let error = PostgresError(connectionText: text) {
            return StoreError(
                error.storeError(name, isReader: false).code,
                "\(name): \(advice(error.state))",
                cause: error
            )
        }
        let line = text.split(separator: "\n").first.map(String.init) ?? "no reason given"
        let reason = line.firstRange(of: " failed: ").map { String(line[$0.upperBound...]) } ?? line
        guard let fix = Self.adviceOnTLS(reason) else { return StoreError(.unreachable, "\(name): \(reason)") }
        return StoreError(.accessRefused, "\(name): \(reason); \(fix)")
    }

    private func advice(_ state: String) -> String {
        switch state {
        case "28P01", "28000":
            "the server refuses the user \"\(user)\" (\(state)); look at its password and at pg_hba.conf"
        case "3D000":
            "there is no such database; make it: CREATE DATABASE \"\(database)\" ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0"
        case "53300": "the server has no connection left; raise its max_connections, or start fewer processes"
        case "57P03": "the server is starting up or shutting down"
        default: "the server refuses the connection (SQLSTATE \(state))"
        }
    }

    /// What to do about a failure of TLS; `nil` where it was none.
    private static func adviceOnTLS(_ reason: String) -> String? {
        if reason.contains("does not match host name") { return "connect by a name that the certificate has" }
        if reason.contains("does not support SSL") {
            return "switch ssl on in its postgresql.conf, or say sslmode=disable where nobody can listen in"
        }
        if reason.contains("certificate") {
            return "name the authority that signed the server's certificate by sslrootcert, or renew the certificate"
        }
        return reason.contains("SSL") ? "look at sslmode and at the server's TLS" : nil
    }
}
#endif
