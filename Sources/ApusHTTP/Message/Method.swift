/// A request method, as one byte; a method outside this list is ``other`` and its text is in the head.
///
/// Methods are case-sensitive (RFC 9110, section 9.1).
public enum Method: UInt8, Sendable, Hashable, CaseIterable {
    /// Any token that is none of the following.
    case other = 0
    /// `GET`
    case get
    /// `HEAD`
    case head
    /// `POST`
    case post
    /// `PUT`
    case put
    /// `DELETE`
    case delete
    /// `CONNECT`
    case connect
    /// `OPTIONS`
    case options
    /// `TRACE`
    case trace
    /// `PATCH`
    case patch

    /// The method's text; empty for ``other``.
    public var spelling: StaticString {
        switch self {
        case .other: ""
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .connect: "CONNECT"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .patch: "PATCH"
        }
    }

    /// Whether the method only reads (RFC 9110, section 9.2.1).
    @inlinable
    public var isSafe: Bool { self == .get || self == .head || self == .options || self == .trace }

    /// Whether doing it twice is the same as once, so that it may be tried again (RFC 9110, section 9.2.2).
    @inlinable
    public var isIdempotent: Bool { isSafe || self == .put || self == .delete }

    /// The method with that text, ``other`` for any other token.
    public init(_ text: UnsafeRawBufferPointer) {
        guard let base = text.baseAddress else {
            self = .other
            return
        }
        self = Method.find(base, text.count)
    }

    @inline(__always)
    static func find(_ base: UnsafeRawPointer, _ count: Int) -> Method {
        var word: UInt64 = 0
        guard count >= 3, count <= 7 else { return .other }
        for index in 0..<count { word |= UInt64(ByteScan.byte(base, index)) &<< UInt64(index &* 8) }
        switch word {
        case 0x5445_47: return .get
        case 0x4441_4548: return .head
        case 0x5453_4F50: return .post
        case 0x5455_50: return .put
        case 0x4554_454C_4544: return .delete
        case 0x5443_454E_4E4F_43: return .connect
        case 0x534E_4F49_5450_4F: return .options
        case 0x4543_4152_54: return .trace
        case 0x4843_5441_50: return .patch
        default: return .other
        }
    }
}
