import ApusCore

/// One database on one server, as a URL names it, and who we are there.
protocol ServerPlace: Sendable {
    var host: String { get set }
    var port: UInt16 { get set }
    var user: String { get set }
    var password: Secret<String>? { get set }
    var database: String { get set }

    /// The error for a URL that cannot be read: `value` says what of it, without a password.
    static func refused(_ value: String) -> ConfigurationError
}

extension ServerPlace {
    /// For people: the server and the database.
    var name: String { "\(host):\(port)/\(database)" }

    /// Reads `user:password@host:port/database`; what is left out stays as it is.
    mutating func read(_ text: Substring) throws(ConfigurationError) {
        var address = text.prefix { $0 != "/" }
        if address.count < text.count {
            database = try Self.decoded(text.dropFirst(address.count + 1))
        }
        if let at = address.lastIndex(of: "@") {
            let who = address[..<at]
            let name = who.prefix { $0 != ":" }
            user = try Self.decoded(name)
            if name.count < who.count { password = Secret(try Self.decoded(who.dropFirst(name.count + 1))) }
            address = address[address.index(after: at)...]
        }
        guard !address.isEmpty else { return }
        if address.hasPrefix("["), let end = address.firstIndex(of: "]") {
            host = String(address[address.index(after: address.startIndex)..<end])
            address = address[address.index(after: end)...]
        } else {
            host = try Self.decoded(address.prefix { $0 != ":" })
            address = address.drop { $0 != ":" }
        }
        guard !address.isEmpty else { return }
        guard address.hasPrefix(":"), let number = UInt16(address.dropFirst()), number > 0 else {
            throw Self.refused("a port that is none")
        }
        port = number
    }

    /// True where nobody else can listen in: the server is on this machine.
    var isNear: Bool {
        host.hasPrefix("/") || host == "localhost" || host.hasPrefix("127.") || host == "::1"
    }

    /// Debian's file of the roots that the system trusts.
    static var systemRoots: String { "/etc/ssl/certs/ca-certificates.crt" }

    /// The text behind percent signs.
    static func decoded(_ text: Substring) throws(ConfigurationError) -> String {
        guard let text = PercentCoding.decodeText(text) else {
            throw refused("a percent sign without two hexadecimal digits, or text that is not UTF-8")
        }
        return text
    }
}
