/// Parses request heads: bytes in, offsets out, no socket in sight.
///
/// Feed it all bytes of a head received so far, each time from the head's first byte; it goes on where the last whole
/// line ended, so that feeding byte by byte stays linear. The bytes may move between calls. After a complete head the
/// parser is ready for the next one.
///
/// Strict by RFC 9112: what two readers could read differently is refused.
public struct RequestParser: Sendable {
    private var parser: HeadParser
    private var hasBegun = false

    /// A parser at the start of a head.
    public init(limits: HeadLimits = HeadLimits()) { parser = HeadParser(limits: limits) }

    /// Whether a byte of a head has been seen (a CR LF before it is none): what tells an idle from a slow connection.
    public var isInHead: Bool { hasBegun }

    /// Forgets a head that is not whole.
    public mutating func reset() { self = RequestParser(limits: parser.limits) }

    /// Goes on with a head.
    ///
    /// - Parameters:
    ///   - bytes: Everything received since the end of the last message; may go on beyond the head.
    ///   - head: Filled in; whole only once this returns ``ParseProgress/complete(headBytes:)``.
    ///   - table: Filled in; the same one for the same head.
    /// - Returns: Whether the head is whole.
    /// - Throws: ``ParseError``; answer with its status and close the connection.
    /// - Complexity: O(*n*) over all calls for a head of *n* bytes; no allocation.
    public mutating func parse(
        _ bytes: UnsafeRawBufferPointer,
        head: inout RequestHead,
        table: HeaderTable
    ) throws(ParseError) -> ParseProgress {
        guard let base = bytes.baseAddress else { return .incomplete }
        let end = bytes.count
        if !hasBegun, try !begin(base, end, &head, table) { return .incomplete }
        guard try parser.hasNews(base, end) else { return .incomplete }
        if !parser.isInFields {
            let next = RequestLine.parse(base, parser.lineStart, end, &head)
            if next <= 0 {
                if next == 0 { try parser.stall(end) } else { try parser.fail(next, base, end) }
                return .incomplete
            }
            try parser.checkLimits(next)
            parser.lineStart = next
            parser.isInFields = true
        }
        let headBytes = try parser.parseFields(base, end, table)
        if headBytes == 0 { return .incomplete }
        try finish(base, headBytes, &head, table)
        reset()
        return .complete(headBytes: headBytes)
    }

    /// Skips one CR LF and looks at the first byte: what cannot begin a request is refused at once.
    private mutating func begin(
        _ base: UnsafeRawPointer,
        _ end: Int,
        _ head: inout RequestHead,
        _ table: HeaderTable
    ) throws(ParseError) -> Bool {
        if end == 0 { return false }
        var start = 0
        if ByteScan.byte(base, 0) == 0x0D {
            if end == 1 { return false }
            guard ByteScan.byte(base, 1) == 0x0A else { throw ParseError(.bareCarriageReturn) }
            if end == 2 { return false }
            start = 2
        }
        guard ASCII.isToken(ByteScan.byte(base, start)) else { throw ParseError(.malformedMethod) }
        head = RequestHead()
        table.removeAll()
        hasBegun = true
        parser.lineStart = start
        parser.searched = start
        return true
    }

    /// Applies the rules that need the whole head.
    @inline(__always)
    private func finish(
        _ base: UnsafeRawPointer,
        _ headBytes: Int,
        _ head: inout RequestHead,
        _ table: HeaderTable
    ) throws(ParseError) {
        let facts = parser.facts
        head.headBytes = UInt16(truncatingIfNeeded: headBytes)
        head.hostIndex = facts.hostIndex
        if facts.hostIndex >= 0 {
            let host = table[Int(facts.hostIndex)].value
            if head.targetForm == .absolute || head.targetForm == .authority {
                let bytes = UnsafeRawBufferPointer(start: base, count: headBytes)
                guard ASCII.equalIgnoringCase(host.bytes(in: bytes), head.authority.bytes(in: bytes)) else {
                    throw ParseError(.malformedHost)
                }
            } else {
                head.authority = host
            }
        } else if head.minorVersion == 1 {
            throw ParseError(.missingHost)
        }
        if facts.hasTransferEncoding {
            if head.minorVersion == 0 { throw ParseError(.misplacedTransferEncoding) }
            head.framing = .chunked
        } else if facts.hasContentLength, facts.contentLength > 0 {
            head.framing = .length(facts.contentLength)
        }
        head.keepAlive = !facts.close && (head.minorVersion == 1 || facts.keepAlive)
        head.expectsContinue = facts.expectsContinue && head.minorVersion == 1 && head.framing != .none
        head.upgrade = facts.upgradeOption && head.minorVersion == 1 && table.contains(.upgrade)
        if facts.nominates {
            FieldRules.markNominated(base, table, UnsafeRawBufferPointer(start: base, count: headBytes))
        }
    }
}
