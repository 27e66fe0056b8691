import ApusCore

/// Who may ask the dashboard what.
///
/// Everything wants a `Host` of ours, so that a page elsewhere cannot reach it by a name that it points at loopback. A
/// change also wants the token, and from a browser an `Origin` of ours: a cookie goes along with requests that other
/// pages make.
struct AccessGuard: Sendable {
    /// What a request says of itself.
    struct Claim: Sendable {
        var host = ""
        var origin: String?
        var authorization: String?
        var cookie: String?
    }
    /// Why a request is refused.
    enum Refusal: Error, Equatable {
        case foreignHost, foreignOrigin, noToken
    }

    let token: Secret<String>
    let port: UInt16

    /// The cookie's name; the port is part of it, since cookies do not keep ports apart.
    var cookieName: String { "apus-\(port)" }

    private var hosts: [String] { ["127.0.0.1:\(port)", "localhost:\(port)"] }

    func checkRead(_ claim: Claim) throws(Refusal) {
        guard hosts.contains(claim.host.lowercased()) else { throw .foreignHost }
    }

    /// - Returns: Whether it is a browser that asks.
    @discardableResult
    func checkChange(_ claim: Claim) throws(Refusal) -> Bool {
        try checkRead(claim)
        if let origin = claim.origin, !hosts.contains(where: { origin.lowercased() == "http://\($0)" }) {
            throw .foreignOrigin
        }
        if let given = claim.authorization {
            guard given.lowercased().hasPrefix("bearer "), token.matches(String(given.dropFirst(7))) else {
                throw .noToken
            }
            return false
        }
        guard let cookie = claim.cookie, let given = Self.value(of: cookieName, in: cookie), token.matches(given) else {
            throw .noToken
        }
        guard claim.origin != nil else { throw .foreignOrigin }
        return true
    }

    static func value(of name: String, in cookie: String) -> String? {
        for pair in cookie.split(separator: ";") {
            let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            if parts.count == 2, parts[0] == name { return String(parts[1]) }
        }
        return nil
    }
}
