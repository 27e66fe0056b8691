/// A value that never shows itself: printing, logging, reflecting or encoding gives `[redacted]`.
///
/// Take it out with ``reveal()`` at the one place that needs it.
public struct Secret<Value: Sendable>: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable, Encodable
{
    private let value: Value

    /// Wraps `value`.
    public init(_ value: Value) { self.value = value }

    /// The value itself.
    ///
    /// Search for this word to find every place that sees a secret.
    public func reveal() -> Value { value }

    /// `[redacted]`.
    public var description: String { "[redacted]" }
    /// `[redacted]`.
    public var debugDescription: String { "[redacted]" }
    /// No children.
    public var customMirror: Mirror { Mirror(self, children: []) }
    /// Encodes `[redacted]`, never the value.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Secret where Value == String {
    /// Compares in a time that depends on the lengths only.
    public func matches(_ other: String) -> Bool {
        let mine = Array(value.utf8)
        let theirs = Array(other.utf8)
        guard mine.count == theirs.count else { return false }
        return zip(mine, theirs).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
