import ApusCore

/// Gives each request an identifier and says it in the answer's `X-Request-ID`.
///
/// One that comes with the request is kept where it is 1 to 128 letters, digits, dots, hyphens and underscores. Handlers
/// read it as ``current``. It is no secret.
public struct RequestID: Sendable {
    /// The identifier of the request that this task works on, or `nil`.
    @TaskLocal public static var current: String?

    private let random: Lock<SeededRandom>
    private let keepsGiven: Bool

    /// Identifiers from a random start.
    ///
    /// - Parameters:
    ///   - keepsGiven: Whether a client's own identifier is kept; true unless said.
    ///   - seed: Makes them repeatable, for tests.
    public init(keepsGiven: Bool = true, seed: UInt64? = nil) {
        random = Lock(SeededRandom(seed: seed ?? SecureRandom.number()))
        self.keepsGiven = keepsGiven
    }

    /// Adds the field and sets ``current``.
    public var middleware: RouterBuilder.Middleware {
        { exchange, next in
            let id = (keepsGiven ? Self.given(exchange) : nil) ?? fresh()
            exchange.setField("X-Request-ID", id)
            try await Self.$current.withValue(id) { try await next(exchange) }
        }
    }

    private static func given(_ exchange: Exchange) -> String? {
        guard let field = exchange.field(.xRequestID), 1...128 ~= field.count else { return nil }
        let isGood = field.allSatisfy { byte in
            ASCII.isDigit(byte) || 0x61...0x7A ~= byte | 0x20 || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
        }
        return isGood ? String(decoding: field, as: UTF8.self) : nil
    }

    private func fresh() -> String {
        let (high, low) = random.withLock { ($0.next(), $0.next()) }
        return [high, low].map { number in
            let text = String(number, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
    }
}
