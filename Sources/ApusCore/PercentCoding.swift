/// Percent-encoding of paths, forms and the parts of URLs.
///
/// - SeeAlso: RFC 3986, section 2.1.
public enum PercentCoding {
    /// The bytes that `text` encodes, or `nil` where a `%` is not followed by two hexadecimal digits.
    ///
    /// With `plusIsSpace`, as in forms, `+` stands for a space.
    public static func decode(_ text: UnsafeRawBufferPointer, plusIsSpace: Bool = false) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var offset = 0
        while offset < text.count {
            let byte = text[offset]
            if byte == UInt8(ascii: "%") {
                guard offset + 2 < text.count, let high = Hex.value(of: text[offset + 1]),
                    let low = Hex.value(of: text[offset + 2])
                else { return nil }
                bytes.append(high << 4 | low)
                offset += 3
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? 0x20 : byte)
                offset += 1
            }
        }
        return bytes
    }

    /// The text that `text` encodes, or `nil` where it is not percent-encoded UTF-8, or has a NUL.
    public static func decodeText(_ text: UnsafeRawBufferPointer, plusIsSpace: Bool = false) -> String? {
        guard let bytes = decode(text, plusIsSpace: plusIsSpace), !bytes.contains(0) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The same of a part of a URL at hand as text.
    public static func decodeText(_ text: some StringProtocol) -> String? {
        Array(text.utf8).withUnsafeBytes { decodeText($0) }
    }
}
