/// Why a cache call failed; what a loader throws is passed on as it is.
public struct CacheError: Error, Sendable {
    /// A cause one can act on; more may be added, so callers keep a default branch.
    @nonexhaustive
    public enum Code: Sendable, Hashable {
        /// As many callers wait for a load as the configuration allows.
        case overloaded
        /// The key is known to have no value, and the caller's loader cannot say so.
        case absent
        /// The cache was closed.
        case closed
        /// Others changed the key each time it was to be changed.
        case contended
        /// The engine cannot do it.
        case unsupported
        /// The server behind is left alone for a moment because it failed.
        case serverAway
    }

    /// Who has to act.
    public enum Fault: Sendable, Hashable { case caller, engine, apus }

    /// What to match on, never the text.
    public let code: Code
    /// Whose mistake it was.
    public let fault: Fault
    /// True when the same call, unchanged, may succeed later.
    public let isRetryable: Bool
    /// Sizes and names for the log, such as "1000 waiters, at most 1000".
    public let detail: String
    /// The error underneath, if there was one.
    public let cause: (any Error)?

    init(_ code: Code, fault: Fault, isRetryable: Bool, detail: String, cause: (any Error)? = nil) {
        self.code = code
        self.fault = fault
        self.isRetryable = isRetryable
        self.detail = detail
        self.cause = cause
    }
}
