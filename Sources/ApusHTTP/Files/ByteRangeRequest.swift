/// What a `Range` field asks for, given how long the whole is.
///
/// One range is served as such. More than one is legal to ignore, and is: the whole is served, so that a short request
/// cannot ask for many overlapping parts (RFC 9110, section 14.2).
public enum ByteRangeRequest: Sendable, Hashable {
    /// Serve the whole: 200.
    case whole
    /// Serve those bytes: 206 with `Content-Range`.
    case part(Range<UInt64>)
    /// No byte asked for exists: 416 with `Content-Range: bytes */length`.
    case unsatisfiable

    /// Reads a `Range` field's value for a representation of `length` bytes; what is malformed is ignored.
    ///
    /// - SeeAlso: RFC 9110, sections 14.1.1, 14.1.2 and 14.2.
    public init(_ field: UnsafeRawBufferPointer, length: UInt64) {
        guard field.count > 6,
            ASCII.equalIgnoringCase(UnsafeRawBufferPointer(rebasing: field[..<6]), "bytes=")
        else {
            self = .whole
            return
        }
        var spec = field[6...]
        while let first = spec.first, FieldParser.isSpace(first) { spec = spec.dropFirst() }
        while let last = spec.last, FieldParser.isSpace(last) { spec = spec.dropLast() }
        guard let dash = spec.firstIndex(of: UInt8(ascii: "-")), !spec.contains(UInt8(ascii: ",")) else {
            self = .whole
            return
        }
        let first = Self.number(spec[..<dash])
        let last = Self.number(spec[(dash + 1)...])
        switch (first, last) {
        case (.number(let first), .number(let last)) where first <= last:
            self = first < length ? .part(first..<min(last, length - 1) + 1) : .unsatisfiable
        case (.number(let first), .missing): self = first < length ? .part(first..<length) : .unsatisfiable
        case (.missing, .number(let count)):
            self = count > 0 && length > 0 ? .part(length - min(count, length)..<length) : .unsatisfiable
        default: self = .whole
        }
    }

    private enum Number {
        case missing, malformed
        case number(UInt64)
    }

    private static func number(_ digits: Slice<UnsafeRawBufferPointer>) -> Number {
        if digits.isEmpty { return .missing }
        var value: UInt64 = 0
        for byte in digits {
            guard ASCII.isDigit(byte) else { return .malformed }
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = tens.addingReportingOverflow(UInt64(byte - 0x30))
            // Beyond any length: the largest number means the same.
            value = overflow || carried ? UInt64.max - 1 : sum
        }
        return .number(min(value, UInt64.max - 1))
    }

    /// Appends the value of `Content-Range`: for a part its bytes, else that none fits.
    public func writeContentRange(length: UInt64, to writer: inout ByteWriter) {
        writer.append("bytes ")
        if case .part(let range) = self {
            writer.append(decimal: range.lowerBound)
            writer.append("-")
            writer.append(decimal: range.upperBound - 1)
        } else {
            writer.append("*")
        }
        writer.append("/")
        writer.append(decimal: length)
    }
}
