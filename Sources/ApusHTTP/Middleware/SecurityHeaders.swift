/// Fields that tell browsers to be careful with what an answer holds.
///
///     router.use(SecurityHeaders().middleware)
///
/// - SeeAlso: OWASP, "HTTP Security Response Headers Cheat Sheet".
public struct SecurityHeaders: Sendable, Hashable {
    /// `Content-Security-Policy`, without `frame-ancestors`; `nil` for none.
    ///
    /// The default allows the page's own origin and pictures in `data:`, and no inline script or style.
    public var contentSecurityPolicy: String? =
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'"
    /// Who may show the page in a frame; nobody unless set.
    ///
    /// Also said as `X-Frame-Options` where that can say it.
    public var frameAncestors = FrameAncestors.none
    /// `Referrer-Policy`; `nil` for none.
    ///
    /// Other sites learn nothing of the path unless set.
    public var referrerPolicy: String? = "same-origin"
    /// `Permissions-Policy`; `nil` for none.
    ///
    /// No camera, microphone, place or payment unless set.
    public var permissionsPolicy: String? = "camera=(), geolocation=(), microphone=(), payment=()"
    /// `Cross-Origin-Opener-Policy`; `nil` for none.
    public var openerPolicy: String? = "same-origin"
    /// `Strict-Transport-Security` in seconds; `nil` unless set, since it is a promise that TLS is there for that long.
    public var strictTransportSeconds: Int?

    /// Who may show a page in a frame.
    public enum FrameAncestors: Sendable, Hashable {
        /// Nobody.
        case none
        /// Pages of the same origin.
        case sameOrigin
        /// Pages of these origins, such as `https://partner.example`.
        case origins([String])
    }

    /// Starts from the defaults.
    public init() {}

    /// Adds the fields to every answer.
    ///
    /// A control character in one of them stops the program here, not later.
    public var middleware: RouterBuilder.Middleware {
        for value in [contentSecurityPolicy, referrerPolicy, permissionsPolicy, openerPolicy] + [ancestors] {
            precondition(
                (value ?? "").utf8.allSatisfy { $0 >= 32 && $0 != 127 },
                "a control character in a field"
            )
        }
        let lines = self.lines
        return { exchange, next in
            exchange.addLines(lines)
            try await next(exchange)
        }
    }

    private var ancestors: String {
        switch frameAncestors {
        case .none: "frame-ancestors 'none'"
        case .sameOrigin: "frame-ancestors 'self'"
        case .origins(let origins): "frame-ancestors \(origins.joined(separator: " "))"
        }
    }

    /// The fields as they are sent.
    var lines: [UInt8] {
        var text = "X-Content-Type-Options: nosniff\r\n"
        switch frameAncestors {
        case .none: text += "X-Frame-Options: DENY\r\n"
        case .sameOrigin: text += "X-Frame-Options: SAMEORIGIN\r\n"
        case .origins: break
        }
        text += "Content-Security-Policy: \(contentSecurityPolicy.map { "\($0); \(ancestors)" } ?? ancestors)\r\n"
        if let referrerPolicy { text += "Referrer-Policy: \(referrerPolicy)\r\n" }
        if let permissionsPolicy { text += "Permissions-Policy: \(permissionsPolicy)\r\n" }
        if let openerPolicy { text += "Cross-Origin-Opener-Policy: \(openerPolicy)\r\n" }
        if let strictTransportSeconds { text += "Strict-Transport-Security: max-age=\(strictTransportSeconds)\r\n" }
        return Array(text.utf8)
    }
}

extension Exchange {
    /// Adds whole lines, known to be good, to the answer's head.
    func addLines(_ lines: [UInt8]) { workspace.pointee.fields.pointee.append(bytes: lines) }
}
