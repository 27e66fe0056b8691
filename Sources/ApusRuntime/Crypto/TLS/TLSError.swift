/// Why a connection could not be secured.
public struct TLSError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What went wrong, for code that decides.
    public enum Code: Sendable, Hashable {
        /// A certificate, key or list of authorities cannot be read or does not fit.
        case configuration
        /// The peer's certificate is not to be trusted: unknown issuer, wrong name, out of date.
        case untrustedPeer
        /// The peer does not speak TLS 1.2 or 1.3, or breaks its rules.
        case handshake
        /// The connection ended or its time was up before it was secured.
        case connectionLost
    }

    /// What went wrong.
    public let code: Code
    /// The same for people, in one line.
    public let detail: String

    /// An error from its parts.
    public init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    /// The detail.
    public var description: String { detail }
}
