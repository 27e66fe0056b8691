/// A piece of HTML: what is written as a literal is markup, what is interpolated is text and is escaped.
///
/// ```swift
/// let item: HTML = "<li class=\"\(kind)\">\(title)</li>"
/// ```
/// Pieces interpolate into pieces as they are. The literals quote every attribute, so that escaping the five
/// characters below is enough in text and in attributes alike; nothing is ever interpolated into a script, a style or the
/// start of an address.
struct HTML: Sendable, ExpressibleByStringInterpolation {
    /// UTF-8.
    private(set) var bytes: [UInt8]

    init() { bytes = [] }
    init(stringLiteral literal: String) { bytes = Array(literal.utf8) }
    init(stringInterpolation: StringInterpolation) { bytes = stringInterpolation.bytes }

    /// The pieces one after the other.
    init(_ pieces: some Sequence<HTML>) {
        bytes = []
        for piece in pieces { bytes += piece.bytes }
    }

    static func += (html: inout HTML, more: HTML) { html.bytes += more.bytes }

    /// The markup as text, for tests and files.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Collects literals as they are and values escaped.
    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var bytes: [UInt8] = []

        init(literalCapacity: Int, interpolationCount: Int) {
            bytes.reserveCapacity(literalCapacity + 32 * interpolationCount)
        }

        mutating func appendLiteral(_ literal: String) { bytes += literal.utf8 }

        /// Text, escaped.
        mutating func appendInterpolation(_ text: some StringProtocol) { Self.escape(text, into: &bytes) }

        /// A whole number.
        mutating func appendInterpolation(_ number: some FixedWidthInteger) { bytes += String(number).utf8 }

        /// A piece of markup.
        mutating func appendInterpolation(_ html: HTML) { bytes += html.bytes }

        /// A piece of markup, or nothing.
        mutating func appendInterpolation(_ html: HTML?) { if let html { bytes += html.bytes } }

        /// Pieces of markup, one after the other.
        mutating func appendInterpolation(_ pieces: some Sequence<HTML>) {
            for piece in pieces { bytes += piece.bytes }
        }

        private static func escape(_ text: some StringProtocol, into bytes: inout [UInt8]) {
            let taken: Void? = text.utf8.withContiguousStorageIfAvailable { utf8 in
                // Most texts have nothing to escape: what lies between is taken in one piece.
                var start = 0
                for (index, byte) in utf8.enumerated() {
                    guard let entity = entity(byte) else { continue }
                    bytes.append(contentsOf: utf8[start..<index])
                    bytes += entity.utf8
                    start = index + 1
                }
                bytes.append(contentsOf: utf8[start...])
            }
            if taken != nil { return }
            for byte in text.utf8 {
                if let entity = entity(byte) { bytes += entity.utf8 } else { bytes.append(byte) }
            }
        }

        private static func entity(_ byte: UInt8) -> String? {
            switch byte {
            case UInt8(ascii: "&"): "&amp;"
            case UInt8(ascii: "<"): "&lt;"
            case UInt8(ascii: ">"): "&gt;"
            case UInt8(ascii: "\""): "&quot;"
            case UInt8(ascii: "'"): "&#39;"
            default: nil
            }
        }
    }
}
