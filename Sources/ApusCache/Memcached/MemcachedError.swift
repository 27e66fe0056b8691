/// Why a client of memcached has no answer.
public struct MemcachedError: Error, Sendable, CustomStringConvertible {
    /// A cause one can act on; more may be added, so callers keep a default branch.
    @nonexhaustive
    public enum Code: Sendable, Hashable {
        /// No connection could be made, and nobody else could take over.
        case unreachable
        /// The connection was lost before the answer.
        case connectionLost
        /// The answer did not come in time.
        case timedOut
        /// As much is on its way as the configuration allows.
        case overloaded
        /// The key is empty, has more than 250 bytes, or has spaces or control characters in it.
        case badKey
        /// The server will not keep so large a value, or has no memory.
        case notKept
        /// The server refuses the command.
        case refused
        /// What the server sent is no answer; the connection was cut.
        case malformedAnswer
        /// The client was closed.
        case closed
    }

    /// What to match on, never the text.
    public let code: Code
    /// Whether the server may have got the command; where it has not, repeating it does no harm.
    public let wasSent: Bool
    /// For the log: the server, sizes and limits.
    public let detail: String
    /// The error underneath, if there was one.
    public let cause: (any Error)?

    init(_ code: Code, _ detail: String, wasSent: Bool = false, cause: (any Error)? = nil) {
        self.code = code
        self.detail = detail
        self.wasSent = wasSent
        self.cause = cause
    }

    /// The detail.
    public var description: String { detail }

    /// Whether it is the server that is out of reach, so that another one may take over.
    var isServerGone: Bool { code == .unreachable || code == .connectionLost || code == .timedOut }
}
