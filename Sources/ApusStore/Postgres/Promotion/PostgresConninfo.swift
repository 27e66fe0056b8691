#if PostgreSQL
import CPostgres
import Glibc

/// How a replica connects to the server that it follows, as its setting `primary_conninfo` says.
///
/// - SeeAlso: postgresql.org/docs/15/libpq-connect.html, 34.1.1.1.
enum PostgresConninfo {
    /// The same with another server in it.
    ///
    /// - Returns: `nil` for a text that libpq cannot read.
    static func text(_ text: String, to host: String, port: UInt16) -> String? {
        guard let options = PQconninfoParse(text, nil) else { return nil }
        defer { PQconninfoFree(options) }
        var words: [(String, String)] = []
        var option = options
        while let key = option.pointee.keyword {
            defer { option += 1 }
            guard let value = option.pointee.val else { continue }
            let name = String(cString: key)
            if ["host", "hostaddr", "port"].contains(name) { continue }
            words.append((name, String(cString: value)))
        }
        words += [("host", host), ("port", "\(port)")]
        return words.map { "\($0.0)='\(escaped($0.1))'" }.joined(separator: " ")
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
    }

    /// A text as the server's language has it.
    static func literal(_ text: String) -> String { "'\(text.replacing("'", with: "''"))'" }
}
#endif
