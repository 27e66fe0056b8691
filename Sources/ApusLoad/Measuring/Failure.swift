/// Why a request of a run counts as failed.
public enum Failure: Int, Sendable, Hashable, Codable, CaseIterable, CustomStringConvertible {
    /// No connection could be made.
    case unreachable
    /// The connection broke before the answer was whole.
    case connectionLost
    /// No whole answer came in time.
    case timedOut
    /// What came is not HTTP.
    case malformed
    /// The answer had a status that was not expected.
    case status
    /// The answer was not what the scenario expected.
    case check
    /// It was due, but everyone who may be under way at once was, until the run ended.
    case unsent

    /// As reports write it.
    public var description: String {
        switch self {
        case .unreachable: "unreachable"
        case .connectionLost: "connection lost"
        case .timedOut: "timed out"
        case .malformed: "not HTTP"
        case .status: "unexpected status"
        case .check: "failed check"
        case .unsent: "not sent"
        }
    }
}
