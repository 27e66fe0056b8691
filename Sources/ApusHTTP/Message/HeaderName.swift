/// A field name the library knows, as one byte; every other name is ``other``.
///
/// Names are compared without regard to case, as RFC 9110 section 5.1 says. There are fewer than 64, so that a set of
/// them fits one machine word.
public enum HeaderName: UInt8, Sendable, Hashable, CaseIterable {
    /// Any name not in this list.
    case other = 0
    /// `Host`
    case host
    /// `Content-Length`
    case contentLength
    /// `Transfer-Encoding`
    case transferEncoding
    /// `Connection`
    case connection
    /// `Expect`
    case expect
    /// `Upgrade`
    case upgrade
    /// `TE`
    case te
    /// `Trailer`
    case trailer
    /// `Keep-Alive`
    case keepAlive
    /// `Proxy-Connection`
    case proxyConnection
    /// `Proxy-Authenticate`
    case proxyAuthenticate
    /// `Proxy-Authorization`
    case proxyAuthorization
    /// `Content-Type`
    case contentType
    /// `Content-Encoding`
    case contentEncoding
    /// `Content-Language`
    case contentLanguage
    /// `Content-Disposition`
    case contentDisposition
    /// `Content-Range`
    case contentRange
    /// `Accept`
    case accept
    /// `Accept-Encoding`
    case acceptEncoding
    /// `Accept-Language`
    case acceptLanguage
    /// `Accept-Ranges`
    case acceptRanges
    /// `Cookie`
    case cookie
    /// `Set-Cookie`
    case setCookie
    /// `User-Agent`
    case userAgent
    /// `Authorization`
    case authorization
    /// `WWW-Authenticate`
    case wwwAuthenticate
    /// `If-Match`
    case ifMatch
    /// `If-None-Match`
    case ifNoneMatch
    /// `If-Modified-Since`
    case ifModifiedSince
    /// `If-Unmodified-Since`
    case ifUnmodifiedSince
    /// `If-Range`
    case ifRange
    /// `Range`
    case range
    /// `Forwarded`
    case forwarded
    /// `Via`
    case via
    /// `X-Forwarded-For`
    case xForwardedFor
    /// `X-Forwarded-Host`
    case xForwardedHost
    /// `X-Forwarded-Proto`
    case xForwardedProto
    /// `X-Real-IP`
    case xRealIP
    /// `X-Request-ID`
    case xRequestID
    /// `traceparent`
    case traceparent
    /// `tracestate`
    case tracestate
    /// `baggage`
    case baggage
    /// `Origin`
    case origin
    /// `Referer`
    case referer
    /// `Sec-Fetch-Site`
    case secFetchSite
    /// `Server`
    case server
    /// `Date`
    case date
    /// `Location`
    case location
    /// `Link`
    case link
    /// `ETag`
    case etag
    /// `Last-Modified`
    case lastModified
    /// `Cache-Control`
    case cacheControl
    /// `Pragma`
    case pragma
    /// `Expires`
    case expires
    /// `Age`
    case age
    /// `Vary`
    case vary
    /// `Allow`
    case allow
    /// `Retry-After`
    case retryAfter
    /// `Idempotency-Key`
    case idempotencyKey

    /// The spelling to send; empty for ``other``.
    public var spelling: StaticString {
        switch self {
        case .other: ""
        case .host: "Host"
        case .contentLength: "Content-Length"
        case .transferEncoding: "Transfer-Encoding"
        case .connection: "Connection"
        case .expect: "Expect"
        case .upgrade: "Upgrade"
        case .te: "TE"
        case .trailer: "Trailer"
        case .keepAlive: "Keep-Alive"
        case .proxyConnection: "Proxy-Connection"
        case .proxyAuthenticate: "Proxy-Authenticate"
        case .proxyAuthorization: "Proxy-Authorization"
        case .contentType: "Content-Type"
        case .contentEncoding: "Content-Encoding"
        case .contentLanguage: "Content-Language"
        case .contentDisposition: "Content-Disposition"
        case .contentRange: "Content-Range"
        case .accept: "Accept"
        case .acceptEncoding: "Accept-Encoding"
        case .acceptLanguage: "Accept-Language"
        case .acceptRanges: "Accept-Ranges"
        case .cookie: "Cookie"
        case .setCookie: "Set-Cookie"
        case .userAgent: "User-Agent"
        case .authorization: "Authorization"
        case .wwwAuthenticate: "WWW-Authenticate"
        case .ifMatch: "If-Match"
        case .ifNoneMatch: "If-None-Match"
        case .ifModifiedSince: "If-Modified-Since"
        case .ifUnmodifiedSince: "If-Unmodified-Since"
        case .ifRange: "If-Range"
        case .range: "Range"
        case .forwarded: "Forwarded"
        case .via: "Via"
        case .xForwardedFor: "X-Forwarded-For"
        case .xForwardedHost: "X-Forwarded-Host"
        case .xForwardedProto: "X-Forwarded-Proto"
        case .xRealIP: "X-Real-IP"
        case .xRequestID: "X-Request-ID"
        case .traceparent: "traceparent"
        case .tracestate: "tracestate"
        case .baggage: "baggage"
        case .origin: "Origin"
        case .referer: "Referer"
        case .secFetchSite: "Sec-Fetch-Site"
        case .server: "Server"
        case .date: "Date"
        case .location: "Location"
        case .link: "Link"
        case .etag: "ETag"
        case .lastModified: "Last-Modified"
        case .cacheControl: "Cache-Control"
        case .pragma: "Pragma"
        case .expires: "Expires"
        case .age: "Age"
        case .vary: "Vary"
        case .allow: "Allow"
        case .retryAfter: "Retry-After"
        case .idempotencyKey: "Idempotency-Key"
        }
    }

    /// The known name spelled in `name`, in any case, or ``other``.
    public static func known(_ name: UnsafeRawBufferPointer) -> HeaderName {
        guard let base = name.baseAddress else { return .other }
        return KnownNames.shared.find(base, 0, name.count, readable: name.count)
    }

    /// Whether the field concerns one connection only and must not be forwarded (RFC 9110, section 7.6.1).
    @inlinable
    public var isHopByHop: Bool {
        switch self {
        case .connection, .transferEncoding, .upgrade, .te, .trailer, .keepAlive, .proxyConnection, .proxyAuthenticate,
            .proxyAuthorization:
            true
        default: false
        }
    }
}
