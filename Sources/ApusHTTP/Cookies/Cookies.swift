/// Reads the `Cookie` field.
///
/// - SeeAlso: RFC 6265, section 4.2.1.
public enum Cookies {
    /// The value of the first cookie called `name` in a `Cookie` field's value, or `nil`; allocates nothing.
    ///
    /// Quotation marks round a value are not part of it. A name that another site may have set under a parent domain can
    /// come twice: the first is the more specific one.
    public static func value(of name: StaticString, in field: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        var start = 0
        let wanted = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        while start < field.count {
            let stop = field[start...].firstIndex(of: UInt8(ascii: ";")) ?? field.count
            var first = start
            while first < stop, FieldParser.isSpace(field[first]) { first += 1 }
            var last = stop
            while last > first, FieldParser.isSpace(field[last - 1]) { last -= 1 }
            if last - first > wanted.count, field[first + wanted.count] == UInt8(ascii: "="),
                field[first..<first + wanted.count].elementsEqual(wanted)
            {
                var valueStart = first + wanted.count + 1
                if last - valueStart >= 2, field[valueStart] == 0x22, field[last - 1] == 0x22 {
                    valueStart += 1
                    last -= 1
                }
                return UnsafeRawBufferPointer(rebasing: field[valueStart..<last])
            }
            start = stop + 1
        }
        return nil
    }
}

/// A cookie to set: careful by default, so that what is left out is safe.
///
/// - SeeAlso: RFC 6265, section 4.1; SameSite in draft-ietf-httpbis-rfc6265bis.
public struct SetCookie: Sendable, Hashable {
    /// When a browser sends the cookie with a request that another site began.
    public enum SameSite: Sendable, Hashable {
        /// Never.
        case strict
        /// Only when the user follows a link.
        case lax
        /// Always; needs ``isSecure``.
        case none
    }

    /// The name: a token.
    public let name: String
    /// The value: no control characters, white space, quotation marks, commas, semicolons or backslashes.
    public let value: String
    /// The paths it is sent to; `/` unless set.
    public var path = "/"
    /// Life in seconds; `nil` is until the browser closes, 0 removes the cookie.
    public var maxAge: Int?
    /// Whether scripts cannot read it; true unless set.
    public var isHTTPOnly = true
    /// Whether it is sent only over TLS; true unless set.
    public var isSecure = true
    /// Sent with requests from other sites; lax unless set.
    public var sameSite = SameSite.lax

    /// A cookie; `nil` where name or value has a byte that a cookie cannot carry.
    public init?(_ name: String, _ value: String) {
        guard !name.isEmpty, name.utf8.allSatisfy(ASCII.isToken), value.utf8.allSatisfy(Self.isValueByte) else {
            return nil
        }
        self.name = name
        self.value = value
    }

    private static func isValueByte(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != 0x22 && byte != 0x2C && byte != 0x3B && byte != 0x5C
    }

    /// Appends the value of the `Set-Cookie` field.
    public func write(to writer: inout ByteWriter) {
        writer.append(string: name)
        writer.append("=")
        writer.append(string: value)
        if path.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != 0x3B }) {
            writer.append("; Path=")
            writer.append(string: path)
        }
        if let maxAge {
            writer.append("; Max-Age=")
            writer.append(decimal: maxAge)
        }
        if isHTTPOnly { writer.append("; HttpOnly") }
        if isSecure || sameSite == .none { writer.append("; Secure") }
        switch sameSite {
        case .strict: writer.append("; SameSite=Strict")
        case .lax: writer.append("; SameSite=Lax")
        case .none: writer.append("; SameSite=None")
        }
    }
}
