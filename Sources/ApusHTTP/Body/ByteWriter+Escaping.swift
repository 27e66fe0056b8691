import ApusCore
import CLinux

extension ByteWriter {
    /// Appends `string` as the inside of a JSON string: quotation mark, backslash and control characters escaped.
    ///
    /// `<` is escaped too, so that the result is safe inside a script element.
    public mutating func append(jsonEscaping string: String) {
        let done: Void? = string.utf8.withContiguousStorageIfAvailable {
            append(jsonEscaping: UnsafeRawBufferPointer($0))
        }
        if done == nil { for byte in string.utf8 { append(jsonByte: byte) } }
    }

    /// Appends UTF-8 as the inside of a JSON string; `bytes` must be valid UTF-8.
    public mutating func append(jsonEscaping bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        var start = 0
        while true {
            let stop = VectorScan.first(source, start, bytes.count, apus_json16) {
                $0 < 0x20 || $0 == 0x22 || $0 == 0x5C || $0 == 0x3C
            }
            append(UnsafeRawBufferPointer(start: source + start, count: stop &- start))
            if stop == bytes.count { return }
            append(jsonByte: ByteScan.byte(source, stop))
            start = stop &+ 1
        }
    }

    private mutating func append(jsonByte byte: UInt8) {
        switch byte {
        case 0x22: append("\\\"")
        case 0x5C: append("\\\\")
        case 0x0A: append("\\n")
        case 0x0D: append("\\r")
        case 0x09: append("\\t")
        case 0x3C: append("\\u003c")
        case 0..<0x20:
            append("\\u00")
            append(byte < 16 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
            append(hexDigit: byte & 15)
        default: append(byte)
        }
    }

    /// Appends `string` so that it is text in HTML, inside a quoted attribute too: `&`, `<`, `>` and both quotes escaped.
    public mutating func append(htmlEscaping string: String) {
        let done: Void? = string.utf8.withContiguousStorageIfAvailable { bytes in
            reserve(bytes.count)
            for byte in bytes { append(htmlByte: byte) }
        }
        if done == nil { for byte in string.utf8 { append(htmlByte: byte) } }
    }

    @inline(__always)
    private mutating func append(htmlByte byte: UInt8) {
        switch byte {
        case UInt8(ascii: "&"): append("&amp;")
        case UInt8(ascii: "<"): append("&lt;")
        case UInt8(ascii: ">"): append("&gt;")
        case UInt8(ascii: "\""): append("&quot;")
        case UInt8(ascii: "'"): append("&#39;")
        default: append(byte)
        }
    }

    @inline(__always)
    mutating func append(hexDigit value: UInt8) { append(value < 10 ? 0x30 &+ value : 0x57 &+ value) }

    /// Appends `string` percent-encoded, but for unreserved characters (RFC 3986, section 2.3).
    public mutating func append(percentEncoding string: String) {
        for byte in string.utf8 {
            if ASCII.isUnreserved(byte) {
                append(byte)
            } else {
                append(UInt8(ascii: "%"))
                append(upperHexDigit: byte >> 4)
                append(upperHexDigit: byte & 15)
            }
        }
    }

    private mutating func append(upperHexDigit value: UInt8) { append(value < 10 ? 0x30 &+ value : 0x37 &+ value) }
}
