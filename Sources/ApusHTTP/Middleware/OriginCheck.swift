/// Refuses changes that another site's page has a browser make: cross-site request forgery.
///
/// Methods that only read pass. For the others the browser's word is taken: `Sec-Fetch-Site` where it comes, else
/// `Origin`, which must be the origin that the request is for. A request with neither is none of a present browser.
///
/// - SeeAlso: Fetch Metadata Request Headers (W3C), section 2.4; RFC 6454, section 7.
public struct OriginCheck: Sendable, Hashable {
    /// Whether `X-Forwarded-Host` and `X-Forwarded-Proto` say what the client asked for; false unless set.
    ///
    /// Only where every request comes through a proxy that sets both. The scheme is compared then, too; without a proxy
    /// a server does not know whether TLS ends before it, and takes both schemes.
    public var trustsProxy = false
    /// Whether requests without `Sec-Fetch-Site` and `Origin` pass, as those of programs do; false unless set.
    ///
    /// For routes that look at a token of their own, which no browser sends by itself.
    public var allowsAbsent = false
    /// Other origins whose pages may make changes, such as `https://admin.example`.
    public var otherOrigins: [String] = []

    /// Starts from the defaults.
    public init() {}

    /// Answers 403 to what it refuses.
    public var middleware: RouterBuilder.Middleware {
        { exchange, next in
            if let code = refusal(exchange) { throw Problem(.forbidden, code: code) }
            try await next(exchange)
        }
    }

    /// Why the request is refused, as a problem's code; `nil` if it may pass.
    func refusal(_ exchange: Exchange) -> String? {
        if exchange.method.isSafe { return nil }
        let origin = exchange.field(.origin)
        if let origin, otherOrigins.contains(where: { $0.utf8.elementsEqual(origin) }) { return nil }
        if let site = exchange.field(.secFetchSite) {
            let isOwn = site.elementsEqual("same-origin".utf8) || site.elementsEqual("none".utf8)
            return isOwn ? nil : "origin.crossSite"
        }
        guard let origin else { return allowsAbsent ? nil : "origin.missing" }
        return isOwn(origin, exchange) ? nil : "origin.foreign"
    }

    private func isOwn(_ origin: UnsafeRawBufferPointer, _ exchange: Exchange) -> Bool {
        guard let (scheme, host) = Self.parts(origin) else { return false }
        var wanted = exchange.authority
        if trustsProxy {
            // Two values, or a list, could be the client's beside the proxy's.
            guard let proto = exchange.onlyField(.xForwardedProto), ASCII.equalIgnoringCase(proto, scheme) else {
                return false
            }
            guard let forwarded = exchange.onlyField(.xForwardedHost) else { return false }
            wanted = forwarded
        }
        return ASCII.equalIgnoringCase(Self.withoutDefaultPort(host, scheme), Self.withoutDefaultPort(wanted, scheme))
    }

    /// Scheme and host of an `Origin`; `nil` for `null` and whatever else is no HTTP origin.
    private static func parts(_ origin: UnsafeRawBufferPointer) -> (StaticString, UnsafeRawBufferPointer)? {
        for (prefix, scheme) in [("https://", "https"), ("http://", "http")] as [(StaticString, StaticString)] {
            let count = prefix.utf8CodeUnitCount
            guard origin.count > count else { continue }
            if ASCII.equalIgnoringCase(UnsafeRawBufferPointer(rebasing: origin[..<count]), prefix) {
                return (scheme, UnsafeRawBufferPointer(rebasing: origin[count...]))
            }
        }
        return nil
    }

    private static func withoutDefaultPort(
        _ host: UnsafeRawBufferPointer,
        _ scheme: StaticString
    ) -> UnsafeRawBufferPointer {
        let port = scheme.utf8CodeUnitCount == 5 ? ":443" : ":80"
        guard host.count > port.utf8.count, host.suffix(port.utf8.count).elementsEqual(port.utf8) else { return host }
        return UnsafeRawBufferPointer(rebasing: host.dropLast(port.utf8.count))
    }
}

extension Exchange {
    /// A field's value if it came exactly once and is no list; `nil` otherwise.
    func onlyField(_ name: HeaderName) -> UnsafeRawBufferPointer? {
        let table = workspace.pointee.table
        guard let index = table.firstIndex(of: name) else { return nil }
        for other in index + 1..<max(index + 1, table.count) where table[other].id == name { return nil }
        let value = table[index].value.bytes(in: live.headBytes)
        return value.contains(UInt8(ascii: ",")) || value.isEmpty ? nil : value
    }
}
