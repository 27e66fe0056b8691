/// What the shop calls an article: five digits and up to two letters, such as `85123A`, or one of a few codes with `DCGS`.
///
/// Codes are kept in capitals; the history writes `15056bl` as well as `15056BL`.
/// Everything else in the history's StockCode column (postage, bank charges, manual entries, gift vouchers, …)
/// is no article; see ``SalesLine/kind``.
struct StockCode: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The code in capitals; at most 9 characters of ASCII.
    let text: String

    /// The code that `text` spells in either case, or `nil` where it is no article's.
    init?(_ text: some StringProtocol) {
        guard let text = Self.canonical(text.utf8) else { return nil }
        self.text = text
    }

    private static func canonical(_ bytes: some Collection<UInt8>) -> String? {
        guard (5...9).contains(bytes.count) else { return nil }
        let capitals = bytes.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) ? $0 - 32 : $0 }
        let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        let isLetter = { (byte: UInt8) in (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }
        let isNumbered =
            capitals.count <= 7 && capitals.prefix(5).allSatisfy(isDigit)
            && capitals.dropFirst(5).allSatisfy(isLetter)
        let isOwnLabel =
            capitals.starts(with: "DCGS".utf8) && capitals.count > 4
            && capitals.dropFirst(4).allSatisfy { isDigit($0) || isLetter($0) }
        return isNumbered || isOwnLabel ? String(decoding: capitals, as: UTF8.self) : nil
    }

    static func < (left: StockCode, right: StockCode) -> Bool { left.text < right.text }
    var description: String { text }
}

extension StockCode: Codable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let code = StockCode(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a stock code")
        }
        self = code
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
