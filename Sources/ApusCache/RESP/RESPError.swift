/// Why bytes are not the Redis serialization protocol, or are more than is taken.
///
/// After one the connection is unusable: where the next message would begin is unknown. Trivial, so that throwing it
/// allocates nothing.
///
/// - SeeAlso: "Redis serialization protocol specification", versions 2 and 3.
public enum RESPError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A first byte that names no type; its value.
    case unknownType(UInt8)
    /// A command's argument that does not begin with `$`; the byte that is there.
    case expectedBulk(UInt8)
    /// A length that is no number, below -1, or beyond the limit.
    case malformedBulkLength
    /// A count of elements that is no number, below -1, or beyond the limit.
    case malformedCount
    /// An integer, double or boolean that is none.
    case malformedNumber
    /// A line or bulk that does not end with CR LF.
    case missingTerminator
    /// A verbatim string without its three letters and colon.
    case malformedVerbatim
    /// A line longer than the limit.
    case lineTooLong
    /// Arrays in arrays beyond the limit.
    case nestedTooDeeply
    /// A quotation mark of an inline command that is not closed, or is followed by more than a space.
    case unbalancedQuotes
    /// More than an unknown client may send before it says who it is.
    case unauthenticated

    /// The text that a Redis server says after `ERR Protocol error: `, where it has one.
    public var description: String {
        switch self {
        case .unknownType(let byte): "unknown type \(Self.shown(byte))"
        case .expectedBulk(let byte): "expected '$', got \(Self.shown(byte))"
        case .malformedBulkLength: "invalid bulk length"
        case .malformedCount: "invalid multibulk length"
        case .malformedNumber: "invalid number"
        case .missingTerminator: "missing CR LF"
        case .malformedVerbatim: "invalid verbatim string"
        case .lineTooLong: "too big inline request"
        case .nestedTooDeeply: "nested too deeply"
        case .unbalancedQuotes: "unbalanced quotes in request"
        case .unauthenticated: "unauthenticated multibulk length"
        }
    }

    private static func shown(_ byte: UInt8) -> String {
        (0x21...0x7E).contains(byte) ? "'\(Character(UnicodeScalar(byte)))'" : "byte \(byte)"
    }
}
