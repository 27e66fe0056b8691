/// A value of the Redis serialization protocol, version 2 or 3.
///
/// - SeeAlso: "Redis serialization protocol specification".
public enum RESPValue: Sendable, Hashable {
    /// A short text without line breaks, such as `OK`.
    case simple(String)
    /// A refusal: an upper-case word and a sentence, such as `WRONGTYPE Operation against a key…`.
    case error(String)
    /// A 64-bit integer.
    case integer(Int)
    /// Bytes.
    case bulk([UInt8])
    /// Nothing; both of RESP2's nulls too.
    case null
    /// Values in order.
    case array([RESPValue])
    /// True or false; RESP3.
    case boolean(Bool)
    /// A double; RESP3.
    case double(Double)
    /// An integer of any size, in decimal; RESP3.
    case bigNumber(String)
    /// Text with three letters that say what it is, `txt` or `mkd`; RESP3.
    case verbatim(format: String, text: [UInt8])
    /// Pairs in the order in which they came; RESP3.
    case map([Pair])
    /// Values whose order means nothing; RESP3.
    case set([RESPValue])
    /// What the server says without having been asked; RESP3.
    case push([RESPValue])

    /// A key and a value of a map.
    public struct Pair: Sendable, Hashable {
        /// The key.
        public let key: RESPValue
        /// The value.
        public let value: RESPValue
        /// A pair.
        public init(_ key: RESPValue, _ value: RESPValue) {
            self.key = key
            self.value = value
        }
    }

    /// The bytes of a bulk, verbatim or simple string, or `nil` for anything else.
    public var bytes: [UInt8]? {
        switch self {
        case .bulk(let bytes), .verbatim(_, let bytes): bytes
        case .simple(let text): Array(text.utf8)
        default: nil
        }
    }

    /// ``bytes`` as text, invalid UTF-8 replaced.
    public var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    /// The number of an integer, or `nil` for anything else.
    public var integer: Int? {
        if case .integer(let number) = self { number } else { nil }
    }

    /// The elements of an array, set or push; a map's keys and values in turn, as RESP2 has them.
    public var elements: [RESPValue]? {
        switch self {
        case .array(let values), .set(let values), .push(let values): values
        case .map(let pairs): pairs.flatMap { [$0.key, $0.value] }
        default: nil
        }
    }
}
