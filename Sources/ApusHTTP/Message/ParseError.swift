/// Why bytes are not an HTTP message this library accepts.
///
/// After one the connection is unusable: where the next message would begin is unknown, or two readers may differ on it.
/// Trivial, so throwing it allocates nothing.
public struct ParseError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The rule that was broken.
    public enum Code: UInt8, Sendable, Hashable, CaseIterable {
        /// The request line does not begin with a token and one space.
        case malformedMethod = 1
        /// The request target is none of the four forms, or has a control, non-ASCII byte or a fragment.
        case malformedTarget
        /// The line does not end with a space and `HTTP/` digit `.` digit.
        case malformedVersion
        /// A well-formed version other than 1.0 and 1.1.
        case unsupportedVersion
        /// The status line is not version, space, three digits, space, reason.
        case malformedStatusLine
        /// A carriage return without a line feed after it.
        case bareCarriageReturn
        /// A line feed without a carriage return before it.
        case bareLineFeed
        /// A field line without a colon.
        case missingColon
        /// A field line that begins with its colon.
        case emptyFieldName
        /// White space between a field name and its colon.
        case spaceBeforeColon
        /// A byte that is no token character in a field name.
        case malformedFieldName
        /// A line that continues the one before it (obs-fold).
        case foldedLine
        /// NUL, DEL or another control character in a field value.
        case controlCharacter
        /// More than one `Content-Length`, equal or not.
        case repeatedContentLength
        /// A `Content-Length` that is not a plain decimal number.
        case malformedContentLength
        /// `Content-Length` beside `Transfer-Encoding`.
        case lengthBesideTransferEncoding
        /// A `Transfer-Encoding` that is not exactly one `chunked`.
        case malformedTransferEncoding
        /// `Transfer-Encoding` in HTTP/1.0, or in a response that cannot have a body.
        case misplacedTransferEncoding
        /// HTTP/1.1 without `Host`.
        case missingHost
        /// More than one `Host`.
        case repeatedHost
        /// A `Host` that is not a host with an optional port, or differs from an absolute target's.
        case malformedHost
        /// A `Connection` that is not a list of tokens.
        case malformedConnection
        /// A `Connection` that asks to drop `Host`, `Content-Length` or `Transfer-Encoding`.
        case connectionNominatesFraming
        /// An `Expect` other than `100-continue`.
        case unknownExpectation
        /// A request line beyond its limit.
        case requestLineTooLong
        /// A head beyond its limit.
        case headTooLarge
        /// More than ``HeaderTable/fieldsMax`` fields.
        case tooManyFields
        /// A chunk size that is not 1 to 16 hexadecimal digits, or that cannot be counted.
        case malformedChunkSize
        /// A control character in a chunk extension.
        case malformedChunkExtension
        /// Chunk extensions beyond their limit.
        case chunkExtensionTooLong
        /// Chunk data not followed by CR LF.
        case malformedChunkEnd
        /// A trailer section that is not a list of field lines.
        case malformedTrailer
        /// A trailer section beyond its limit.
        case trailersTooLarge
        /// A trailer field that frames, routes or authenticates the message.
        case forbiddenTrailer
    }

    /// What to match on.
    public let code: Code

    /// An error of that code.
    @inlinable
    public init(_ code: Code) { self.code = code }

    /// The status to answer a request with; 400 unless a more telling one exists.
    public var status: Status {
        switch code {
        case .unsupportedVersion: .httpVersionNotSupported
        case .requestLineTooLong: .uriTooLong
        case .headTooLarge, .tooManyFields, .trailersTooLarge: .requestHeaderFieldsTooLarge
        case .unknownExpectation: .expectationFailed
        default: .badRequest
        }
    }

    /// Whether the connection must be closed after the answer: always.
    public var closesConnection: Bool { true }

    /// The code's name, in words.
    public var description: String { "malformed HTTP message: \(code)" }
}
