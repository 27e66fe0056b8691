import ApusCore

/// What the URLs of cache servers have in common, and the errors that they are refused with.
struct CacheURLText {
    /// The setting that a URL was given by.
    let field: String
    /// What is accepted in its place.
    let accepted: String

    /// The parts of `user:password@rest`, percent signs read; no user and no password where there is no `@`.
    func credentials(
        _ text: Substring
    ) throws(ConfigurationError) -> (user: String, password: String?, rest: Substring) {
        // A password may hold what looks like an end, but an @ in it is written %40.
        guard let at = text.lastIndex(of: "@") else { return ("", nil, text) }
        let who = text[..<at]
        let name = who.prefix { $0 != ":" }
        guard name.count < who.count else { throw refused("a user without a password; write user:password@") }
        let password = try decoded(who.dropFirst(name.count + 1))
        guard !password.isEmpty else { throw refused("an empty password; write user:password@, or leave both out") }
        return (try decoded(name), password, text[text.index(after: at)...])
    }

    /// The parts of `host[:port]`.
    func server(_ text: Substring, port usual: UInt16) throws(ConfigurationError) -> (host: String, port: UInt16) {
        guard !text.hasPrefix("[") else { throw refused("an IPv6 address; use a name, or an IPv4 address") }
        let host = text.prefix { $0 != ":" }
        guard !host.isEmpty else { throw refused("a server without a name") }
        guard host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw refused("a server's name that is none") }
        guard host.count < text.count else { return (String(host), usual) }
        guard let port = UInt16(text.dropFirst(host.count + 1)), port > 0 else {
            throw refused("a port that is none; it is a number from 1 to 65535")
        }
        return (String(host), port)
    }

    /// The text behind percent signs.
    func decoded(_ text: Substring) throws(ConfigurationError) -> String {
        guard let text = PercentCoding.decodeText(text) else {
            throw refused("a percent sign without two hexadecimal digits, or text that is not UTF-8")
        }
        return text
    }

    /// The error for a URL of which `what` is wrong; it never shows the URL, which may hold a password.
    func refused(_ what: String) -> ConfigurationError {
        ConfigurationError(field: field, value: what, accepted: accepted)
    }
}
