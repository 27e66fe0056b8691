/// Why a run could not begin, or had to be given up.
public struct LoadError: Error, Sendable, CustomStringConvertible {
    /// What to match on; more may be added.
    public enum Code: Sendable, Hashable {
        /// The target is no URL that the generator understands.
        case badTarget
        /// The target is another machine, and nobody said that it may be loaded.
        case remoteTarget
        /// Nothing answers there.
        case unreachable
        /// The scenario cannot run here.
        case badScenario
        /// A report that was given is none.
        case badReport
    }

    /// What to match on, never the text.
    public let code: Code
    /// One sentence that names the fix.
    public let detail: String
    /// The error underneath, if there was one.
    public let cause: (any Error)?

    /// A failure with a sentence that names the fix.
    public init(_ code: Code, _ detail: String, cause: (any Error)? = nil) {
        self.code = code
        self.detail = detail
        self.cause = cause
    }

    /// True when the same run may succeed later.
    public var isRetryable: Bool { code == .unreachable }

    /// The sentence, and what lies under it.
    public var description: String { cause.map { "\(detail) (\($0))" } ?? detail }
}
