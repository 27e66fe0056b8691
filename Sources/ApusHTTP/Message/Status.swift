/// A response's status code.
///
/// - SeeAlso: RFC 9110, section 15; the IANA registry of HTTP status codes.
public struct Status: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The three-digit code, 100 to 999.
    public let code: UInt16

    /// The status with that code, 100 to 999.
    @inlinable
    public init(_ code: Int) {
        precondition(code >= 100 && code <= 999, "a status code has three digits")
        self.code = UInt16(truncatingIfNeeded: code)
    }

    /// Orders by code.
    @inlinable
    public static func < (left: Status, right: Status) -> Bool { left.code < right.code }

    /// 1xx: an interim answer; the final one follows.
    @inlinable
    public var isInformational: Bool { code < 200 }
    /// 2xx.
    @inlinable
    public var isSuccess: Bool { code >= 200 && code < 300 }
    /// 3xx.
    @inlinable
    public var isRedirection: Bool { code >= 300 && code < 400 }
    /// 4xx: the caller's mistake.
    @inlinable
    public var isClientError: Bool { code >= 400 && code < 500 }
    /// 5xx: the server's mistake.
    @inlinable
    public var isServerError: Bool { code >= 500 }

    /// Whether a response with this status never has a body, whatever its fields say: 1xx, 204, 304.
    @inlinable
    public var neverHasBody: Bool { code < 200 || code == 204 || code == 304 }

    /// Code and reason, such as `404 Not Found`.
    public var description: String {
        let reason = "\(reason)"
        return reason.isEmpty ? "\(code)" : "\(code) \(reason)"
    }

    /// 100 Continue.
    @inlinable public static var `continue`: Status { Status(100) }
    /// 101 Switching Protocols.
    @inlinable public static var switchingProtocols: Status { Status(101) }
    /// 103 Early Hints.
    @inlinable public static var earlyHints: Status { Status(103) }
    /// 200 OK.
    @inlinable public static var ok: Status { Status(200) }
    /// 201 Created.
    @inlinable public static var created: Status { Status(201) }
    /// 202 Accepted.
    @inlinable public static var accepted: Status { Status(202) }
    /// 203 Non-Authoritative Information.
    @inlinable public static var nonAuthoritativeInformation: Status { Status(203) }
    /// 204 No Content.
    @inlinable public static var noContent: Status { Status(204) }
    /// 205 Reset Content.
    @inlinable public static var resetContent: Status { Status(205) }
    /// 206 Partial Content.
    @inlinable public static var partialContent: Status { Status(206) }
    /// 300 Multiple Choices.
    @inlinable public static var multipleChoices: Status { Status(300) }
    /// 301 Moved Permanently.
    @inlinable public static var movedPermanently: Status { Status(301) }
    /// 302 Found.
    @inlinable public static var found: Status { Status(302) }
    /// 303 See Other.
    @inlinable public static var seeOther: Status { Status(303) }
    /// 304 Not Modified.
    @inlinable public static var notModified: Status { Status(304) }
    /// 307 Temporary Redirect.
    @inlinable public static var temporaryRedirect: Status { Status(307) }
    /// 308 Permanent Redirect.
    @inlinable public static var permanentRedirect: Status { Status(308) }
    /// 400 Bad Request.
    @inlinable public static var badRequest: Status { Status(400) }
    /// 401 Unauthorized.
    @inlinable public static var unauthorized: Status { Status(401) }
    /// 402 Payment Required.
    @inlinable public static var paymentRequired: Status { Status(402) }
    /// 403 Forbidden.
    @inlinable public static var forbidden: Status { Status(403) }
    /// 404 Not Found.
    @inlinable public static var notFound: Status { Status(404) }
    /// 405 Method Not Allowed.
    @inlinable public static var methodNotAllowed: Status { Status(405) }
    /// 406 Not Acceptable.
    @inlinable public static var notAcceptable: Status { Status(406) }
    /// 407 Proxy Authentication Required.
    @inlinable public static var proxyAuthenticationRequired: Status { Status(407) }
    /// 408 Request Timeout.
    @inlinable public static var requestTimeout: Status { Status(408) }
    /// 409 Conflict.
    @inlinable public static var conflict: Status { Status(409) }
    /// 410 Gone.
    @inlinable public static var gone: Status { Status(410) }
    /// 411 Length Required.
    @inlinable public static var lengthRequired: Status { Status(411) }
    /// 412 Precondition Failed.
    @inlinable public static var preconditionFailed: Status { Status(412) }
    /// 413 Content Too Large.
    @inlinable public static var contentTooLarge: Status { Status(413) }
    /// 414 URI Too Long.
    @inlinable public static var uriTooLong: Status { Status(414) }
    /// 415 Unsupported Media Type.
    @inlinable public static var unsupportedMediaType: Status { Status(415) }
    /// 416 Range Not Satisfiable.
    @inlinable public static var rangeNotSatisfiable: Status { Status(416) }
    /// 417 Expectation Failed.
    @inlinable public static var expectationFailed: Status { Status(417) }
    /// 421 Misdirected Request.
    @inlinable public static var misdirectedRequest: Status { Status(421) }
    /// 422 Unprocessable Content.
    @inlinable public static var unprocessableContent: Status { Status(422) }
    /// 423 Locked.
    @inlinable public static var locked: Status { Status(423) }
    /// 424 Failed Dependency.
    @inlinable public static var failedDependency: Status { Status(424) }
    /// 425 Too Early.
    @inlinable public static var tooEarly: Status { Status(425) }
    /// 426 Upgrade Required.
    @inlinable public static var upgradeRequired: Status { Status(426) }
    /// 428 Precondition Required.
    @inlinable public static var preconditionRequired: Status { Status(428) }
    /// 429 Too Many Requests.
    @inlinable public static var tooManyRequests: Status { Status(429) }
    /// 431 Request Header Fields Too Large.
    @inlinable public static var requestHeaderFieldsTooLarge: Status { Status(431) }
    /// 451 Unavailable For Legal Reasons.
    @inlinable public static var unavailableForLegalReasons: Status { Status(451) }
    /// 500 Internal Server Error.
    @inlinable public static var internalServerError: Status { Status(500) }
    /// 501 Not Implemented.
    @inlinable public static var notImplemented: Status { Status(501) }
    /// 502 Bad Gateway.
    @inlinable public static var badGateway: Status { Status(502) }
    /// 503 Service Unavailable.
    @inlinable public static var serviceUnavailable: Status { Status(503) }
    /// 504 Gateway Timeout.
    @inlinable public static var gatewayTimeout: Status { Status(504) }
    /// 505 HTTP Version Not Supported.
    @inlinable public static var httpVersionNotSupported: Status { Status(505) }
    /// 507 Insufficient Storage.
    @inlinable public static var insufficientStorage: Status { Status(507) }
    /// 508 Loop Detected.
    @inlinable public static var loopDetected: Status { Status(508) }
    /// 511 Network Authentication Required.
    @inlinable public static var networkAuthenticationRequired: Status { Status(511) }

    /// The registered reason phrase; empty for a code not in the registry.
    public var reason: StaticString {
        switch code {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 103: "Early Hints"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 203: "Non-Authoritative Information"
        case 204: "No Content"
        case 205: "Reset Content"
        case 206: "Partial Content"
        case 300: "Multiple Choices"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 402: "Payment Required"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 407: "Proxy Authentication Required"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 423: "Locked"
        case 424: "Failed Dependency"
        case 425: "Too Early"
        case 426: "Upgrade Required"
        case 428: "Precondition Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 451: "Unavailable For Legal Reasons"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        case 507: "Insufficient Storage"
        case 508: "Loop Detected"
        case 511: "Network Authentication Required"
        default: ""
        }
    }
}
