public import ApusCore

/// Wants a secret token, as `Authorization: Bearer …` or in a cookie.
///
/// Compares in a time that depends on the token's length only. A browser sends a cookie by itself, so use
/// ``OriginCheck`` too where a cookie counts.
public struct TokenCheck: Sendable {
    private let token: Secret<[UInt8]>
    private let cookie: StaticString?
    private let readsFreely: Bool

    /// Wants `token`.
    ///
    /// - Parameters:
    ///   - token: At least 16 bytes, such as `SecureRandom.token()`; a shorter one stops the program.
    ///   - cookie: The name of a cookie that may carry it; none unless given.
    ///   - readsFreely: Whether methods that only read need no token; false unless said.
    public init(_ token: Secret<String>, cookie: StaticString? = nil, readsFreely: Bool = false) {
        let bytes = Array(token.reveal().utf8)
        precondition(bytes.count >= 16, "a token shorter than 16 bytes can be guessed")
        self.token = Secret(bytes)
        self.cookie = cookie
        self.readsFreely = readsFreely
    }

    /// Answers 401 without the token.
    public var middleware: RouterBuilder.Middleware {
        { exchange, next in
            if !(readsFreely && exchange.method.isSafe), !isGiven(exchange) {
                exchange.setField("WWW-Authenticate", "Bearer")
                throw Problem(.unauthorized, code: "token.missing")
            }
            try await next(exchange)
        }
    }

    private func isGiven(_ exchange: Exchange) -> Bool {
        if let field = exchange.field(.authorization), field.count > 7,
            ASCII.equalIgnoringCase(UnsafeRawBufferPointer(rebasing: field[..<7]), "Bearer ")
        {
            return matches(UnsafeRawBufferPointer(rebasing: field[7...]))
        }
        if let cookie, let field = exchange.field(.cookie), let value = Cookies.value(of: cookie, in: field) {
            return matches(value)
        }
        return false
    }

    private func matches(_ given: UnsafeRawBufferPointer) -> Bool {
        let wanted = token.reveal()
        guard given.count == wanted.count else { return false }
        var difference: UInt8 = 0
        for (left, right) in zip(given, wanted) { difference |= left ^ right }
        return difference == 0
    }
}
