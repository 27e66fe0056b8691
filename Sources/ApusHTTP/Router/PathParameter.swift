/// A value that one segment of a path names.
///
/// Conformances are there for numbers, strings and every `RawRepresentable` of one of them:
/// `enum Region: String, PathParameter {}` or `struct ProductID: RawRepresentable, PathParameter` need no more.
public protocol PathParameter: Sendable {
    /// The value that a segment names, already percent-decoded; `nil` where it names none, which answers 404.
    init?(pathSegment: UnsafeRawBufferPointer)
    /// Appends the segment that names the value, percent-encoded.
    func writePathSegment(to writer: inout ByteWriter)
    /// What the OpenAPI document says of the segment.
    static var pathSchema: JSONSchema { get }
}

extension Int: PathParameter {
    /// Plain decimal: digits with an optional minus, no plus, no leading zeros.
    public init?(pathSegment: UnsafeRawBufferPointer) {
        var digits = pathSegment[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        guard let magnitude = UInt64(pathSegment: UnsafeRawBufferPointer(rebasing: digits)) else { return nil }
        if isNegative {
            guard magnitude > 0, magnitude <= UInt64(Int.max) + 1 else { return nil }
            self = Int(truncatingIfNeeded: 0 &- magnitude)
        } else {
            guard let value = Int(exactly: magnitude) else { return nil }
            self = value
        }
    }
    /// Decimal.
    public func writePathSegment(to writer: inout ByteWriter) { writer.append(decimal: self) }
    /// An integer of 64 bits.
    public static var pathSchema: JSONSchema { JSONSchema(.integer, format: "int64") }
}

extension UInt64: PathParameter {
    /// Plain decimal: digits, no sign, no leading zeros.
    public init?(pathSegment: UnsafeRawBufferPointer) {
        guard pathSegment.count > 0, pathSegment.count <= 20 else { return nil }
        if pathSegment.count > 1, pathSegment[0] == 0x30 { return nil }
        var value: UInt64 = 0
        for byte in pathSegment {
            guard ASCII.isDigit(byte) else { return nil }
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = tens.addingReportingOverflow(UInt64(byte &- 0x30))
            if overflow || carried { return nil }
            value = sum
        }
        self = value
    }
    /// Decimal.
    public func writePathSegment(to writer: inout ByteWriter) { writer.append(decimal: self) }
    /// An integer from 0 on.
    public static var pathSchema: JSONSchema { JSONSchema(.integer, minimum: 0) }
}

extension UInt: PathParameter {
    /// Plain decimal: digits, no sign, no leading zeros.
    public init?(pathSegment: UnsafeRawBufferPointer) {
        guard let value = UInt64(pathSegment: pathSegment) else { return nil }
        self.init(exactly: value)
    }
    /// Decimal.
    public func writePathSegment(to writer: inout ByteWriter) { writer.append(decimal: UInt64(self)) }
    /// An integer from 0 on.
    public static var pathSchema: JSONSchema { JSONSchema(.integer, minimum: 0) }
}

extension String: PathParameter {
    /// Valid UTF-8, not empty.
    public init?(pathSegment: UnsafeRawBufferPointer) {
        guard !pathSegment.isEmpty else { return nil }
        // ASCII, the usual case, is valid without a look at its structure.
        if pathSegment.allSatisfy({ $0 < 0x80 }) {
            self = String(decoding: pathSegment, as: UTF8.self)
        } else if let text = String(validating: pathSegment, as: UTF8.self) {
            self = text
        } else {
            return nil
        }
    }
    /// Percent-encoded.
    public func writePathSegment(to writer: inout ByteWriter) { writer.append(percentEncoding: self) }
    /// A string.
    public static var pathSchema: JSONSchema { JSONSchema(.string) }
}

extension PathParameter where Self: RawRepresentable, RawValue: PathParameter {
    /// The value whose raw value the segment names.
    @inlinable
    public init?(pathSegment: UnsafeRawBufferPointer) {
        guard let raw = RawValue(pathSegment: pathSegment) else { return nil }
        self.init(rawValue: raw)
    }
    /// The raw value's segment.
    public func writePathSegment(to writer: inout ByteWriter) { rawValue.writePathSegment(to: &writer) }
    /// The raw value's schema.
    public static var pathSchema: JSONSchema { RawValue.pathSchema }
}
