/// How the end of a body is found.
public enum BodyFraming: Sendable, Hashable {
    /// There is no body.
    case none
    /// The body has that many bytes.
    case length(UInt64)
    /// The body comes in chunks; see ``ChunkedDecoder``.
    case chunked
    /// The body ends when the connection does; responses only.
    case untilClose
}

/// How far a parser got.
public enum ParseProgress: Sendable, Hashable {
    /// The head is not whole: call again with the same bytes and more after them.
    case incomplete
    /// The head is whole and that many bytes long; the body, if any, begins there.
    case complete(headBytes: Int)
}

/// Bounds on a head.
public struct HeadLimits: Sendable, Hashable {
    /// Largest head in bytes, its empty line included; 32 KiB unless set, at most 65,535; beyond it 431.
    public var headBytesMax = 32 * 1024
    /// Longest request or status line in bytes, CR LF included; 8 KiB unless set; beyond it 414.
    public var lineBytesMax = 8 * 1024
    /// Most fields; 128 unless set, at most ``HeaderTable/fieldsMax``; beyond it 431.
    public var fieldsMax = HeaderTable.fieldsMax

    /// Starts from the defaults.
    @inlinable
    public init() {}

    func check() {
        precondition(headBytesMax <= 65_535, "a head's offsets have two bytes: headBytesMax is at most 65535")
        precondition(lineBytesMax <= headBytesMax, "lineBytesMax is at most headBytesMax")
        precondition(fieldsMax <= HeaderTable.fieldsMax, "fieldsMax is at most \(HeaderTable.fieldsMax)")
    }
}

/// The form of a request target (RFC 9112, section 3.2).
public enum TargetForm: UInt8, Sendable, Hashable {
    /// `/path?query`
    case origin
    /// `http://host/path?query`
    case absolute
    /// `host:port`, for CONNECT only.
    case authority
    /// `*`, for OPTIONS only.
    case asterisk
}

/// A request's head as offsets into its bytes; the fields are in the ``HeaderTable`` given to the parser.
///
/// Trivial: no reference counting. Valid as long as the bytes and the table are.
public struct RequestHead: Sendable, Hashable {
    /// The method; for ``Method/other`` its text is at ``methodText``.
    public var method: Method = .other
    /// Where the method's text is.
    public var methodText: HeadRange = .empty
    /// Which of the four forms the target has.
    public var targetForm: TargetForm = .origin
    /// Where the whole request target is.
    public var target: HeadRange = .empty
    /// Where the path is, still percent-encoded; empty stands for `/` in an absolute target, and for no path in
    /// ``TargetForm/authority`` and ``TargetForm/asterisk``.
    public var path: HeadRange = .empty
    /// Where the query is, without its `?`; empty if there is none.
    public var query: HeadRange = .empty
    /// Where host and port are: from an absolute or authority target, else the value of `Host`; empty if HTTP/1.0 has none.
    public var authority: HeadRange = .empty
    /// The version's second digit: 0 or 1.
    public var minorVersion: UInt8 = 1
    /// How the body ends: never ``BodyFraming/untilClose``.
    public var framing: BodyFraming = .none
    /// Whether the connection may carry another request after this one.
    public var keepAlive = true
    /// Whether the client waits for `100 Continue` before it sends the body.
    public var expectsContinue = false
    /// Whether the client asks to change protocols: `Upgrade`, nominated by `Connection`, in HTTP/1.1.
    public var upgrade = false
    /// Index of the `Host` field in the table, or -1.
    public var hostIndex: Int16 = -1
    /// Length of the head in bytes; the body begins there.
    public var headBytes: UInt16 = 0

    /// An empty head for a parser to fill.
    @inlinable
    public init() {}
}

/// A response's head as offsets into its bytes; the fields are in the ``HeaderTable`` given to the parser.
///
/// Trivial: no reference counting. Valid as long as the bytes and the table are.
public struct ResponseHead: Sendable, Hashable {
    /// The status, 100 to 599.
    public var status: Status = .ok
    /// Where the reason phrase is; it means nothing to a program.
    public var reason: HeadRange = .empty
    /// The version's second digit: 0 or 1.
    public var minorVersion: UInt8 = 1
    /// How the body ends.
    public var framing: BodyFraming = .none
    /// The value of `Content-Length` even where ``framing`` says there is no body (HEAD, 304), or `nil`.
    public var contentLength: UInt64?
    /// Whether the connection may carry another request after this response.
    public var keepAlive = true
    /// Whether the response changes protocols: status 101 with `Upgrade`.
    public var upgrade = false
    /// Length of the head in bytes; the body begins there.
    public var headBytes: UInt16 = 0

    /// An empty head for a parser to fill.
    @inlinable
    public init() {}
}
