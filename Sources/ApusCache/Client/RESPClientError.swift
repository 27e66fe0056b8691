/// Why a client of a RESP server has no reply.
///
/// What the server itself refuses is a ``RESPFailure``.
public struct RESPClientError: Error, Sendable, CustomStringConvertible {
    /// A cause one can act on; more may be added, so callers keep a default branch.
    @nonexhaustive
    public enum Code: Sendable, Hashable {
        /// No connection could be made.
        case unreachable
        /// The server does not let us in: password, user, database, certificate.
        case accessRefused
        /// The connection was lost before the reply.
        case connectionLost
        /// The reply did not come in time.
        case timedOut
        /// As much is on its way, or waits, as the configuration allows.
        case overloaded
        /// What the server sent is no reply, too long a one, or one to nothing; the connection was cut.
        case malformedReply
        /// The command cannot share a connection, or not be sent at all.
        case misplacedCommand
        /// The keys of one command live on several nodes of the cluster.
        case keysApart
        /// The client was closed.
        case closed
    }

    /// What to match on, never the text.
    public let code: Code
    /// Whether the server may have got the command; where it has not, repeating it does no harm.
    public let wasSent: Bool
    /// For the log: the server, sizes, limits and the fix.
    public let detail: String
    /// The error underneath, if there was one.
    public let cause: (any Error)?

    init(_ code: Code, _ detail: String, wasSent: Bool = false, cause: (any Error)? = nil) {
        self.code = code
        self.detail = detail
        self.wasSent = wasSent
        self.cause = cause
    }

    /// Whether the same command may be sent again without harm, and may succeed then: the server has not got it.
    public var isRepeatable: Bool { !wasSent && (code == .unreachable || code == .connectionLost) }

    /// The detail.
    public var description: String { detail }

    /// The same of a command that may have been sent, or not.
    func sent(_ wasSent: Bool) -> RESPClientError {
        RESPClientError(code, detail, wasSent: wasSent, cause: cause)
    }
}

/// What a server answers to a command that it refuses.
public struct RESPFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The first word, such as `WRONGTYPE`, `NOAUTH`, `MOVED` or `ERR`.
    public let code: String
    /// All of it, without what a server repeats of the command's arguments.
    public let text: String

    /// A failure from the text of an error reply.
    public init(_ text: String) {
        // Redis repeats the beginning of the arguments, which are nobody's to log.
        let end = text.firstRange(of: ", with args beginning with")?.lowerBound ?? text.endIndex
        self.text = String(text[..<end])
        code = String(text.prefix { $0 != " " })
    }

    /// The text.
    public var description: String { text }
}
