extension TraceContext {
    /// Bytes of a version 00 `traceparent`.
    public static let headerBytes = 55

    /// Reads a `traceparent` header: `00-` trace id `-` parent id `-` flags, in lower case; `nil` where it is not valid.
    ///
    /// Takes versions to come by their first 55 bytes, as the standard asks, and nothing else: no upper case, no spaces,
    /// no all-zero id, no version `ff`.
    ///
    /// - Parameter bytes: The value of the header, without the white space around it.
    /// - Complexity: A fixed number of steps; no allocation.
    /// - SeeAlso: W3C Trace Context Level 2, section 3.2.
    public init?(traceparent bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.headerBytes else { return nil }
        let dash = UInt8(ascii: "-")
        guard bytes[2] == dash, bytes[35] == dash, bytes[52] == dash else { return nil }
        var invalid: UInt8 = 0
        let version = Self.hex(bytes, 0, 2, &invalid)
        let high = Self.hex(bytes, 3, 16, &invalid)
        let low = Self.hex(bytes, 19, 16, &invalid)
        let span = Self.hex(bytes, 36, 16, &invalid)
        let flags = Self.hex(bytes, 53, 2, &invalid)
        guard invalid == 0, version != 0xFF, high | low != 0, span != 0 else { return nil }
        guard bytes.count == Self.headerBytes || (version != 0 && bytes[Self.headerBytes] == dash) else { return nil }
        // Level 2 knows two flags; a version to come may give others a meaning that we cannot keep.
        self.init(traceHigh: high, traceLow: low, spanID: span, flags: UInt8(flags) & 3)
    }

    /// Reads a `traceparent` header from a string.
    public init?(traceparent text: String) {
        var text = text
        guard let context = text.withUTF8({ TraceContext(traceparent: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = context
    }

    /// Writes the 55 bytes of a `traceparent` header, version 00.
    ///
    /// - Parameter place: At least ``headerBytes`` bytes of room.
    /// - Precondition: The context ``isValid``.
    @inline(__always)
    public func write(to place: UnsafeMutablePointer<UInt8>) {
        var end = TextWriter.text("00-", place)
        end = TextWriter.hex16(traceHigh, end)
        end = TextWriter.hex16(traceLow, end)
        end = TextWriter.byte("-", end)
        end = TextWriter.hex16(spanID, end)
        end = TextWriter.byte("-", end)
        _ = TextWriter.hexByte(flags, end)
    }

    /// The `traceparent` header as text.
    public var traceparent: String {
        String(unsafeUninitializedCapacity: Self.headerBytes) { buffer in
            if let start = buffer.baseAddress { write(to: start) }
            return Self.headerBytes
        }
    }

    /// The trace id as 32 hexadecimal digits.
    public var traceIDText: String { Self.hexText(traceHigh, traceLow) }
    /// The span id as 16 hexadecimal digits.
    public var spanIDText: String { Self.hexText(spanID) }

    static func hexText(_ words: UInt64...) -> String {
        String(unsafeUninitializedCapacity: 16 * words.count) { buffer in
            guard var end = buffer.baseAddress else { return 0 }
            for word in words { end = TextWriter.hex16(word, end) }
            return 16 * words.count
        }
    }

    /// Lower-case hexadecimal digits; sets a bit of `invalid` where one is not.
    @inline(__always)
    private static func hex(_ bytes: UnsafeRawBufferPointer, _ first: Int, _ count: Int, _ invalid: inout UInt8)
        -> UInt64
    {
        var value: UInt64 = 0
        for index in first..<first &+ count {
            let byte = bytes[index]
            let digit = byte &- 48
            let letter = byte &- 97
            if digit < 10 {
                value = value << 4 | UInt64(digit)
            } else if letter < 6 {
                value = value << 4 | UInt64(letter &+ 10)
            } else {
                invalid = 1
            }
        }
        return value
    }
}

/// What vendors put beside a `traceparent`: a list of keys and opaque values, passed on as it came.
///
/// Apus adds nothing to it. It is checked, so that nothing malformed is sent on, and otherwise left alone.
///
/// - SeeAlso: W3C Trace Context Level 2, section 3.3.
public struct TraceState: Sendable, Hashable {
    /// One member of the list.
    public struct Member: Sendable, Hashable {
        /// A vendor's key, such as `congo` or `fw529a3039@dt`.
        public let key: String
        /// What it means to that vendor.
        public let value: String
    }

    /// The members, the latest writer first; at most 32.
    public let members: [Member]

    /// Longest header read, in bytes; the standard asks for at least 512.
    public static let bytesMax = 8192

    /// Reads a `tracestate` header; several headers are joined with commas first.
    ///
    /// `nil` where anything in it is malformed: the standard wants the whole list dropped then.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= Self.bytesMax else { return nil }
        var members: [Member] = []
        var keys: Set<String> = []
        for part in bytes.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let item = Self.trimmed(part)
            if item.isEmpty { continue }
            guard let equals = item.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let key = item[item.startIndex..<equals]
            let value = item[(equals + 1)...]
            guard Self.isKey(key), Self.isValue(value), members.count < 32 else { return nil }
            let name = String(decoding: key, as: UTF8.self)
            guard keys.insert(name).inserted else { return nil }
            members.append(Member(key: name, value: String(decoding: value, as: UTF8.self)))
        }
        self.members = members
    }

    /// Reads a `tracestate` header from a string.
    public init?(_ text: String) {
        var text = text
        guard let state = text.withUTF8({ TraceState(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = state
    }

    /// The header's value.
    public var header: String { members.map { "\($0.key)=\($0.value)" }.joined(separator: ",") }

    private typealias Part = Slice<UnsafeRawBufferPointer>

    private static func trimmed(_ part: Part) -> Part {
        var part = part
        while let first = part.first, first == 0x20 || first == 0x09 { part.removeFirst() }
        while let last = part.last, last == 0x20 || last == 0x09 { part.removeLast() }
        return part
    }

    // Level 2: a letter or digit, then letters, digits, "_", "-", "*", "/", "@"; at most 256.
    private static func isKey(_ key: Part) -> Bool {
        guard let first = key.first, key.count <= 256, isLowerOrDigit(first) else { return false }
        return key.allSatisfy { isLowerOrDigit($0) || "_-*/@".utf8.contains($0) }
    }

    private static func isValue(_ value: Part) -> Bool {
        guard let last = value.last, value.count <= 256, last != 0x20 else { return false }
        return value.allSatisfy { $0 >= 0x20 && $0 <= 0x7E && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") }
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool { byte &- 97 < 26 || byte &- 48 < 10 }
}
