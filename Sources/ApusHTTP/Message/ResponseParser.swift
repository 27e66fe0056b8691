/// Parses response heads, strictly; see ``RequestParser`` for how to feed it.
public struct ResponseParser: Sendable {
    private var parser: HeadParser
    private var hasBegun = false
    private let method: Method

    /// A parser at the start of the answer to a request with `method`, which decides whether there is a body.
    public init(answering method: Method, limits: HeadLimits = HeadLimits()) {
        parser = HeadParser(limits: limits)
        self.method = method
    }

    /// Whether a byte of the head has been seen.
    public var isInHead: Bool { hasBegun }

    /// Goes on with a head.
    ///
    /// After an interim answer (1xx but 101) the same parser takes the next head.
    ///
    /// - Parameters:
    ///   - bytes: Everything received since the end of the last head; may go on beyond this one.
    ///   - head: Filled in; whole only once this returns ``ParseProgress/complete(headBytes:)``.
    ///   - table: Filled in; the same one for the same head.
    /// - Returns: Whether the head is whole.
    /// - Throws: ``ParseError``; close the connection.
    public mutating func parse(
        _ bytes: UnsafeRawBufferPointer,
        head: inout ResponseHead,
        table: HeaderTable
    ) throws(ParseError) -> ParseProgress {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return .incomplete }
        let end = bytes.count
        if !hasBegun {
            guard ByteScan.byte(base, 0) == UInt8(ascii: "H") else { throw ParseError(.malformedStatusLine) }
            head = ResponseHead()
            table.removeAll()
            hasBegun = true
        }
        guard try parser.hasNews(base, end) else { return .incomplete }
        if !parser.isInFields {
            let next = Self.parseStatusLine(base, end, &head)
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
        self = ResponseParser(answering: method, limits: parser.limits)
        return .complete(headBytes: headBytes)
    }

    /// Version, space, three digits, then CR LF or a space and a reason, which may be empty.
    private static func parseStatusLine(_ base: UnsafeRawPointer, _ end: Int, _ head: inout ResponseHead) -> Int {
        let stop = ByteScan.control(base, 0, end)
        if stop &+ 1 >= end {
            if stop == end || ByteScan.byte(base, stop) != 0x0A { return 0 }
            return FieldParser.error(.bareLineFeed)
        }
        let control = ByteScan.byte(base, stop)
        guard control == 0x0D, ByteScan.byte(base, stop &+ 1) == 0x0A else {
            return FieldParser.error(
                control == 0x0D ? .bareCarriageReturn : control == 0x0A ? .bareLineFeed : .controlCharacter
            )
        }
        guard stop >= 12, ByteScan.byte(base, 8) == 0x20 else { return FieldParser.error(.malformedStatusLine) }
        guard VersionError.isWellFormed(base, 0, 8) else { return FieldParser.error(.malformedVersion) }
        let minor = ByteScan.byte(base, 7) &- 0x30
        guard ByteScan.byte(base, 5) == UInt8(ascii: "1"), minor <= 1 else {
            return FieldParser.error(.unsupportedVersion)
        }
        var code = 0
        for offset in 9..<12 {
            let byte = ByteScan.byte(base, offset)
            guard ASCII.isDigit(byte) else { return FieldParser.error(.malformedStatusLine) }
            code = code &* 10 &+ Int(byte &- 0x30)
        }
        guard code >= 100, code <= 599, stop == 12 || ByteScan.byte(base, 12) == 0x20 else {
            return FieldParser.error(.malformedStatusLine)
        }
        head.status = Status(code)
        head.minorVersion = minor
        head.reason = stop > 13 ? HeadRange(start: 13, count: stop &- 13) : .empty
        return stop &+ 2
    }

    /// Decides the framing.
    ///
    /// - SeeAlso: RFC 9112, section 6.3.
    private func finish(
        _ base: UnsafeRawPointer,
        _ headBytes: Int,
        _ head: inout ResponseHead,
        _ table: HeaderTable
    ) throws(ParseError) {
        let facts = parser.facts
        head.headBytes = UInt16(truncatingIfNeeded: headBytes)
        let informational = head.status.isInformational || head.status == .noContent
        if facts.hasTransferEncoding, informational || head.minorVersion == 0 {
            throw ParseError(.misplacedTransferEncoding)
        }
        head.contentLength = facts.hasContentLength ? facts.contentLength : nil
        if method == .connect, head.status.isSuccess {
            head.framing = .untilClose
        } else if method == .head || head.status.neverHasBody {
            head.framing = .none
        } else if facts.hasTransferEncoding {
            head.framing = .chunked
        } else if facts.hasContentLength {
            head.framing = facts.contentLength == 0 ? .none : .length(facts.contentLength)
        } else {
            head.framing = .untilClose
        }
        head.keepAlive =
            !facts.close && (head.minorVersion == 1 || facts.keepAlive) && head.framing != .untilClose
        head.upgrade = head.status == .switchingProtocols && table.contains(.upgrade) && facts.upgradeOption
        if facts.nominates {
            FieldRules.markNominated(base, table, UnsafeRawBufferPointer(start: base, count: headBytes))
        }
    }
}
