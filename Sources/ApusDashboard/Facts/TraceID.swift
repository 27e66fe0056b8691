import ApusCore
public import ApusObserve

/// A trace's id.
public struct TraceID: Codable, Sendable, Hashable, CustomStringConvertible {
    /// The upper half.
    public var high: UInt64
    /// The lower half.
    public var low: UInt64

    /// An id from its halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads 32 hexadecimal digits.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count == 32, text.utf8.allSatisfy({ Hex.value(of: $0) != nil }),
            let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }

    /// The id of the trace that a span is of.
    public init(_ span: CollectedSpan) { self.init(high: span.traceHigh, low: span.traceLow) }

    /// 32 hexadecimal digits.
    public var description: String { Self.digits(high) + Self.digits(low) }

    /// 16 hexadecimal digits.
    static func digits(_ number: UInt64) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}
